"""Alerts to the shop's staff."""

from datetime import timedelta

import pytest

from notify.app.consume import consume
from notify.settings import settings
from shared.contracts.events.envelope import Event
from shared.contracts.events.payments import PaymentDisputed
from shared.runtime import clock
from tests.notify import event_data
from tests.notify.event_data import (
    capture_failed,
    expiring,
    gbp,
    paid,
    refund_failed,
    registered,
    reviewed,
    unreconciled,
)
from tests.notify.mailbox import emails, notifications, only_notification, sms_messages
from tests.notify.requests import deliver
from tests.notify.ses_feedback import complaint, deliver_feedback

STAFF, ADA = "staff@tillstack.example", "ada@example.com"


def disputed(status: str, version: int = 3, due_in: timedelta = timedelta(days=9)) -> PaymentDisputed:
    return event_data.disputed(status, version, evidence_due=clock.now() + due_in)


@pytest.mark.parametrize(
    ("event", "recipients"),
    [
        (disputed("needs_response"), [STAFF]),
        (disputed("won"), [STAFF]),
        (disputed("lost"), [STAFF]),
        (disputed("under_review"), []),
        (reviewed(), [STAFF]),
        (reviewed("approved"), []),
        (unreconciled(), [STAFF]),
        (capture_failed(secured=gbp(1299), reason="charge_expired_for_capture"), [STAFF]),
        (refund_failed(failed_refund_amount=gbp(295)), [ADA, STAFF]),
        (expiring(hold_until=clock.now() + timedelta(days=1)), [ADA]),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else None,
)
def test_each_event_is_sent_once_to_its_recipients(cloud: None, event: Event, recipients: list[str]) -> None:
    for _ in range(2):
        assert deliver(consume, event) == []
    assert [email.to for email in emails()] == [[recipient] for recipient in recipients]
    assert sms_messages() == []
    assert {row.status for row in notifications()} <= {"sent"}


def test_a_dispute_is_reported_at_each_stage(cloud: None) -> None:
    events = [
        disputed("needs_response"),
        disputed("needs_response", 4, timedelta(days=2)),
        disputed("lost", 5),
    ]
    for event in events:
        assert deliver(consume, event) == []
    assert [row.template for row in sorted(notifications(), key=lambda row: row.at)] == [
        "dispute_opened",
        "dispute_due",
        "dispute_lost",
    ]


def test_an_inquiry_that_becomes_a_chargeback_is_reported_again(cloud: None) -> None:
    due_soon = timedelta(days=2)
    events = [
        disputed("warning_needs_response"),
        disputed("warning_needs_response", 4, due_soon),
        disputed("needs_response", 5),
        disputed("needs_response", 6, due_soon),
        disputed("lost", 7),
    ]
    for event in events:
        assert deliver(consume, event, event) == []
    assert [row.template for row in sorted(notifications(), key=lambda row: row.at)] == [
        "dispute_opened",
        "dispute_due",
        "dispute_opened",
        "dispute_due",
        "dispute_lost",
    ]
    assert {row.status for row in notifications()} == {"sent"}
    assert len(emails()) == 5


def test_an_alert_fails_if_staff_have_no_address(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    original = settings()
    monkeypatch.setattr(
        "notify.service.delivery.settings", lambda: original.model_copy(update={"notify_staff": ""})
    )
    assert deliver(consume, reviewed()) == []
    row = only_notification()
    assert (row.status, row.reason) == ("failed", "invalid email address")


def test_a_customers_message_without_an_address_is_not_sent_to_staff(cloud: None) -> None:
    assert deliver(consume, paid(email=""), registered(email="")) == []
    assert emails() == []
    assert {row.status for row in notifications()} == {"failed"}


def test_staff_who_complained_still_receive_alerts(cloud: None) -> None:
    assert deliver(consume, disputed("needs_response")) == []
    assert deliver_feedback(complaint(notifications()[0].pk, STAFF)) == []
    assert deliver(consume, disputed("lost", 5)) == []
    assert len(emails()) == 2
