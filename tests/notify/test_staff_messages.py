"""Messages of staff are queued, then sent once."""

import json
from typing import Any

import pytest

from notify import own_queue
from notify.app.api import api
from notify.app.consume import consume
from notify.tables import notifications as rows
from tests.notify.event_data import registered
from tests.notify.html_page import Page
from tests.notify.mailbox import emails, notifications, sms_messages, the_email
from tests.notify.requests import MAIL, TEXT, Died, carry_out, die, queued, write
from tests.support import (
    Context,
    call,
    customer,
    deliver,
    guest,
    idempotency_headers,
    run_concurrently,
    sqs_event,
    staff,
)


def shown(notification_id: str, recipient: str) -> dict[str, Any]:
    """Return the notification as staff see it."""
    found = call(api, "GET", f"/notifications?recipient={recipient}", caller=staff()).json["items"]
    (one,) = (entry for entry in found if entry["notification_id"] == notification_id)
    return dict(one)


def test_an_email_of_staff_is_queued_then_sent(cloud: None) -> None:
    promise = write(MAIL)
    assert promise.status == 202
    assert emails() == []
    stored = shown(promise.json["notification_id"], "ada@example.com")
    assert (stored["channel"], stored["template"], stored["status"]) == ("email", "staff_message", "queued")
    assert carry_out() == []
    email = the_email()
    assert (email.to, email.subject) == (["ada@example.com"], "About your lamp")
    assert "Dear Ada,\n\nit is here." in email.text and "it is here." in Page(email.html).text
    stored = shown(promise.json["notification_id"], "ada@example.com")
    assert (stored["status"], stored["to"]) == ("sent", "ada@example.com")
    assert [change["status"] for change in stored["history"]] == ["queued", "sent"]


def test_a_text_message_of_staff_is_queued_then_sent(cloud: None) -> None:
    promise = write(TEXT, "sms")
    assert promise.status == 202
    assert carry_out() == []
    assert sms_messages() == [("+447700900123", "Your lamp is here.")]
    assert shown(promise.json["notification_id"], "+44 7700 900123")["status"] == "sent"


@pytest.mark.parametrize(("channel", "body"), [("email", MAIL), ("sms", TEXT)])
def test_sending_is_for_staff_and_needs_an_idempotency_key(
    cloud: None, channel: str, body: dict[str, str]
) -> None:
    path = f"/notifications/{channel}"
    assert call(api, "POST", path, body=body, caller=customer(), headers=idempotency_headers()).status == 403
    assert call(api, "POST", path, body=body, caller=guest(), headers=idempotency_headers()).status == 403
    assert call(api, "POST", path, body=body, headers=idempotency_headers()).status == 401
    assert call(api, "POST", path, body=body, caller=staff()).status == 400
    assert notifications() == [] and queued() == []


def test_a_repeated_request_is_a_replay(cloud: None) -> None:
    first, second = write(MAIL, key="k"), write(MAIL, key="k")
    assert second.status == 202 and second.json == first.json
    assert (first.header("Idempotent-Replayed"), second.header("Idempotent-Replayed")) == (None, "true")
    assert carry_out() == []
    assert len(emails()) == 1
    assert write(MAIL, key="k").json == first.json
    assert queued() == []  # it was sent already


def test_a_key_with_another_body_is_rejected(cloud: None) -> None:
    write(MAIL, key="k")
    other = write(MAIL | {"text": "Something else."}, key="k")
    assert (other.status, other.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_keys_of_different_callers_are_independent(cloud: None) -> None:
    first = write(MAIL, key="k")
    other = call(
        api,
        "POST",
        "/notifications/email",
        body=MAIL,
        caller=staff("usr_other"),
        headers=idempotency_headers("k"),
    )
    assert other.json["notification_id"] != first.json["notification_id"]


def test_concurrent_requests_with_one_key_send_one_email(cloud: None) -> None:
    answers = run_concurrently(*[lambda: write(MAIL, key="k")] * 6)
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["notification_id"] for answer in answers}) == 1
    assert carry_out() == []
    assert len(emails()) == len(notifications()) == 1


def test_a_request_interrupted_before_queueing_is_completed_by_its_retry(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(own_queue, "send", die)
        with pytest.raises(Died):
            write(MAIL, key="k")
    (row,) = notifications()
    assert row.status == "queued" and queued() == []
    assert write(MAIL, key="k").json == {"notification_id": row.pk}
    assert carry_out() == []
    assert len(emails()) == 1


def test_a_request_interrupted_before_storing_starts_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rows, "put", die)
        with pytest.raises(Died):
            write(MAIL, key="k")
    assert notifications() == [] and queued() == []
    assert write(MAIL, key="k").status == 202


