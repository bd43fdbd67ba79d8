"""Messages that staff write: requested over HTTP, queued, and sent once."""

import json
from typing import Any

import pytest

from notify import own_queue
from notify.app.api import api
from notify.app.consume import consume
from notify.tables import notifications as rows
from tests.notify.event_data import registered
from tests.notify.html_page import Page
from tests.notify.mailbox import emails, notifications, only_email, only_notification, sms_messages
from tests.notify.requests import (
    EMAIL_REQUEST,
    SMS_REQUEST,
    ProcessDied,
    consume_queued,
    deliver,
    die,
    post_message,
    receive_queued,
)
from tests.support import (
    Context,
    call,
    customer,
    guest,
    idempotency_headers,
    run_concurrently,
    sqs_event,
    staff,
)


def listed(notification_id: str, recipient: str) -> dict[str, Any]:
    """Return the notification as the list for staff shows it."""
    items = call(api, "GET", f"/notifications?recipient={recipient}", caller=staff()).json["items"]
    (item,) = (item for item in items if item["notification_id"] == notification_id)
    return dict(item)


def test_an_email_of_staff_is_queued_and_then_sent(cloud: None) -> None:
    response = post_message(EMAIL_REQUEST)
    assert response.status == 202
    assert emails() == []
    item = listed(response.json["notification_id"], "ada@example.com")
    assert (item["channel"], item["template"], item["status"]) == ("email", "staff_message", "queued")
    assert consume_queued() == []
    email = only_email()
    assert (email.to, email.subject) == (["ada@example.com"], "About your lamp")
    assert "Dear Ada,\n\nit is here." in email.text and "it is here." in Page(email.html).text
    item = listed(response.json["notification_id"], "ada@example.com")
    assert (item["status"], item["to"]) == ("sent", "ada@example.com")
    assert [change["status"] for change in item["history"]] == ["queued", "sent"]


def test_a_text_message_of_staff_is_queued_and_then_sent(cloud: None) -> None:
    response = post_message(SMS_REQUEST, "sms")
    assert response.status == 202
    assert consume_queued() == []
    assert sms_messages() == [("+447700900123", "Your lamp is here.")]
    assert listed(response.json["notification_id"], "+44 7700 900123")["status"] == "sent"


@pytest.mark.parametrize(("channel", "body"), [("email", EMAIL_REQUEST), ("sms", SMS_REQUEST)])
def test_only_staff_may_send_messages_and_only_with_a_key(
    cloud: None, channel: str, body: dict[str, str]
) -> None:
    path = f"/notifications/{channel}"
    assert call(api, "POST", path, body=body, caller=customer(), headers=idempotency_headers()).status == 403
    assert call(api, "POST", path, body=body, caller=guest(), headers=idempotency_headers()).status == 403
    assert call(api, "POST", path, body=body, headers=idempotency_headers()).status == 401
    assert call(api, "POST", path, body=body, caller=staff()).status == 400
    assert notifications() == [] and receive_queued() == []


def test_a_repeated_request_sends_one_email(cloud: None) -> None:
    first, second = post_message(EMAIL_REQUEST, key="k"), post_message(EMAIL_REQUEST, key="k")
    assert second.status == 202 and second.json == first.json
    assert (first.header("Idempotent-Replayed"), second.header("Idempotent-Replayed")) == (None, "true")
    assert consume_queued() == []
    assert len(emails()) == 1
    assert post_message(EMAIL_REQUEST, key="k").json == first.json
    assert receive_queued() == []  # already sent, so not queued again


