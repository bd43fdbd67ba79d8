"""The delivery of messages: each is sent once even if the process dies, the queue redelivers or SES fails."""

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
from notify.tables import recipients
from shared.contracts.events.envelope import Event
from shared.dynamodb.concurrency import VersionConflict
from shared.runtime import clock
from tests.notify.conftest import InvoiceFunction
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
from tests.notify.mailbox import emails, notifications, only_email, only_notification
from tests.notify.requests import ProcessDied, advance_clock, deliver, die
from tests.support import REGION, Context, run_concurrently, sqs_event

FAILED = ["m0"]  # the only message of the batch


def make_ses_fail(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**request: Any) -> None:
        raise error

    monkeypatch.setattr(mailer._ses(), "send_raw_email", fail)


def ses_error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "SendRawEmail")


def test_a_sent_email_is_recorded(cloud: None) -> None:
    deliver(consume, paid())
    row = only_notification()
    assert row.pk.startswith("ntf_")
    assert (row.channel, row.template, row.status) == ("email", "order_confirmation", "sent")
    assert (row.to, row.user_id, row.event_id) == ("ada@example.com", "usr_1", paid().id)
    assert row.provider_id and row.reason is None and row.leased_until is None
    assert row.version == 2
    assert only_email().headers["X-Notification-Id"] == row.pk


def test_a_repeated_event_sends_no_second_email(cloud: None) -> None:
    for _ in range(3):
        assert deliver(consume, registered(), registered()) == []
    assert len(emails()) == 1


def test_a_second_paid_event_of_an_order_sends_no_second_confirmation(cloud: None) -> None:
    assert deliver(consume, paid(version=3), paid(version=4)) == []
    assert len(emails()) == 1


def test_each_decline_is_reported_once(cloud: None) -> None:
    assert deliver(consume, declined(2), declined(3), declined(2)) == []
    assert len(emails()) == 2


@pytest.mark.parametrize(
    ("first", "repeated", "different"),
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
def test_each_subject_is_reported_once(
    cloud: None, orders: InvoiceFunction, first: Event, repeated: Event, different: Event | None
) -> None:
    assert deliver(consume, first, first, repeated) == []
    assert len(emails()) == 1
    if different:
        assert deliver(consume, different, first) == []
        assert len(emails()) == 2


def test_concurrent_consumers_send_one_email(cloud: None) -> None:
    results = run_concurrently(*[lambda: deliver(consume, paid())] * 8)
    assert len(emails()) == 1
    assert only_notification().status == "sent"
    assert [] in results
    assert all(result in ([], FAILED) for result in results)
    assert deliver(consume, paid()) == []  # a retry of the others
    assert len(emails()) == 1


@pytest.fixture
def died_after_sending(cloud: None) -> None:
    """The process died after SES accepted the email and before this was recorded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "record_outcome", die)
        with pytest.raises(ProcessDied):
            deliver(consume, paid())
    assert len(emails()) == 1
    assert only_notification().status == "queued"


def test_a_redelivery_within_the_lease_fails(died_after_sending: None) -> None:
    assert deliver(consume, paid()) == FAILED
    assert len(emails()) == 1
    assert only_notification().status == "queued"


def test_a_redelivery_after_the_lease_sends_again_with_the_same_id(
    died_after_sending: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance_clock(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, paid()) == []
    first, second = emails()
    assert first.headers["X-Notification-Id"] == second.headers["X-Notification-Id"] == only_notification().pk
    assert only_notification().status == "sent"
    assert only_notification().version == 3
    assert deliver(consume, paid()) == []
    assert len(emails()) == 2


def test_concurrent_redeliveries_after_the_lease_send_one_email(
    died_after_sending: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance_clock(monkeypatch, timedelta(seconds=121))
    all_have_read, read = threading.Barrier(6, timeout=60), recipients.read

    def read_together(*keys: Any) -> Any:
        found = read(*keys)
        all_have_read.wait()
        return found

    monkeypatch.setattr(recipients, "read", read_together)
    run_concurrently(*[lambda: deliver(consume, paid())] * 6)
    assert len(emails()) == 2
    assert only_notification().status == "sent"


def test_a_process_whose_lease_ended_records_nothing(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    message = messages.confirmation(paid())
    row = rows.new_row(message, Channel.EMAIL, message.to, paid().id, clock.now())
    assert rows.claim(row, clock.now()).is_ours
    advance_clock(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, paid()) == []
    with pytest.raises(VersionConflict):
        rows.record_outcome(row, Outcome(Status.FAILED, reason="too late"), clock.now())
    assert only_notification().status == "sent"


def test_a_failed_record_of_the_outcome_keeps_the_lease(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the table does not respond")

        patch.setattr(rows, "record_outcome", fail)
        assert deliver(consume, paid()) == FAILED
    assert deliver(consume, paid()) == FAILED  # it may have been sent, so the lease must end first
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
def test_after_a_temporary_failure_a_retry_sends_at_once(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        make_ses_fail(patch, error)
        assert deliver(consume, paid(), registered()) == ["m0", "m1"]
    assert {row.status for row in notifications()} == {"queued"}
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
        make_ses_fail(patch, error)
        assert deliver(consume, paid()) == []
    row = only_notification()
    assert row.status == "failed"
    reason = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    assert row.reason == reason.replace("ada@example.com", "(recipient)")
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
def test_an_invalid_address_does_not_block_other_messages(cloud: None, address: str) -> None:
    assert deliver(consume, registered(email=address), paid()) == []
    assert [email.subject for email in emails()] == ["Your order 7K4M2-9QX2D is confirmed"]
    row = only_notification(template="welcome")
    assert row.status == "failed" and row.reason == "invalid email address"


def test_an_email_that_cannot_be_composed_does_not_block_other_messages(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = mailer.compose

    def fail_to_compose(notification_id: str, address: str, email: Email) -> EmailMessage:
        if "Welcome" in email.subject:
            raise IndexError("in the library")
        return compose(notification_id, address, email)

    monkeypatch.setattr(mailer, "compose", fail_to_compose)
    assert deliver(consume, registered(), paid()) == []
    assert [email.subject for email in emails()] == ["Your order 7K4M2-9QX2D is confirmed"]
    row = only_notification(template="welcome")
    assert row.status == "failed" and row.reason == "the email cannot be composed (IndexError)"


def test_an_invalid_message_of_a_batch_fails_alone(cloud: None) -> None:
    valid = registered().model_dump_json(exclude_none=True)
    batch = sqs_event("not json", valid, '{"id": "x", "type": "order.lost"}')
    assert consume(batch, Context()) == {
        "batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]
    }
    assert len(emails()) == 1


def test_emails_of_an_unverified_sender_are_retried(cloud: None) -> None:
    ses = boto3.client("ses", region_name=REGION)
    ses.delete_identity(Identity="tillstack.example")
    assert deliver(consume, paid()) == FAILED
    ses.verify_domain_identity(Domain="tillstack.example")
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1
