"""Delivery feedback, which advances the status of a notification and blocks addresses."""

import itertools
import json
from typing import Any

import boto3
import pytest

from localstack.cloud.local_cloud import LocalCloudError
from localstack.mail import feedback as local
from notify.app.consume import consume
from notify.service import feedback, sms
from notify.tables import notifications as rows
from notify.tables.rows import BlockRow, NotificationRow
from shared.runtime import clock
from tests.notify.event_data import cancelled, delivered, paid, refunded, registered, shipped
from tests.notify.mailbox import emails, notifications, only_notification, sms_messages
from tests.notify.requests import (
    ALL_ON,
    DEFAULTS,
    EMAIL_REQUEST,
    PHONE,
    ProcessDied,
    consume_queued,
    deliver,
    die,
    post_message,
    put_preferences,
    register_customer,
)
from tests.notify.ses_feedback import bounce, complaint, delayed, deliver_feedback, delivery, reject
from tests.support import ACCOUNT, ENVIRONMENT, REGION, run_concurrently


def sent_confirmation() -> NotificationRow:
    """Send an order confirmation and return its row."""
    assert deliver(consume, paid()) == []
    row = only_notification()
    assert row.status == "sent"
    return row


def stored(notification_id: str) -> NotificationRow:
    row = rows.find(notification_id)
    assert row
    return row


def block_keys() -> set[str]:
    return {row.pk for row in BlockRow.scan(BlockRow.pk.startswith("block#"))}


@pytest.mark.parametrize(
    ("report", "status", "reason"),
    [
        (delivery, "delivered", None),
        (bounce, "bounced", "Permanent, General, smtp; 550 5.1.1 user unknown"),
        (complaint, "complained", "abuse"),
        (reject, "failed", "SES rejected it: Bad content"),
    ],
)
def test_feedback_sets_the_status_and_the_reason(
    cloud: None, report: Any, status: str, reason: str | None
) -> None:
    row = sent_confirmation()
    assert deliver_feedback(report(row.pk)) == []
    updated = stored(row.pk)
    assert (updated.status, updated.reason) == (status, reason)
    assert [entry["status"] for entry in updated.history] == ["queued", "sent", status]
    assert updated.provider_id == row.provider_id


def test_feedback_without_tags_is_matched_by_the_header(cloud: None) -> None:
    row = sent_confirmation()
    assert deliver_feedback(bounce(row.pk, tagged=False)) == []
    assert stored(row.pk).status == "bounced"


@pytest.mark.parametrize("order", list(itertools.permutations([delivery, bounce, complaint, delayed])))
def test_repeated_feedback_in_any_order_keeps_the_most_advanced_status(
    cloud: None, order: tuple[Any, ...]
) -> None:
    row = sent_confirmation()
    for report in (*order, *order):
        assert deliver_feedback(report(row.pk), report(row.pk)) == []
    assert stored(row.pk).status == "complained"
    ranks = ["queued", "sent", "delivered", "bounced", "complained"]
    recorded = [ranks.index(entry["status"]) for entry in stored(row.pk).history]
    assert recorded == sorted(set(recorded))


def test_concurrent_feedback_records_each_status_once(cloud: None) -> None:
    row = sent_confirmation()
    reports = [report(row.pk) for report in (bounce, delivery, bounce, complaint)]
    jobs = [lambda report=report: deliver_feedback(report) for report in reports]
    assert run_concurrently(*jobs) == [[]] * 4
    assert stored(row.pk).status == "complained"
    statuses = [entry["status"] for entry in stored(row.pk).history]
    assert len(statuses) == len(set(statuses))


def test_feedback_does_not_change_a_suppressed_notification(cloud: None) -> None:
    assert deliver(consume, cancelled(), paid()) == []
    superseded = only_notification(status="suppressed")
    assert deliver_feedback(bounce(superseded.pk), delivery(superseded.pk)) == []
    assert stored(superseded.pk).status == "suppressed"


