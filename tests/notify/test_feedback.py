"""SES's feedback: statuses never move back, and addresses are blocked."""

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
from tests.notify.mailbox import emails, notifications, sms_messages
from tests.notify.requests import (
    ALL,
    DEFAULT,
    MAIL,
    PHONE,
    Died,
    carry_out,
    choose,
    die,
    register_reachable,
    write,
)
from tests.notify.ses_feedback import bounce, complaint, delayed, deliver_feedback, delivery, reject
from tests.support import ACCOUNT, ENVIRONMENT, REGION, deliver, run_concurrently


def sent() -> NotificationRow:
    """Return a sent confirmation."""
    assert deliver(consume, paid()) == []
    (row,) = notifications()
    assert row.status == "sent"
    return row


def of(notification_id: str) -> NotificationRow:
    found = rows.find(notification_id)
    assert found
    return found


def blocks() -> set[str]:
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
def test_feedback_changes_the_status(cloud: None, report: Any, status: str, reason: str | None) -> None:
    row = sent()
    assert deliver_feedback(report(row.pk)) == []
    stored = of(row.pk)
    assert (stored.status, stored.reason) == (status, reason)
    assert [entry["status"] for entry in stored.history] == ["queued", "sent", status]
    assert stored.provider_id == row.provider_id


def test_feedback_without_tags_finds_the_notification_by_its_header(cloud: None) -> None:
    row = sent()
    assert deliver_feedback(bounce(row.pk, tagged=False)) == []
    assert of(row.pk).status == "bounced"


@pytest.mark.parametrize("order", list(itertools.permutations([delivery, bounce, complaint, delayed])))
def test_repeated_feedback_in_any_order_ends_at_the_furthest_status(
    cloud: None, order: tuple[Any, ...]
) -> None:
    row = sent()
    for report in (*order, *order):
        assert deliver_feedback(report(row.pk), report(row.pk)) == []
    assert of(row.pk).status == "complained"
    ranks = ["queued", "sent", "delivered", "bounced", "complained"]
    known = [ranks.index(entry["status"]) for entry in of(row.pk).history]
    assert known == sorted(set(known))


def test_concurrent_feedback_is_applied_once(cloud: None) -> None:
    row = sent()
    report = [bounce, delivery, bounce, complaint]
    assert (
        run_concurrently(*[lambda what=what: deliver_feedback(what(row.pk)) for what in report]) == [[]] * 4
    )
    assert of(row.pk).status == "complained"
    statuses = [entry["status"] for entry in of(row.pk).history]
    assert len(statuses) == len(set(statuses))


def test_a_suppressed_notification_ignores_feedback(cloud: None) -> None:
    assert deliver(consume, cancelled(), paid()) == []
    (superseded,) = (row for row in notifications() if row.status == "suppressed")
    assert deliver_feedback(bounce(superseded.pk), delivery(superseded.pk)) == []
    assert of(superseded.pk).status == "suppressed"


def test_a_hard_bounce_blocks_the_address(cloud: None) -> None:
    row = sent()
    assert deliver_feedback(bounce(row.pk)) == []
    assert blocks() == {"block#bounce#ada@example.com"}
    assert deliver(consume, shipped(), registered(email="Ada@Example.com")) == []
    write(MAIL)
    carry_out()
    assert len(emails()) == 1
    later = [stored for stored in notifications() if stored.pk != row.pk]
    assert {(stored.status, stored.cause) for stored in later} == {("suppressed", "bounce")}
    assert deliver(consume, paid(order_id="ord_2", email="grace@example.com")) == []
    assert len(emails()) == 2


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_soft_bounce_blocks_nothing(cloud: None, kind: str) -> None:
    row = sent()
    assert deliver_feedback(bounce(row.pk, kind)) == []
    assert of(row.pk).status == "bounced" and blocks() == set()
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2


def test_a_hard_bounce_after_a_soft_one_blocks_the_address(cloud: None) -> None:
    row = sent()
    assert deliver_feedback(bounce(row.pk, "Transient"), bounce(row.pk), bounce(row.pk, "Transient")) == []
    stored = of(row.pk)
    assert (stored.status, stored.reason) == ("bounced", "Permanent, General, smtp; 550 5.1.1 user unknown")
    assert [entry["status"] for entry in stored.history] == ["queued", "sent", "bounced", "bounced"]
    assert blocks() == {"block#bounce#ada@example.com"}