@pytest.mark.parametrize(("channel", "body"), [("email", MAIL), ("sms", TEXT)])
def test_beyond_the_hourly_limit_the_response_has_retry_after(
    cloud: None, channel: str, body: dict[str, str]
) -> None:
    for number in range(20):
        assert write(body, channel, key=f"k{number}").status == 202
    assert write(body, channel, key="k3").status == 202  # a replay is not counted
    refused = write(body, channel, key="one more")
    assert (refused.status, refused.json["type"]) == (429, "/problems/too-many-notifications")
    assert 1 <= int(refused.header("Retry-After") or 0) <= 3600
    assert len(notifications()) == 20
    elsewhere = body | {"to": "grace@example.com" if channel == "email" else "+447700900456"}
    assert write(elsewhere, channel).status == 202


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
def test_an_invalid_email_is_rejected(cloud: None, field: str, value: str) -> None:
    refused = write(MAIL | {field: value})
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == f"/{field}"
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
def test_an_invalid_text_message_is_rejected(cloud: None, field: str, value: str) -> None:
    refused = write(TEXT | {field: value}, "sms")
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == f"/{field}"
    assert notifications() == []


def test_a_text_message_of_three_segments_is_accepted(cloud: None) -> None:
    assert write(TEXT | {"message": "x" * 459}, "sms").status == 202
    assert write(TEXT | {"message": "ж" * 201}, "sms").status == 202


def test_html_of_staff_keeps_text_markup_only(cloud: None) -> None:
    html = (
        "<p onclick=evil()>Dear <b>Ada</b></p><script>evil()</script><img src=https://evil.example/pixel>"
        '<a href="javascript:evil()">a</a><a href="https://bank.example@evil.example/">b</a>'
        "<form action=https://evil.example><input name=card></form><style>*{display:none}</style>"
    )
    write(MAIL | {"html": html})
    assert carry_out() == []
    email = the_email()
    assert "Dear <strong>Ada</strong>" in email.html or "Dear <b>Ada</b>" in email.html
    assert "evil" not in email.html and "pixel" not in email.html
    assert not {"script", "img", "form", "input"} & set(Page(email.html).tags)


def test_markup_in_the_text_is_shown_as_text(cloud: None) -> None:
    write(MAIL | {"text": "<b>5 < 6</b> {{ 7*7 }}", "subject": "<i>Hi</i> {{ 7*7 }}"})
    assert carry_out() == []
    email = the_email()
    assert "<b>5 < 6</b> {{ 7*7 }}" in email.text and "&lt;b&gt;5 &lt; 6&lt;/b&gt;" in email.html
    assert email.subject == "<i>Hi</i> {{ 7*7 }}"


def test_the_content_of_a_staff_message_is_deleted_after_sending(cloud: None) -> None:
    write(MAIL)
    assert notifications()[0].staff_content["text"] == MAIL["text"]
    carry_out()
    assert notifications()[0].staff_content is None


def test_customers_see_that_staff_wrote_to_them(cloud: None) -> None:
    deliver(consume, registered())
    promise = write(MAIL | {"to": "Ada@Example.com"})
    found = call(api, "GET", "/notifications", caller=customer()).json["items"]
    assert promise.json["notification_id"] in {entry["notification_id"] for entry in found}


def test_a_message_queued_twice_is_sent_once(cloud: None) -> None:
    write(MAIL)
    (message,) = queued()
    for _ in range(3):
        assert consume(sqs_event(message, message), Context()) == {"batchItemFailures": []}
    assert len(emails()) == 1


def test_a_queued_message_without_a_notification_is_ignored(cloud: None) -> None:
    lost = json.dumps({"id": "ntf_gone", "command": own_queue.SEND, "requestid": "r"})
    assert consume(sqs_event(lost), Context()) == {"batchItemFailures": []}


def test_the_longest_email_in_any_script_is_stored_and_sent(cloud: None) -> None:
    longest = {"text": "😀" * 20_000, "html": "<p>" + "😀" * 39_993 + "</p>", "subject": "😀" * 200}
    assert write(MAIL | longest).status == 202
    assert carry_out() == []
    assert "😀" * 100 in the_email().html
    assert write(MAIL | {"text": "x" * 20_001}).status == 422
