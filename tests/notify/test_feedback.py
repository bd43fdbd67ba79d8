"""What SES says later: the notification moves on, never back, and the address is remembered."""

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
from tests.notify.ses_feedback import bounce, complaint, delayed, delivery, reject, say
from tests.support import ACCOUNT, ENVIRONMENT, REGION, deliver, run_concurrently


def sent() -> NotificationRow:
    """A confirmation that went out."""
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
    ("said", "status", "reason"),
    [
        (delivery, "delivered", None),
        (bounce, "bounced", "Permanent, General, smtp; 550 5.1.1 user unknown"),
        (complaint, "complained", "abuse"),
        (reject, "failed", "SES rejected it: Bad content"),
    ],
)
def test_a_notification_shows_what_became_of_its_mail(
    cloud: None, said: Any, status: str, reason: str | None
) -> None:
    row = sent()
    assert say(said(row.pk)) == []
    told = of(row.pk)
    assert (told.status, told.reason) == (status, reason)
    assert [entry["status"] for entry in told.history] == ["queued", "sent", status]
    assert told.provider_id == row.provider_id


def test_a_mail_is_known_by_its_header_where_tags_are_missing(cloud: None) -> None:
    row = sent()
    assert say(bounce(row.pk, tagged=False)) == []
    assert of(row.pk).status == "bounced"


@pytest.mark.parametrize("order", list(itertools.permutations([delivery, bounce, complaint, delayed])))
def test_in_any_order_and_twice_the_furthest_stays(cloud: None, order: tuple[Any, ...]) -> None:
    row = sent()
    for said in (*order, *order):
        assert say(said(row.pk), said(row.pk)) == []
    assert of(row.pk).status == "complained"
    ranks = ["queued", "sent", "delivered", "bounced", "complained"]
    known = [ranks.index(entry["status"]) for entry in of(row.pk).history]
    assert known == sorted(set(known))


def test_the_same_at_once_is_taken_once(cloud: None) -> None:
    row = sent()
    said = [bounce, delivery, bounce, complaint]
    assert run_concurrently(*[lambda what=what: say(what(row.pk)) for what in said]) == [[]] * 4
    assert of(row.pk).status == "complained"
    statuses = [entry["status"] for entry in of(row.pk).history]
    assert len(statuses) == len(set(statuses))


def test_what_was_never_sent_hears_nothing(cloud: None) -> None:
    assert deliver(consume, cancelled(), paid()) == []
    (overtaken,) = (row for row in notifications() if row.status == "suppressed")
    assert say(bounce(overtaken.pk), delivery(overtaken.pk)) == []
    assert of(overtaken.pk).status == "suppressed"


def test_a_hard_bounce_ends_all_mail_to_the_address(cloud: None) -> None:
    row = sent()
    assert say(bounce(row.pk)) == []
    assert blocks() == {"block#bounce#ada@example.com"}
    assert deliver(consume, shipped(), registered(email="Ada@Example.com")) == []
    write(MAIL)
    carry_out()
    assert len(emails()) == 1
    later = [told for told in notifications() if told.pk != row.pk]
    assert {(told.status, told.cause) for told in later} == {("suppressed", "bounce")}
    assert deliver(consume, paid(order_id="ord_2", email="grace@example.com")) == []
    assert len(emails()) == 2


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_bounce_that_may_pass_ends_nothing(cloud: None, kind: str) -> None:
    row = sent()
    assert say(bounce(row.pk, kind)) == []
    assert of(row.pk).status == "bounced" and blocks() == set()
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2


def test_a_bounce_that_turns_out_hard_ends_all_mail(cloud: None) -> None:
    row = sent()
    assert say(bounce(row.pk, "Transient"), bounce(row.pk), bounce(row.pk, "Transient")) == []
    told = of(row.pk)
    assert (told.status, told.reason) == ("bounced", "Permanent, General, smtp; 550 5.1.1 user unknown")
    assert [entry["status"] for entry in told.history] == ["queued", "sent", "bounced", "bounced"]
    assert blocks() == {"block#bounce#ada@example.com"}