def test_a_hard_bounce_after_a_soft_one_sends_a_text_message_instead(cloud: None) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, paid()) == []
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "order_confirmation")
    assert deliver_feedback(bounce(row.pk, "Transient")) == []
    assert sms_messages() == []
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1 and of(row.pk).instead == "sms"


def test_a_bounce_from_sess_suppression_list_blocks_the_address(cloud: None) -> None:
    row = sent()
    report = json.loads(bounce(row.pk))
    report["bounce"] |= {"bounceSubType": "OnAccountSuppressionList"}
    assert deliver_feedback(json.dumps(report)) == []
    assert of(row.pk).status == "bounced" and blocks() == {"block#bounce#ada@example.com"}


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "Not-Spam"])
def test_a_report_that_is_not_a_complaint_changes_nothing(cloud: None, kind: str) -> None:
    row = sent()
    for said_of in (row.pk, "ntf_gone"):
        report = json.loads(complaint(said_of))
        report["complaint"]["complaintFeedbackType"] = kind
        assert deliver_feedback(json.dumps(report)) == []
    assert of(row.pk).status == "sent" and len(of(row.pk).history) == 2 and blocks() == set()


def test_a_bounce_after_a_complaint_still_blocks_the_address(cloud: None) -> None:
    row = sent()
    assert deliver_feedback(complaint(row.pk), bounce(row.pk), bounce(row.pk)) == []
    assert of(row.pk).status == "complained"
    assert blocks() == {"block#bounce#ada@example.com", "block#complaint#ada@example.com"}


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_soft_bounce_of_a_delivered_email_is_ignored(cloud: None, kind: str, is_first: bool) -> None:
    row = sent()
    soft, arrived = bounce(row.pk, kind), delivery(row.pk)
    assert deliver_feedback(*((soft, arrived) if is_first else (arrived, soft)), soft) == []
    stored = of(row.pk)
    assert stored.status == "delivered" and stored.cause is None and stored.reason is None
    assert deliver_feedback(bounce(row.pk)) == []
    assert of(row.pk).status == "bounced"


def test_a_complaint_suppresses_all_but_security(cloud: None) -> None:
    row = sent()
    assert deliver_feedback(complaint(row.pk)) == []
    assert deliver(consume, shipped(), registered()) == []
    write(MAIL)
    carry_out()
    assert [email.subject for email in emails()][1:] == ["Welcome to Tillstack"]
    causes = {stored.template: stored.cause for stored in notifications()}
    assert (causes["order_shipped"], causes["staff_message"]) == ("complaint", "complaint")


def test_recording_sent_does_not_replace_earlier_feedback(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_outcome = rows.record_outcome

    def late(row: NotificationRow, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(rows, "record_outcome", record_outcome)
        assert deliver_feedback(delivery(row.pk)) == []
        record_outcome(row, *args, **options)

    monkeypatch.setattr(rows, "record_outcome", late)
    assert deliver(consume, paid()) == []
    (stored,) = notifications()
    assert stored.status == "delivered" and len(emails()) == 1
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1


def test_feedback_without_a_notification_still_blocks_the_address(cloud: None) -> None:
    assert (
        deliver_feedback(bounce("ntf_gone"), complaint("ntf_gone", "eve@example.com"), delivery("ntf_gone"))
        == []
    )
    assert blocks() == {"block#bounce#ada@example.com", "block#complaint#eve@example.com"}


def test_only_unreadable_feedback_returns_to_the_queue(cloud: None) -> None:
    row = sent()
    assert deliver_feedback("{}", delivery(row.pk), '{"eventType": "Bounce"}') == ["m0", "m2"]
    assert of(row.pk).status == "delivered"


@pytest.mark.parametrize(
    "body", ["Successfully validated SNS topic for Amazon SES event publishing.", "not json", "[]", '""', ""]
)
def test_a_message_that_is_not_a_json_object_is_ignored(cloud: None, body: str) -> None:
    row = sent()
    assert deliver_feedback(body, delivery(row.pk)) == []
    assert of(row.pk).status == "delivered"


def test_logs_contain_no_address(cloud: None, caplog: pytest.LogCaptureFixture) -> None:
    row = sent()
    email = json.loads(bounce(row.pk))["mail"]
    unread = json.dumps({"eventType": ["ada@example.com"], "mail": email})
    assert deliver_feedback(unread, bounce(row.pk), complaint("ntf_gone"), "ada@example.com") == ["m0"]
    assert "message failed" in caplog.text and "ValidationError" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_a_bounced_order_email_is_replaced_by_a_text_message(cloud: None) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, paid()) == []
    choose(ALL)  # after it was sent
    (row,) = (stored for stored in notifications() if stored.template == "order_confirmation")
    assert sms_messages() == []
    assert deliver_feedback(bounce(row.pk), bounce(row.pk)) == []
    ((number, words),) = sms_messages()
    assert number == PHONE and "7K4M2-9QX2D" in words
    assert of(row.pk).instead == "sms"
    (text,) = (stored for stored in notifications() if stored.channel == "sms")
    assert (text.status, text.instead_of, text.order_id) == ("sent", row.pk, "ord_1")


@pytest.mark.parametrize("report", [lambda i: bounce(i, "Transient"), complaint, delivery])
def test_only_a_hard_bounce_sends_a_text_message_instead(cloud: None, report: Any) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "order_confirmation")
    assert deliver_feedback(report(row.pk)) == []
    assert sms_messages() == [] and of(row.pk).instead is None


