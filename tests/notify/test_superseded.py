"""Letters that overtake each other: what is still worth telling."""

from datetime import timedelta

import pytest

from notify.app.consume import consume
from notify.tables import notifications as rows
from shared.contracts.events import Event, PaymentExpiring
from shared.runtime import clock
from tests.notify.conftest import Orders
from tests.notify.event_data import (
    cancelled,
    decided,
    declined,
    delivered,
    expired,
    gbp,
    invoiced,
    paid,
    payment,
    refunded,
    returned,
    shipped,
)
from tests.notify.mailbox import emails, notifications, sms_messages, the_email
from tests.notify.requests import ALL, DEFAULT, choose, pass_time, register_reachable
from tests.notify.ses_feedback import bounce, say
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
    known = the_email().headers["X-Notification-Id"]
    assert deliver(consume, late, late) == []
    assert len(emails()) == 1
    (untold,) = (found for found in notifications() if found.pk != known)
    assert untold.status == "suppressed" and untold.reason and untold.leased_until is None


def test_what_happened_is_told_however_late(cloud: None, orders: Orders) -> None:
    happened = [refunded(295, 295), returned(), delivered(), cancelled(), invoiced(), decided("rejected")]
    assert deliver(consume, *happened) == []
    assert len(emails()) == len(happened)


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
    assert [email.subject.replace("7K4M2-9QX2D", "#") for email in emails()] == [
        "Your order # is confirmed",
        "Your invoice 2026-000123",
        "A package of your order # is on its way",
        "A package of your order # is on its way",
        "Your order # has been delivered",
        "Your return for order # is approved",
        "Your return for order # has arrived",
    ]


def test_a_decline_of_a_payment_that_replaces_another_is_told_after_the_confirmation(cloud: None) -> None:
    assert deliver(consume, paid(), declined(payment_id="pay_2", replaces="pay_1")) == []
    assert [email.subject for email in emails()][1:] == ["Payment failed for your order 7K4M2-9QX2D"]


@pytest.mark.parametrize("later", [expired(), cancelled()], ids=lambda event: event.type)
def test_a_decline_of_a_payment_that_replaces_another_is_not_told_of_an_order_that_is_over(
    cloud: None, later: Event
) -> None:
    assert deliver(consume, later, declined(payment_id="pay_2", replaces="pay_1")) == []
    assert len(emails()) == 1


def test_such_a_decline_whose_mail_bounces_is_told_by_text(cloud: None) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, paid(), declined(payment_id="pay_2", replaces="pay_1")) == []
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "payment_failed")
    assert say(bounce(row.pk)) == []
    assert len(sms_messages()) == 1


def expiring(hold: timedelta = timedelta(hours=20)) -> Event:
    """A hold that lapses so long from now."""
    facts = payment(secured=gbp(1299), status="authorized", reason=None, capture_before=clock.now() + hold)
    return PaymentExpiring.of(facts, subject="pay_1", version=5, at=clock.now())


@pytest.mark.parametrize("hold", [timedelta(0), timedelta(hours=-5)])
def test_nobody_is_asked_to_pay_by_a_time_that_is_over(cloud: None, hold: timedelta) -> None:
    late = expiring(hold)
    assert deliver(consume, late, late) == []
    (row,) = notifications()
    assert (row.status, row.cause) == ("suppressed", "superseded")
    assert row.reason == "the requested action is no longer possible"
    assert emails() == []


def test_a_request_to_pay_whose_mail_bounces_after_the_hold_is_not_told_by_text(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, expiring()) == []
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "payment_reauthorize")
    pass_time(monkeypatch, timedelta(hours=21))
    assert say(bounce(row.pk)) == []
    told = rows.find(row.pk)
    assert told and told.status == "bounced" and told.instead is None
    assert sms_messages() == []