def test_a_bounce_that_turns_out_hard_is_told_by_text_instead(cloud: None) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, paid()) == []
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    assert say(bounce(row.pk, "Transient")) == []
    assert sms_messages() == []
    assert say(bounce(row.pk)) == []
    assert len(sms_messages()) == 1 and of(row.pk).instead == "sms"


def test_a_bounce_off_the_list_that_the_account_keeps_is_a_block(cloud: None) -> None:
    row = sent()
    said = json.loads(bounce(row.pk))
    said["bounce"] |= {"bounceSubType": "OnAccountSuppressionList"}
    assert say(json.dumps(said)) == []
    assert of(row.pk).status == "bounced" and blocks() == {"block#bounce#ada@example.com"}


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "Not-Spam"])
def test_a_report_that_is_no_complaint_changes_nothing(cloud: None, kind: str) -> None:
    row = sent()
    for said_of in (row.pk, "ntf_gone"):
        said = json.loads(complaint(said_of))
        said["complaint"]["complaintFeedbackType"] = kind
        assert say(json.dumps(said)) == []
    assert of(row.pk).status == "sent" and len(of(row.pk).history) == 2 and blocks() == set()


def test_whatever_came_before_all_that_is_said_of_an_address_is_remembered(cloud: None) -> None:
    row = sent()
    assert say(complaint(row.pk), bounce(row.pk), bounce(row.pk)) == []
    assert of(row.pk).status == "complained"
    assert blocks() == {"block#bounce#ada@example.com", "block#complaint#ada@example.com"}


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_soft_bounce_of_what_was_delivered_is_no_news(cloud: None, kind: str, is_first: bool) -> None:
    row = sent()
    soft, arrived = bounce(row.pk, kind), delivery(row.pk)
    assert say(*((soft, arrived) if is_first else (arrived, soft)), soft) == []
    told = of(row.pk)
    assert told.status == "delivered" and told.cause is None and told.reason is None
    assert say(bounce(row.pk)) == []
    assert of(row.pk).status == "bounced"


def test_a_complaint_ends_all_but_security(cloud: None) -> None:
    row = sent()
    assert say(complaint(row.pk)) == []
    assert deliver(consume, shipped(), registered()) == []
    write(MAIL)
    carry_out()
    assert [email.subject for email in emails()][1:] == ["Welcome to Tillstack"]
    causes = {told.template: told.cause for told in notifications()}
    assert (causes["order_shipped"], causes["staff_message"]) == ("complaint", "complaint")


