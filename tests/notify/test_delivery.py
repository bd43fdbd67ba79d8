"""Each message is sent once, whatever happens to the process, the queue or SES."""

import threading
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from notify import mailer
from notify.app.consume import consume
from notify.domain import orders as messages
from notify.domain.messages import Channel, Email
from notify.domain.outcomes import Outcome, Status
from notify.tables import notifications as rows
from notify.tables.rows import NotificationRow
from shared.contracts.events import Event
from shared.dynamodb.concurrency import VersionConflict
from shared.runtime import clock
from tests.notify.conftest import Orders
from tests.notify.event_data import (
    cancelled,
    decided,
    declined,
    delivered,
    invoiced,
    paid,
    refunded,
    registered,
    returned,
    shipped,
)
from tests.notify.mailbox import emails, notifications, the_email
from tests.notify.requests import Died, die, pass_time
from tests.support import REGION, Context, deliver, run_concurrently, sqs_event

AGAIN = ["m0"]  # the only message of a batch returns to the queue


def row() -> NotificationRow:
    (only,) = notifications()
    return only


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Make SES raise the error."""

    def answer(**request: Any) -> None:
        raise error

    monkeypatch.setattr(mailer._ses(), "send_raw_email", answer)


def ses_error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "SendRawEmail")


def test_a_sent_email_is_recorded(cloud: None) -> None:
    deliver(consume, paid())
    stored = row()
    assert stored.pk.startswith("ntf_")
    assert (stored.channel, stored.template, stored.status) == ("email", "order_confirmation", "sent")
    assert (stored.to, stored.user_id, stored.event_id) == ("ada@example.com", "usr_1", paid().id)
    assert stored.provider_id and stored.reason is None and stored.leased_until is None
    assert stored.version == 2
    assert the_email().headers["X-Notification-Id"] == stored.pk


def test_a_repeated_event_sends_nothing(cloud: None) -> None:
    for _ in range(3):
        assert deliver(consume, registered(), registered()) == []
    assert len(emails()) == 1


def test_another_event_of_the_order_does_not_confirm_it_twice(cloud: None) -> None:
    assert deliver(consume, paid(version=3), paid(version=4)) == []
    assert len(emails()) == 1


def test_each_decline_is_sent_once(cloud: None) -> None:
    assert deliver(consume, declined(2), declined(3), declined(2)) == []
    assert len(emails()) == 2


@pytest.mark.parametrize(
    ("first", "again", "another"),
    [
        (cancelled(3), cancelled(4), None),
        (delivered(6), delivered(7), None),
        (shipped(4), shipped(5), shipped(5, fulfilment_id="ful_2")),
        (decided(version=7), decided(version=8), decided(version=8, return_id="ret_2")),
        (decided("rejected"), decided("rejected", 8), decided("rejected", 8, return_id="ret_2")),
        (returned(8), returned(9), returned(9, return_id="ret_2")),
        (refunded(100, 100), refunded(100, 100), refunded(50, 150, version=6)),
        (invoiced(3), invoiced(4), None),
    ],
    ids=lambda event: event.type if event else "none",
)
def test_each_message_is_sent_once_and_the_next_one_again(
    cloud: None, orders: Orders, first: Event, again: Event, another: Event | None
) -> None:
    assert deliver(consume, first, first, again) == []
    assert len(emails()) == 1
    if another:
        assert deliver(consume, another, first) == []
        assert len(emails()) == 2


def test_concurrent_deliveries_send_one_email(cloud: None) -> None:
    outcomes = run_concurrently(*[lambda: deliver(consume, paid())] * 8)
    assert len(emails()) == 1
    assert row().status == "sent"
    assert [] in outcomes
    assert all(outcome in ([], AGAIN) for outcome in outcomes)
    assert deliver(consume, paid()) == []  # the processes that came too early find it sent
    assert len(emails()) == 1


@pytest.fixture
def dead_after_sending(cloud: None) -> None:
    """The process died between SES's response and its record."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "record_outcome", die)
        with pytest.raises(Died):
            deliver(consume, paid())
    assert len(emails()) == 1
    assert row().status == "queued"


def test_a_redelivery_within_the_lease_waits(dead_after_sending: None) -> None:
    assert deliver(consume, paid()) == AGAIN
    assert len(emails()) == 1
    assert row().status == "queued"


def test_a_redelivery_after_the_lease_sends_again_with_the_same_id(
    dead_after_sending: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, paid()) == []
    first, second = emails()
    assert first.headers["X-Notification-Id"] == second.headers["X-Notification-Id"] == row().pk
    assert row().status == "sent"
    assert row().version == 3
    assert deliver(consume, paid()) == []
    assert len(emails()) == 2