def test_a_key_with_another_body_is_rejected(cloud: None) -> None:
    post_message(EMAIL_REQUEST, key="k")
    other = post_message(EMAIL_REQUEST | {"text": "Something else."}, key="k")
    assert (other.status, other.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_one_key_used_by_two_callers_creates_two_notifications(cloud: None) -> None:
    first = post_message(EMAIL_REQUEST, key="k")
    other = call(
        api,
        "POST",
        "/notifications/email",
        body=EMAIL_REQUEST,
        caller=staff("usr_other"),
        headers=idempotency_headers("k"),
    )
    assert other.json["notification_id"] != first.json["notification_id"]


def test_concurrent_requests_with_one_key_send_one_email(cloud: None) -> None:
    responses = run_concurrently(*[lambda: post_message(EMAIL_REQUEST, key="k")] * 6)
    assert {response.status for response in responses} == {202}
    assert len({response.json["notification_id"] for response in responses}) == 1
    assert consume_queued() == []
    assert len(emails()) == len(notifications()) == 1


def test_if_the_process_died_before_queueing_a_retry_queues_the_message(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(own_queue, "send", die)
        with pytest.raises(ProcessDied):
            post_message(EMAIL_REQUEST, key="k")
    row = only_notification()
    assert row.status == "queued" and receive_queued() == []
    assert post_message(EMAIL_REQUEST, key="k").json == {"notification_id": row.pk}
    assert consume_queued() == []
    assert len(emails()) == 1


def test_if_the_process_died_before_the_row_a_retry_starts_over(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rows, "put", die)
        with pytest.raises(ProcessDied):
            post_message(EMAIL_REQUEST, key="k")
    assert notifications() == [] and receive_queued() == []
    assert post_message(EMAIL_REQUEST, key="k").status == 202


@pytest.mark.parametrize(("channel", "body"), [("email", EMAIL_REQUEST), ("sms", SMS_REQUEST)])
def test_above_the_hourly_limit_a_request_is_rejected_with_retry_after(
    cloud: None, channel: str, body: dict[str, str]
) -> None:
    for number in range(20):
        assert post_message(body, channel, key=f"k{number}").status == 202
    assert post_message(body, channel, key="k3").status == 202  # a replay does not count
    rejected = post_message(body, channel, key="one more")
    assert (rejected.status, rejected.json["type"]) == (429, "/problems/too-many-notifications")
    assert 1 <= int(rejected.header("Retry-After") or 0) <= 3600
    assert len(notifications()) == 20
    to_another = body | {"to": "grace@example.com" if channel == "email" else "+447700900456"}
    assert post_message(to_another, channel).status == 202


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", "ada@example.com, eve@example.com"),
        ("to", "ada@example.com\r\nBcc: eve@example.com"),
        ("to", "Ada <ada@example.com>"),
        ("to", "=?utf-8?q?a=0D=0Ab?=@example.com"),
        ("to", "аda@example.com"),  # a Cyrillic а
        ("to", "ada@exаmple.com"),
        ("subject", "Hello\r\nBcc: eve@example.com"),
        ("subject", "Hello\nthere"),
        ("subject", ""),
        ("subject", "x" * 201),
        ("text", ""),
        ("text", "null\x00"),
        ("html", "esc\x1b[0m"),
        ("category", "security"),
        ("category", "orders"),
        ("from", "eve@example.com"),
    ],
)
def test_an_email_with_an_invalid_or_unknown_field_is_rejected(cloud: None, field: str, value: str) -> None:
    rejected = post_message(EMAIL_REQUEST | {field: value})
    assert rejected.status == 422
    assert rejected.json["errors"][0]["pointer"] == f"/{field}"
    assert notifications() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", "07700 900123"),
        ("to", "+44 7700 900123, +44 7700 900124"),
        ("to", "+0123456789"),
        ("to", "ada@example.com"),
        ("to", "+447700900123\n+447700900124"),
        ("message", ""),
        ("message", "bell\x07"),
        ("message", "x" * 460),
        ("message", "ж" * 202),
    ],
)
def test_a_text_message_with_an_invalid_field_is_rejected(cloud: None, field: str, value: str) -> None:
    rejected = post_message(SMS_REQUEST | {field: value}, "sms")
    assert rejected.status == 422
    assert rejected.json["errors"][0]["pointer"] == f"/{field}"
    assert notifications() == []


def test_a_text_message_may_have_three_segments(cloud: None) -> None:
    assert post_message(SMS_REQUEST | {"message": "x" * 459}, "sms").status == 202
    assert post_message(SMS_REQUEST | {"message": "ж" * 201}, "sms").status == 202


def test_html_keeps_only_safe_tags(cloud: None) -> None:
    html = (
        "<p onclick=evil()>Dear <b>Ada</b></p><script>evil()</script><img src=https://evil.example/pixel>"
        '<a href="javascript:evil()">a</a><a href="https://bank.example@evil.example/">b</a>'
        "<form action=https://evil.example><input name=card></form><style>*{display:none}</style>"
    )
    post_message(EMAIL_REQUEST | {"html": html})
    assert consume_queued() == []
    email = only_email()
    assert "Dear <strong>Ada</strong>" in email.html or "Dear <b>Ada</b>" in email.html
    assert "evil" not in email.html and "pixel" not in email.html
    assert not {"script", "img", "form", "input"} & set(Page(email.html).tags)


def test_markup_in_the_text_is_escaped(cloud: None) -> None:
    post_message(EMAIL_REQUEST | {"text": "<b>5 < 6</b> {{ 7*7 }}", "subject": "<i>Hi</i> {{ 7*7 }}"})
    assert consume_queued() == []
    email = only_email()
    assert "<b>5 < 6</b> {{ 7*7 }}" in email.text and "&lt;b&gt;5 &lt; 6&lt;/b&gt;" in email.html
    assert email.subject == "<i>Hi</i> {{ 7*7 }}"


def test_the_content_is_deleted_after_the_email_is_sent(cloud: None) -> None:
    post_message(EMAIL_REQUEST)
    assert notifications()[0].staff_content["text"] == EMAIL_REQUEST["text"]
    consume_queued()
    assert notifications()[0].staff_content is None


def test_customers_see_staff_messages_in_their_list(cloud: None) -> None:
    deliver(consume, registered())
    response = post_message(EMAIL_REQUEST | {"to": "Ada@Example.com"})
    items = call(api, "GET", "/notifications", caller=customer()).json["items"]
    assert response.json["notification_id"] in {item["notification_id"] for item in items}


def test_a_redelivered_staff_message_is_sent_once(cloud: None) -> None:
    post_message(EMAIL_REQUEST)
    (message,) = receive_queued()
    for _ in range(3):
        assert consume(sqs_event(message, message), Context()) == {"batchItemFailures": []}
    assert len(emails()) == 1


def test_a_queued_message_without_a_notification_is_ignored(cloud: None) -> None:
    message = json.dumps({"id": "ntf_gone", "command": own_queue.SEND, "requestid": "r"})
    assert consume(sqs_event(message), Context()) == {"batchItemFailures": []}


def test_the_longest_email_in_any_script_is_stored_and_sent(cloud: None) -> None:
    longest = {"text": "😀" * 20_000, "html": "<p>" + "😀" * 39_993 + "</p>", "subject": "😀" * 200}
    assert post_message(EMAIL_REQUEST | longest).status == 202
    assert consume_queued() == []
    assert "😀" * 100 in only_email().html
    assert post_message(EMAIL_REQUEST | {"text": "x" * 20_001}).status == 422