def test_a_hard_bounce_suppresses_all_emails_to_the_address(cloud: None) -> None:
    row = sent_confirmation()
    assert deliver_feedback(bounce(row.pk)) == []
    assert block_keys() == {"block#bounce#ada@example.com"}
    assert deliver(consume, shipped(), registered(email="Ada@Example.com")) == []
    post_message(EMAIL_REQUEST)
    consume_queued()
    assert len(emails()) == 1
    later = [other for other in notifications() if other.pk != row.pk]
    assert {(other.status, other.cause) for other in later} == {("suppressed", "bounce")}
    assert deliver(consume, paid(order_id="ord_2", email="grace@example.com")) == []
    assert len(emails()) == 2


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_soft_bounce_does_not_block_the_address(cloud: None, kind: str) -> None:
    row = sent_confirmation()
    assert deliver_feedback(bounce(row.pk, kind)) == []
    assert stored(row.pk).status == "bounced" and block_keys() == set()
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2


def test_a_hard_bounce_after_a_soft_one_blocks_the_address(cloud: None) -> None:
    row = sent_confirmation()
    assert deliver_feedback(bounce(row.pk, "Transient"), bounce(row.pk), bounce(row.pk, "Transient")) == []
    updated = stored(row.pk)
    assert (updated.status, updated.reason) == ("bounced", "Permanent, General, smtp; 550 5.1.1 user unknown")
    assert [entry["status"] for entry in updated.history] == ["queued", "sent", "bounced", "bounced"]
    assert block_keys() == {"block#bounce#ada@example.com"}


def test_a_hard_bounce_after_a_soft_one_sends_a_text_message_instead(cloud: None) -> None:
    register_customer(DEFAULTS)
    assert deliver(consume, paid()) == []
    put_preferences(ALL_ON)
    row = only_notification(template="order_confirmation")
    assert deliver_feedback(bounce(row.pk, "Transient")) == []
    assert sms_messages() == []
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1 and stored(row.pk).instead == "sms"


def test_a_bounce_by_the_suppression_list_of_ses_blocks_the_address(cloud: None) -> None:
    row = sent_confirmation()
    feedback = json.loads(bounce(row.pk))
    feedback["bounce"] |= {"bounceSubType": "OnAccountSuppressionList"}
    assert deliver_feedback(json.dumps(feedback)) == []
    assert stored(row.pk).status == "bounced" and block_keys() == {"block#bounce#ada@example.com"}


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "Not-Spam"])
def test_a_report_that_is_not_a_complaint_changes_nothing(cloud: None, kind: str) -> None:
    row = sent_confirmation()
    for notification_id in (row.pk, "ntf_gone"):
        report = json.loads(complaint(notification_id))
        report["complaint"]["complaintFeedbackType"] = kind
        assert deliver_feedback(json.dumps(report)) == []
    assert stored(row.pk).status == "sent" and len(stored(row.pk).history) == 2 and block_keys() == set()


def test_a_bounce_after_a_complaint_still_blocks_the_address(cloud: None) -> None:
    row = sent_confirmation()
    assert deliver_feedback(complaint(row.pk), bounce(row.pk), bounce(row.pk)) == []
    assert stored(row.pk).status == "complained"
    assert block_keys() == {"block#bounce#ada@example.com", "block#complaint#ada@example.com"}


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_soft_bounce_of_a_delivered_email_is_ignored(cloud: None, kind: str, is_first: bool) -> None:
    row = sent_confirmation()
    soft, success = bounce(row.pk, kind), delivery(row.pk)
    assert deliver_feedback(*((soft, success) if is_first else (success, soft)), soft) == []
    updated = stored(row.pk)
    assert updated.status == "delivered" and updated.cause is None and updated.reason is None
    assert deliver_feedback(bounce(row.pk)) == []
    assert stored(row.pk).status == "bounced"


