"""Messages that later messages supersede, and messages whose deadline has passed."""

from datetime import timedelta

import pytest

from notify.app.consume import consume
from notify.tables import notifications as rows
from shared.contracts.events.envelope import Event
from shared.contracts.events.payments import PaymentExpiring
from shared.runtime import clock
from tests.notify.conftest import InvoiceFunction
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
from tests.notify.mailbox import emails, notifications, only_email, only_notification, sms_messages
from tests.notify.requests import ALL_ON, DEFAULTS, advance_clock, deliver, put_preferences, register_customer
from tests.notify.ses_feedback import bounce, deliver_feedback


@pytest.mark.parametrize(
    ("later", "earlier"),
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
def test_a_message_is_not_sent_after_one_that_supersedes_it(
    cloud: None, later: Event, earlier: Event
) -> None:
    assert deliver(consume, later) == []
    sent = only_email().headers["X-Notification-Id"]
    assert deliver(consume, earlier, earlier) == []
    assert len(emails()) == 1
    (row,) = (row for row in notifications() if row.pk != sent)
    assert row.status == "suppressed" and row.reason and row.leased_until is None


def test_messages_about_completed_actions_are_sent_in_any_order(cloud: None, orders: InvoiceFunction) -> None:
    events = [refunded(295, 295), returned(), delivered(), cancelled(), invoiced(), decided("rejected")]
    assert deliver(consume, *events) == []
    assert len(emails()) == len(events)


def test_each_step_of_an_order_sends_a_message(cloud: None, orders: InvoiceFunction) -> None:
    events = [
        paid(),
        invoiced(),
        shipped(),
        shipped(fulfilment_id="ful_2"),
        delivered(),
        decided(),
        returned(),
    ]
    assert deliver(consume, *events) == []
    assert [email.subject.replace("7K4M2-9QX2D", "#") for email in emails()] == [
        "Your order # is confirmed",
        "Your invoice 2026-000123",
        "A package of your order # is on its way",
        "A package of your order # is on its way",
        "Your order # has been delivered",
        "Your return for order # is approved",
        "Your return for order # has arrived",
    ]


def test_a_decline_of_a_replacing_payment_is_sent_after_the_confirmation(cloud: None) -> None:
    assert deliver(consume, paid(), declined(payment_id="pay_2", replaces="pay_1")) == []
    assert [email.subject for email in emails()][1:] == ["Payment failed for your order 7K4M2-9QX2D"]


@pytest.mark.parametrize("later", [expired(), cancelled()], ids=lambda event: event.type)
def test_a_decline_of_a_replacing_payment_is_not_sent_after_the_order_ended(
    cloud: None, later: Event
) -> None:
    assert deliver(consume, later, declined(payment_id="pay_2", replaces="pay_1")) == []
    assert len(emails()) == 1


def test_a_bounced_decline_of_a_replacing_payment_sends_a_text_message(cloud: None) -> None:
    register_customer(DEFAULTS)
    assert deliver(consume, paid(), declined(payment_id="pay_2", replaces="pay_1")) == []
    put_preferences(ALL_ON)
    row = only_notification(template="payment_failed")
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1


def expiring(time_left: timedelta = timedelta(hours=20)) -> Event:
    """Return the event of an authorization that expires after this time."""
    data = payment(secured=gbp(1299), status="authorized", reason=None, hold_until=clock.now() + time_left)
    return PaymentExpiring.of(data, subject="pay_1", version=5, at=clock.now())


@pytest.mark.parametrize("time_left", [timedelta(0), timedelta(hours=-5)])
def test_a_request_to_pay_is_not_sent_after_its_deadline(cloud: None, time_left: timedelta) -> None:
    event = expiring(time_left)
    assert deliver(consume, event, event) == []
    row = only_notification()
    assert (row.status, row.cause) == ("suppressed", "superseded")
    assert row.reason == "the requested action is no longer possible"
    assert emails() == []


def test_a_request_to_pay_that_bounces_after_its_deadline_sends_no_text(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_customer(DEFAULTS)
    assert deliver(consume, expiring()) == []
    put_preferences(ALL_ON)
    row = only_notification(template="payment_reauthorize")
    advance_clock(monkeypatch, timedelta(hours=21))
    assert deliver_feedback(bounce(row.pk)) == []
    updated = rows.find(row.pk)
    assert updated and updated.status == "bounced" and updated.instead is None
    assert sms_messages() == []