def test_feedback_that_comes_before_the_record_of_sending_is_not_undone(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = rows.record_outcome

    def late(row: NotificationRow, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(rows, "record_outcome", settle)
        assert say(delivery(row.pk)) == []
        settle(row, *args, **options)

    monkeypatch.setattr(rows, "record_outcome", late)
    assert deliver(consume, paid()) == []
    (told,) = notifications()
    assert told.status == "delivered" and len(emails()) == 1
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1


def test_feedback_of_no_notification_still_tells_of_the_address(cloud: None) -> None:
    assert say(bounce("ntf_gone"), complaint("ntf_gone", "eve@example.com"), delivery("ntf_gone")) == []
    assert blocks() == {"block#bounce#ada@example.com", "block#complaint#eve@example.com"}


def test_what_cannot_be_read_comes_back_alone(cloud: None) -> None:
    row = sent()
    assert say("{}", delivery(row.pk), '{"eventType": "Bounce"}') == ["m0", "m2"]
    assert of(row.pk).status == "delivered"


@pytest.mark.parametrize(
    "body", ["Successfully validated SNS topic for Amazon SES event publishing.", "not json", "[]", '""', ""]
)
def test_what_is_no_event_of_ses_is_done(cloud: None, body: str) -> None:
    row = sent()
    assert say(body, delivery(row.pk)) == []
    assert of(row.pk).status == "delivered"


def test_logs_hold_no_address(cloud: None, caplog: pytest.LogCaptureFixture) -> None:
    row = sent()
    email = json.loads(bounce(row.pk))["mail"]
    unread = json.dumps({"eventType": ["ada@example.com"], "mail": email})
    assert say(unread, bounce(row.pk), complaint("ntf_gone"), "ada@example.com") == ["m0"]
    assert "message failed" in caplog.text and "ValidationError" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_a_bounced_order_mail_is_told_by_text_instead(cloud: None) -> None:
    register_reachable(DEFAULT)
    assert deliver(consume, paid()) == []
    choose(ALL)  # since it went out
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    assert sms_messages() == []
    assert say(bounce(row.pk), bounce(row.pk)) == []
    ((number, words),) = sms_messages()
    assert number == PHONE and "7K4M2-9QX2D" in words
    assert of(row.pk).instead == "sms"
    (text,) = (told for told in notifications() if told.channel == "sms")
    assert (text.status, text.instead_of, text.order_id) == ("sent", row.pk, "ord_1")


@pytest.mark.parametrize("said", [lambda i: bounce(i, "Transient"), complaint, delivery])
def test_only_an_address_that_is_none_is_told_by_text_instead(cloud: None, said: Any) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    assert say(said(row.pk)) == []
    assert sms_messages() == [] and of(row.pk).instead is None


def test_a_bounced_mail_that_later_news_overtook_is_not_told_by_text(cloud: None) -> None:
    register_reachable(DEFAULT)
    deliver(consume, shipped(), delivered())
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_shipped")
    assert say(bounce(row.pk)) == []
    assert sms_messages() == []
    assert of(row.pk).status == "bounced" and of(row.pk).instead is None


def test_a_text_that_went_out_beside_a_mail_counts_when_later_news_overtook_both(cloud: None) -> None:
    register_reachable(ALL)
    deliver(consume, shipped(), delivered())
    (row,) = (
        told for told in notifications() if told.template == "order_shipped" and told.channel == "email"
    )
    before = len(sms_messages())
    assert say(bounce(row.pk)) == []
    assert len(sms_messages()) == before and of(row.pk).instead == "sms"


def test_who_wants_no_texts_gets_none_instead(cloud: None) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    assert say(bounce(row.pk)) == []
    assert sms_messages() == [] and of(row.pk).instead is None


def test_a_text_beside_the_mail_is_not_repeated_in_its_place(cloud: None) -> None:
    register_reachable(ALL)
    deliver(consume, refunded(295, 295))
    (row,) = (told for told in notifications() if told.template == "refunded" and told.channel == "email")
    assert say(bounce(row.pk)) == []
    assert len(sms_messages()) == 1 and of(row.pk).instead == "sms"


@pytest.mark.parametrize("step", ["before the text", "before the record"])
def test_who_dies_amid_a_bounce_leaves_it_to_the_next(
    cloud: None, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    with monkeypatch.context() as patch:
        place, name = (sms, "send") if step == "before the text" else (feedback, "_record")
        patch.setattr(place, name, die)
        with pytest.raises(Died):
            say(bounce(row.pk))
    assert of(row.pk).status == "sent"
    assert say(bounce(row.pk)) == []
    assert len(sms_messages()) == 1
    assert (of(row.pk).status, of(row.pk).instead) == ("bounced", "sms")
    assert blocks() == {"block#bounce#ada@example.com"}


@pytest.mark.parametrize(
    ("kind", "status"), [("bounce", "bounced"), ("complaint", "complained"), ("delivery", "delivered")]
)
def test_what_the_local_cloud_says_in_sess_place_is_understood(cloud: None, kind: str, status: str) -> None:
    row = sent()
    said = local.event(kind, row.pk, row.to, row.provider_id, clock.now())
    assert say(json.dumps(said)) == []
    assert of(row.pk).status == status
    assert bool(blocks()) == (kind != "delivery")


class LocalCloud:
    """A local cloud's clients, in process."""

    name = "test"

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service, region_name=REGION)


def test_the_local_command_publishes_where_ses_would(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert say(message["Body"]) == []
    assert of(row.pk).status == "bounced"
