"""Letters that overtake each other: what is still worth telling."""

import pytest

from notify.app.consume import consume
from shared.events import Event
from tests.notify.conftest import Orders
from tests.notify.facts import (
    cancelled,
    decided,
    declined,
    delivered,
    expired,
    invoiced,
    paid,
    refunded,
    returned,
    shipped,
)
from tests.notify.mailbox import mails, notifications, the_mail
from tests.support import deliver


@pytest.mark.parametrize(
    ("later", "late"),
    [
        (paid(), declined()),
        (expired(), declined()),
        (cancelled(), declined()),
        (cancelled(), paid()),
        (delivered(), paid()),
        (delivered(), shipped()),
        (decided("rejected"), decided("approved")),
        (returned(), decided("approved")),
    ],
    ids=lambda event: event.type,
)
def test_what_only_foretold_what_is_known_by_now_is_not_told(cloud: None, later: Event, late: Event) -> None:
    assert deliver(consume, later) == []
    known = the_mail().headers["X-Notification-Id"]
    assert deliver(consume, late, late) == []
    assert len(mails()) == 1
    (untold,) = (found for found in notifications() if found.pk != known)
    assert untold.status == "suppressed" and untold.reason and untold.leased_until is None


def test_what_happened_is_told_however_late(cloud: None, orders: Orders) -> None:
    happened = [refunded(295, 295), returned(), delivered(), cancelled(), invoiced(), decided("rejected")]
    assert deliver(consume, *happened) == []
    assert len(mails()) == len(happened)


def test_an_order_in_its_own_order_is_told_step_by_step(cloud: None, orders: Orders) -> None:
    steps = [
        paid(),
        invoiced(),
        shipped(),
        shipped(fulfilment_id="ful_2"),
        delivered(),
        decided(),
        returned(),
    ]
    assert deliver(consume, *steps) == []
    assert [mail.subject.replace("7K4M2-9QX2D", "#") for mail in mails()] == [
        "Your order # is confirmed",
        "Your invoice 2026-000123",
        "A parcel of your order # is on its way",
        "A parcel of your order # is on its way",
        "Your order # has been delivered",
        "Your return for order # is approved",
        "Your return for order # has arrived",
    ]