def test_a_superseded_email_that_bounces_sends_no_text_message(cloud: None) -> None:
    register_reachable(DEFAULT)
    deliver(consume, shipped(), delivered())
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "order_shipped")
    assert deliver_feedback(bounce(row.pk)) == []
    assert sms_messages() == []
    assert of(row.pk).status == "bounced" and of(row.pk).instead is None


def test_an_earlier_text_message_counts_although_it_is_superseded(cloud: None) -> None:
    register_reachable(ALL)
    deliver(consume, shipped(), delivered())
    (row,) = (
        stored
        for stored in notifications()
        if stored.template == "order_shipped" and stored.channel == "email"
    )
    before = len(sms_messages())
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == before and of(row.pk).instead == "sms"


def test_a_bounce_sends_no_text_message_to_those_who_want_none(cloud: None) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    (row,) = (stored for stored in notifications() if stored.template == "order_confirmation")
    assert deliver_feedback(bounce(row.pk)) == []
    assert sms_messages() == [] and of(row.pk).instead is None


def test_a_text_message_is_not_repeated_after_a_bounce(cloud: None) -> None:
    register_reachable(ALL)
    deliver(consume, refunded(295, 295))
    (row,) = (
        stored for stored in notifications() if stored.template == "refunded" and stored.channel == "email"
    )
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1 and of(row.pk).instead == "sms"


@pytest.mark.parametrize("step", ["before the text", "before the record"])
def test_interrupted_feedback_is_completed_by_a_redelivery(
    cloud: None, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "order_confirmation")
    with monkeypatch.context() as patch:
        place, name = (sms, "send") if step == "before the text" else (feedback, "_record")
        patch.setattr(place, name, die)
        with pytest.raises(Died):
            deliver_feedback(bounce(row.pk))
    assert of(row.pk).status == "sent"
    assert deliver_feedback(bounce(row.pk)) == []
    assert len(sms_messages()) == 1
    assert (of(row.pk).status, of(row.pk).instead) == ("bounced", "sms")
    assert blocks() == {"block#bounce#ada@example.com"}


@pytest.mark.parametrize(
    ("kind", "status"), [("bounce", "bounced"), ("complaint", "complained"), ("delivery", "delivered")]
)
def test_simulated_feedback_is_applied(cloud: None, kind: str, status: str) -> None:
    row = sent()
    report = local.event(kind, row.pk, row.to, row.provider_id, clock.now())
    assert deliver_feedback(json.dumps(report)) == []
    assert of(row.pk).status == status
    assert bool(blocks()) == (kind != "delivery")


class LocalCloud:
    """The clients of a local cloud, in process."""

    name = "test"

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service, region_name=REGION)


def test_the_local_command_publishes_feedback(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "TABLE", ENVIRONMENT["NOTIFY_TABLE"])
    monkeypatch.setattr(local, "TOPIC", "tillstack-test-notify-feedback")
    row = sent()
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
    assert of(row.pk).status == "bounced"