def test_concurrent_redeliveries_after_the_lease_send_one_email(
    dead_after_sending: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(monkeypatch, timedelta(seconds=121))
    all_have_read, read = threading.Barrier(6, timeout=60), NotificationRow.get

    def read_together(*key: Any, **options: Any) -> NotificationRow:
        found = read(*key, **options)
        all_have_read.wait()
        return found

    monkeypatch.setattr(NotificationRow, "get", read_together)
    run_concurrently(*[lambda: deliver(consume, paid())] * 6)
    assert len(emails()) == 2
    assert row().status == "sent"


def test_a_process_whose_lease_ended_records_nothing(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    message = messages.confirmation(paid())
    slow = rows.new_row(message, Channel.EMAIL, message.to, paid().id, clock.now())
    assert rows.claim(slow, clock.now()).is_ours
    pass_time(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, paid()) == []
    with pytest.raises(VersionConflict):
        rows.record_outcome(slow, Outcome(Status.FAILED, reason="too late"), clock.now())
    assert row().status == "sent"


def test_a_failed_record_keeps_the_lease(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the table does not answer")

        patch.setattr(rows, "record_outcome", fail)
        assert deliver(consume, paid()) == AGAIN
    assert deliver(consume, paid()) == AGAIN  # it may have been sent, so the lease must end first
    assert len(emails()) == 1


@pytest.mark.parametrize(
    "error",
    [
        ses_error("Throttling", "Maximum sending rate exceeded."),
        ses_error("AccountSendingPausedException", "paused"),
        ses_error("MessageRejected", "Email address is not verified: orders@tillstack.example"),
        ses_error("MessageRejected", "Sending paused for this account. For more information, see …"),
        ses_error("MessageRejected", "Sending suspended for this account. For more information, see …"),
        ses_error("MessageRejected", "Configuration Set tillstack-test is paused."),
        ses_error("InvalidParameterValue", "Invalid configuration set name"),
        ses_error("ConfigurationSetDoesNotExist", "Configuration set <tillstack-test> does not exist."),
        ReadTimeoutError(endpoint_url="https://email.eu-west-1.amazonaws.com"),
    ],
    ids=str,
)
def test_a_temporary_failure_is_retried_without_waiting_for_the_lease(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, error)
        assert deliver(consume, paid(), registered()) == ["m0", "m1"]
    assert {stored.status for stored in notifications()} == {"queued"}
    assert deliver(consume, paid(), registered()) == []
    assert len(emails()) == 2


@pytest.mark.parametrize(
    "error",
    [
        ses_error("MessageRejected", "Email address is not verified: ada@example.com"),
        ses_error("MessageRejected", "Email address is on the suppression list"),
        ses_error("InvalidParameterValue", "Missing final '@domain'"),
    ],
    ids=str,
)
def test_a_permanent_failure_of_ses_is_recorded_and_not_retried(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: ClientError
) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, error)
        assert deliver(consume, paid()) == []
    stored = row()
    assert stored.status == "failed"
    reason = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    assert stored.reason == reason.replace("ada@example.com", "(recipient)")
    assert deliver(consume, paid()) == []
    assert emails() == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "not an address",
        "a@b.example\r\nBcc: c@d.example",
        "=?utf-8?q?a=0D=0Ab?=@example.com",
        "=?utf-8?q?=?=@example.com",
    ],
)
def test_an_invalid_address_fails_without_delaying_other_messages(cloud: None, address: str) -> None:
    assert deliver(consume, registered(email=address), paid()) == []
    assert [email.subject for email in emails()] == ["Your order 7K4M2-9QX2D is confirmed"]
    stored = next(found for found in notifications() if found.template == "welcome")
    assert stored.status == "failed" and stored.reason == "invalid email address"


def test_an_email_that_cannot_be_composed_fails_without_delaying_others(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = mailer.compose

    def stumble(notification_id: str, address: str, email: Email) -> EmailMessage:
        if "Welcome" in email.subject:
            raise IndexError("in the library")
        return compose(notification_id, address, email)

    monkeypatch.setattr(mailer, "compose", stumble)
    assert deliver(consume, registered(), paid()) == []
    assert [email.subject for email in emails()] == ["Your order 7K4M2-9QX2D is confirmed"]
    stored = next(found for found in notifications() if found.template == "welcome")
    assert stored.status == "failed" and stored.reason == "the email cannot be composed (IndexError)"


def test_only_an_unreadable_message_returns_to_the_queue(cloud: None) -> None:
    good = paid().model_dump_json(exclude_none=True)
    batch = sqs_event("not json", good, '{"id": "x", "type": "order.lost"}')
    assert consume(batch, Context()) == {
        "batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]
    }
    assert len(emails()) == 1


def test_an_unverified_sender_delays_emails(cloud: None) -> None:
    ses = boto3.client("ses", region_name=REGION)
    ses.delete_identity(Identity="tillstack.example")
    assert deliver(consume, paid()) == AGAIN
    ses.verify_domain_identity(Domain="tillstack.example")
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1