def test_after_a_complaint_only_security_emails_are_sent(cloud: None) -> None:
    row = sent_confirmation()
    assert deliver_feedback(complaint(row.pk)) == []
    assert deliver(consume, shipped(), registered()) == []
    post_message(EMAIL_REQUEST)
    consume_queued()
    assert [email.subject for email in emails()][1:] == ["Welcome to Tillstack"]
    causes = {row.template: row.cause for row in notifications()}
    assert (causes["order_shipped"], causes["staff_message"]) == ("complaint", "complaint")


def test_feedback_before_the_record_of_sending_is_kept(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    record_outcome = rows.record_outcome

    def record_after_feedback(row: NotificationRow, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(rows, "record_outcome", record_outcome)
        assert deliver_feedback(delivery(row.pk)) == []
        record_outcome(row, *args, **options)

    monkeypatch.setattr(rows, "record_outcome", record_after_feedback)
    assert deliver(consume, paid()) == []
    row = only_notification()
    assert row.status == "delivered" and len(emails()) == 1
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1


def test_feedback_without_a_notification_still_blocks_the_address(cloud: None) -> None:
    reports = [bounce("ntf_gone"), complaint("ntf_gone", "eve@example.com"), delivery("ntf_gone")]
    assert deliver_feedback(*reports) == []
    assert block_keys() == {"block#bounce#ada@example.com", "block#complaint#eve@example.com"}


def test_invalid_feedback_of_a_batch_fails_alone(cloud: None) -> None:
    row = sent_confirmation()
    assert deliver_feedback("{}", delivery(row.pk), '{"eventType": "Bounce"}') == ["m0", "m2"]
    assert stored(row.pk).status == "delivered"


@pytest.mark.parametrize(
    "body", ["Successfully validated SNS topic for Amazon SES event publishing.", "not json", "[]", '""', ""]
)
def test_a_message_that_is_not_an_ses_event_is_ignored(cloud: None, body: str) -> None:
    row = sent_confirmation()
    assert deliver_feedback(body, delivery(row.pk)) == []
    assert stored(row.pk).status == "delivered"


def test_feedback_logs_contain_no_address(cloud: None, caplog: pytest.LogCaptureFixture) -> None:
    row = sent_confirmation()
    mail_object = json.loads(bounce(row.pk))["mail"]
    invalid = json.dumps({"eventType": ["ada@example.com"], "mail": mail_object})
    assert deliver_feedback(invalid, bounce(row.pk), complaint("ntf_gone"), "ada@example.com") == ["m0"]
    assert "message failed" in caplog.text and "ValidationError" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_a_bounced_order_email_is_replaced_by_a_text_message(cloud: None) -> None:
    register_customer(DEFAULTS)
    assert deliver(consume, paid()) == []
    put_preferences(ALL_ON)  # after the email was sent
    row = only_notification(template="order_confirmation")
    assert sms_messages() == []
    assert deliver_feedback(bounce(row.pk), bounce(row.pk)) == []
    ((number, text),) = sms_messages()
    assert number == PHONE and "7K4M2-9QX2D" in text
    assert stored(row.pk).instead == "sms"
    sms_row = only_notification(channel="sms")
    assert (sms_row.status, sms_row.instead_of, sms_row.order_id) == ("sent", row.pk, "ord_1")


@pytest.mark.parametrize("report", [lambda pk: bounce(pk, "Transient"), complaint, delivery])
def test_only_a_hard_bounce_sends_a_text_message_instead(cloud: None, report: Any) -> None:
    register_customer(DEFAULTS)
    deliver(consume, paid())
    put_preferences(ALL_ON)
    row = only_notification(template="order_confirmation")
    assert deliver_feedback(report(row.pk)) == []
    assert sms_messages() == [] and stored(row.pk).instead is None


def test_a_bounced_email_that_is_superseded_sends_no_text_message(cloud: None) -> None:
    register_customer(DEFAULTS)
    deliver(consume, shipped(), delivered())
    put_preferences(ALL_ON)
    row = only_notification(template="order_shipped")
    assert deliver_feedback(bounce(row.pk)) == []
    assert sms_messages() == []
    assert stored(row.pk).status == "bounced" and stored(row.pk).instead is None


def test_an_earlier_text_message_replaces_a_bounced_email_that_is_superseded(cloud: None) -> None:
    register_customer(ALL_ON)
    deliver(consume, shipped(), delivered())
    row = only_notification(template="order_shipped", channel="email")
    before = len(sms_messages())
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == before and stored(row.pk).instead == "sms"


def test_a_bounced_email_sends_no_text_message_without_opt_in(cloud: None) -> None:
    register_customer(DEFAULTS)
    deliver(consume, paid())
    row = only_notification(template="order_confirmation")
    assert deliver_feedback(bounce(row.pk)) == []
    assert sms_messages() == [] and stored(row.pk).instead is None


def test_a_text_message_sent_with_the_email_is_not_repeated_when_it_bounces(cloud: None) -> None:
    register_customer(ALL_ON)
    deliver(consume, refunded(295, 295))
    row = only_notification(template="refunded", channel="email")
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1 and stored(row.pk).instead == "sms"


@pytest.mark.parametrize("died", ["before the text message", "before the record"])
def test_if_the_process_dies_a_redelivered_bounce_is_completed(
    cloud: None, monkeypatch: pytest.MonkeyPatch, died: str
) -> None:
    register_customer(DEFAULTS)
    deliver(consume, paid())
    put_preferences(ALL_ON)
    row = only_notification(template="order_confirmation")
    with monkeypatch.context() as patch:
        module, name = (sms, "send") if died == "before the text message" else (feedback, "_record")
        patch.setattr(module, name, die)
        with pytest.raises(ProcessDied):
            deliver_feedback(bounce(row.pk))
    assert stored(row.pk).status == "sent"
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1
    assert (stored(row.pk).status, stored(row.pk).instead) == ("bounced", "sms")
    assert block_keys() == {"block#bounce#ada@example.com"}


@pytest.mark.parametrize(
    ("kind", "status"), [("bounce", "bounced"), ("complaint", "complained"), ("delivery", "delivered")]
)
def test_feedback_of_the_local_cloud_is_handled_like_that_of_ses(cloud: None, kind: str, status: str) -> None:
    row = sent_confirmation()
    event = local.event(kind, row.pk, row.to, row.provider_id, clock.now())
    assert deliver_feedback(json.dumps(event)) == []
    assert stored(row.pk).status == status
    assert bool(block_keys()) == (kind != "delivery")


class LocalCloud:
    """A local cloud whose clients use moto in this process."""

    name = "test"

    def client(self, service: str) -> Any:
        new_client: Any = boto3.client
        return new_client(service, region_name=REGION)


def test_the_local_feedback_command_publishes_to_the_topic_of_ses(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "TABLE", ENVIRONMENT["NOTIFY_TABLE"])
    monkeypatch.setattr(local, "TOPIC", "tillstack-test-notify-feedback")
    row = sent_confirmation()
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.get_queue_url(QueueName="tillstack-test-notify-feedback")["QueueUrl"]
    boto3.client("sns", region_name=REGION).subscribe(
        TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:tillstack-test-notify-feedback",
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:tillstack-test-notify-feedback",
        Attributes={"RawMessageDelivery": "true"},
    )
    with pytest.raises(LocalCloudError, match="is not an email that was sent"):
        local.publish(LocalCloud(), "ntf_other", "bounce")  # type: ignore[arg-type]
    local.publish(LocalCloud(), row.pk, "bounce")  # type: ignore[arg-type]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert deliver_feedback(message["Body"]) == []
    assert stored(row.pk).status == "bounced"
