"""Messages that arrive after a later one."""

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
from tests.notify.ses_feedback import bounce, deliver_feedback
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
def test_a_superseded_message_is_not_sent(cloud: None, later: Event, late: Event) -> None:
    assert deliver(consume, later) == []
    known = the_email().headers["X-Notification-Id"]
    assert deliver(consume, late, late) == []
    assert len(emails()) == 1
    (untold,) = (found for found in notifications() if found.pk != known)
    assert untold.status == "suppressed" and untold.reason and untold.leased_until is None


def test_messages_about_past_facts_are_sent_however_late(cloud: None, orders: Orders) -> None:
    happened = [refunded(295, 295), returned(), delivered(), cancelled(), invoiced(), decided("rejected")]
    assert deliver(consume, *happened) == []
    assert len(emails()) == len(happened)


def test_events_in_order_are_all_sent(cloud: None, orders: Orders) -> None:
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


def test_a_decline_of_a_replacement_payment_is_sent_after_the_confirmation(cloud: None) -> None:
    assert deliver(consume, paid(), declined(payment_id="pay_2", replaces="pay_1")) == []
    assert [email.subject for email in emails()][1:] == ["Payment failed for your order 7K4M2-9QX2D"]


@pytest.mark.parametrize("later", [expired(), cancelled()], ids=lambda event: event.type)
def test_a_decline_of_a_replacement_payment_is_not_sent_for_an_ended_order(cloud: None, later: Event) -> None:
    assert deliver(consume, later, declined(payment_id="pay_2", replaces="pay_1")) == []
    assert len(emails()) == 1


def test_a_bounced_decline_of_a_replacement_payment_sends_a_text_message(cloud: None) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, paid(), declined(payment_id="pay_2", replaces="pay_1")) == []
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "payment_failed")
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1


def expiring(hold: timedelta = timedelta(hours=20)) -> Event:
    """Return the event of an authorization that expires in `hold`."""
    data = payment(secured=gbp(1299), status="authorized", reason=None, capture_before=clock.now() + hold)
    return PaymentExpiring.of(data, subject="pay_1", version=5, at=clock.now())


@pytest.mark.parametrize("hold", [timedelta(0), timedelta(hours=-5)])
def test_a_request_to_pay_is_not_sent_after_its_deadline(cloud: None, hold: timedelta) -> None:
    late = expiring(hold)
    assert deliver(consume, late, late) == []
    (row,) = notifications()
    assert (row.status, row.cause) == ("suppressed", "superseded")
    assert row.reason == "the requested action is no longer possible"
    assert emails() == []


def test_a_request_to_pay_that_bounces_after_its_deadline_sends_no_text(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, expiring()) == []
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "payment_reauthorize")
    pass_time(monkeypatch, timedelta(hours=21))
    assert deliver_feedback(bounce(row.pk)) == []
    stored = rows.find(row.pk)
    assert stored and stored.status == "bounced" and stored.instead is None
    assert sms_messages() == []
