"""Preferences of customers and unsubscribe links, which change nothing when they are only opened."""

from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from notify import pages
from notify.app.api import api
from notify.app.consume import consume
from notify.domain.brand import Brand
from notify.service import preferences
from notify.tables.rows import BlockRow, PreferencesRow
from shared.contracts.events.envelope import Event
from shared.errors import Unavailable
from tests.notify.conftest import InvoiceFunction
from tests.notify.event_data import invoiced, paid, registered
from tests.notify.mailbox import ReceivedEmail, emails, notifications, only_email
from tests.notify.requests import (
    ALL_OFF,
    ALL_ON,
    DEFAULTS,
    EMAIL_REQUEST,
    MARKETING_REQUEST,
    PREFERENCES,
    consume_queued,
    deliver,
    post_message,
    put_preferences,
)
from tests.support import ENVIRONMENT, Reply, call, customer, guest, run_concurrently

ONE_CLICK = "List-Unsubscribe=One-Click"


def get_preferences(user: str = "usr_1") -> Reply:
    return call(api, "GET", PREFERENCES, caller=customer(user))


def unsubscribe_path(email: ReceivedEmail) -> str:
    """Return the path and query of the List-Unsubscribe header."""
    header = email.headers["List-Unsubscribe"]
    assert header.startswith(f"<{ENVIRONMENT['NOTIFY_API_URL']}/") and header.endswith(">")
    parts = urlsplit(header[1:-1])
    return f"{parts.path.removeprefix('/test')}?{parts.query}"


def one_click(
    path: str, body: str = ONE_CLICK, media_type: str = "application/x-www-form-urlencoded"
) -> Reply:
    return call(api, "POST", path, raw=body, headers={"Content-Type": media_type})


def send_marketing(to: str = "ada@example.com") -> ReceivedEmail:
    """Send a marketing email and return it."""
    post_message(MARKETING_REQUEST | {"to": to})
    assert consume_queued() == []
    return emails()[-1]


def test_by_default_only_emails_about_orders_are_on(cloud: None) -> None:
    response = get_preferences()
    assert response.status == 200
    assert response.json == DEFAULTS | {"language": None, "version": 0}
    assert response.header("ETag") == '"0"'


def test_saved_preferences_apply_to_their_owner_only(cloud: None) -> None:
    response = put_preferences(ALL_ON | {"language": "de"})
    assert (response.status, response.json) == (200, ALL_ON | {"language": "de", "version": 1})
    assert get_preferences().json == response.json and get_preferences().header("ETag") == '"1"'
    assert get_preferences("usr_2").json["version"] == 0


def test_a_stale_version_is_rejected(cloud: None) -> None:
    assert put_preferences(ALL_ON, '"0"').status == 200
    assert put_preferences(ALL_OFF, '"0"').status == 412
    assert put_preferences(ALL_OFF, '"1"').json["version"] == 2
    assert put_preferences(ALL_ON).json["version"] == 3


def test_concurrent_updates_all_succeed(cloud: None) -> None:
    updates = [lambda body=body: put_preferences(body).status for body in (ALL_ON, ALL_OFF, DEFAULTS, ALL_ON)]
    assert run_concurrently(*updates) == [200] * 4
    assert get_preferences().json["version"] == 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": ALL_ON["email"]},
        ALL_ON | {"security": False},
        ALL_ON | {"email": {"orders": True, "marketing": True, "security": False}},
        ALL_ON | {"email": {"orders": True}},
        ALL_ON | {"sms": {"orders": "yes", "marketing": False}},
        ALL_ON | {"language": "fr"},
    ],
)
def test_incomplete_or_unknown_preferences_are_rejected(cloud: None, body: dict[str, Any]) -> None:
    assert put_preferences(body).status == 422
    assert get_preferences().json["version"] == 0


def test_only_customers_have_preferences(cloud: None) -> None:
    assert call(api, "GET", PREFERENCES, caller=guest()).status == 403
    assert call(api, "GET", PREFERENCES).status == 401


def test_customers_without_order_emails_still_get_security_emails(
    cloud: None, orders: InvoiceFunction
) -> None:
    put_preferences(ALL_OFF)
    events: list[Event] = [paid(), invoiced(), registered()]
    assert deliver(consume, *events) == []
    assert only_email().subject == "Welcome to Tillstack"
    unsent = [row for row in notifications() if row.template != "welcome"]
    assert {(row.status, row.cause) for row in unsent} == {("suppressed", "preference")}


def test_emails_are_in_the_chosen_language(cloud: None) -> None:
    put_preferences(DEFAULTS | {"language": "de"})
    assert deliver(consume, paid()) == []
    assert "bestätigt" in only_email().subject
    assert notifications()[0].language == "de"


def test_accounts_get_marketing_only_after_opting_in(cloud: None) -> None:
    deliver(consume, registered())
    post_message(MARKETING_REQUEST)
    assert consume_queued() == []
    assert [email.subject for email in emails()] == ["Welcome to Tillstack"]
    put_preferences(ALL_ON)
    assert send_marketing().subject == "Lamps, half price"


def test_a_marketing_email_has_an_unsubscribe_link_and_header(cloud: None) -> None:
    email = send_marketing("grace@example.com")
    assert email.headers["List-Unsubscribe-Post"] == ONE_CLICK
    url = email.headers["List-Unsubscribe"][1:-1]
    assert url.split("?")[0] in email.text.replace("\n", " ")
    assert "Unsubscribe" in email.text and f'href="{url}"' in email.html


def test_other_emails_have_no_unsubscribe_header(cloud: None) -> None:
    post_message(EMAIL_REQUEST)
    consume_queued()
    deliver(consume, paid())
    assert len(emails()) == 2
    assert not any("List-Unsubscribe" in email.headers for email in emails())


def test_a_long_unsubscribe_header_is_not_encoded(cloud: None) -> None:
    email = send_marketing("grace@example.com")
    assert len(email.headers["List-Unsubscribe"]) > 78
    assert "=?" not in email.headers["List-Unsubscribe"]


def test_one_click_turns_off_marketing_for_an_account(cloud: None) -> None:
    deliver(consume, registered())
    put_preferences(ALL_ON)
    response = one_click(unsubscribe_path(send_marketing()))
    assert response.status == 200
    preferences = get_preferences().json
    assert preferences["email"] == {"orders": True, "marketing": False}
    assert preferences["sms"] == ALL_ON["sms"] and preferences["version"] == 2
    post_message(MARKETING_REQUEST)
    consume_queued()
    assert len(emails()) == 2
    assert deliver(consume, paid()) == []
    assert len(emails()) == 3


def test_one_click_blocks_marketing_to_an_address_without_an_account(cloud: None) -> None:
    path = unsubscribe_path(send_marketing("Grace@example.com"))
    for _ in range(2):
        assert one_click(path).status == 200
    post_message(MARKETING_REQUEST | {"to": "grace@example.com"})
    post_message(MARKETING_REQUEST | {"to": "other@example.com"})
    post_message(EMAIL_REQUEST | {"to": "grace@example.com"})
    consume_queued()
    assert [email.to for email in emails()] == [
        ["Grace@example.com"],
        ["other@example.com"],
        ["grace@example.com"],
    ]


def test_a_link_from_before_the_registration_turns_off_marketing(cloud: None) -> None:
    path = unsubscribe_path(send_marketing())
    deliver(consume, registered())
    put_preferences(ALL_ON)
    for _ in range(2):
        assert one_click(path).status == 200
    preferences = get_preferences().json
    assert preferences["email"] == {"orders": True, "marketing": False}
    assert (preferences["sms"], preferences["version"]) == (ALL_ON["sms"], 2)
    post_message(MARKETING_REQUEST)
    assert consume_queued() == []
    assert len(emails()) == 2
    put_preferences(ALL_ON)
    assert send_marketing().subject == "Lamps, half price"
    assert len(emails()) == 3


def test_an_unsubscribed_address_gets_no_marketing_until_it_opts_in_again(cloud: None) -> None:
    put_preferences(ALL_ON)
    path = unsubscribe_path(send_marketing())  # no account has this address yet
    assert one_click(path).status == 200
    deliver(consume, registered())
    post_message(MARKETING_REQUEST)
    assert consume_queued() == []
    assert [email.subject for email in emails()] == ["Lamps, half price", "Welcome to Tillstack"]
    put_preferences(ALL_OFF)
    put_preferences(ALL_ON)
    send_marketing()
    assert len(emails()) == 3


def test_repeated_clicks_change_nothing(cloud: None) -> None:
    deliver(consume, registered())
    put_preferences(ALL_ON)
    path = unsubscribe_path(send_marketing())
    for _ in range(3):
        assert one_click(path).status == 200
    assert get_preferences().json["version"] == 2


def test_the_click_may_be_sent_as_multipart_form_data(cloud: None) -> None:
    body = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    path = unsubscribe_path(send_marketing("grace@example.com"))
    assert one_click(path, body, "multipart/form-data; boundary=b").status == 200
    assert BlockRow.count("block#marketing#grace@example.com") == 1


def test_opening_the_link_shows_a_button_and_changes_nothing(cloud: None) -> None:
    path = unsubscribe_path(send_marketing("grace@example.com"))
    page = call(api, "GET", path)
    assert page.status == 200
    assert (page.header("Content-Type") or "").startswith("text/html")
    assert "method=post" in page.text and "List-Unsubscribe" in page.text
    assert "frame-ancestors 'none'" in (page.header("Content-Security-Policy") or "")
    assert page.header("Referrer-Policy") == "no-referrer"
    assert BlockRow.count("block#marketing#grace@example.com") == 0


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
BROKEN = ["/notifications/unsubscribe?token=a.b.c", "/notifications/unsubscribe"]


def test_the_pages_name_the_shop(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = unsubscribe_path(send_marketing("grace@example.com"))
    monkeypatch.setattr(
        pages, "_brand", lambda: Brand("Fish & Chips", "#aa0000", "1 Pier", "https://shop.example")
    )
    for page in (call(api, "GET", path), one_click(path), call(api, "GET", BROKEN[0], headers=BROWSER)):
        assert "<title>" in page.text and "Fish &amp; Chips</title>" in page.text
        assert "Fish &amp; Chips</header>" in page.text and "1 Pier</footer>" in page.text
        assert "--accent: #aa0000" in page.text
        assert "$" not in page.text
    assert call(api, "GET", path).text.count("<button>") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", BROKEN)
def test_a_browser_shows_what_to_do_about_a_broken_link(cloud: None, method: str, path: str) -> None:
    page = call(api, method, path, raw=ONE_CLICK, headers=BROWSER)
    problem = call(api, method, path, raw=ONE_CLICK)
    assert page.status == problem.status >= 400
    assert page.header("Content-Type") == "text/html; charset=utf-8"
    assert page.header("Cache-Control") == "no-store"
    assert "This link does not work" in page.text and "Dieser Link funktioniert nicht" in page.text
    assert 'href="mailto:help@tillstack.example"' in page.text
    assert "<button>" not in page.text


@pytest.mark.parametrize("accept", [None, "*/*", "application/json"])
@pytest.mark.parametrize("path", BROKEN)
def test_a_client_gets_a_broken_link_as_a_problem(cloud: None, path: str, accept: str | None) -> None:
    reply = call(api, "GET", path, headers={"Accept": accept} if accept else {})
    assert reply.header("Content-Type") == "application/problem+json"
    assert reply.json["status"] == reply.status


@pytest.mark.parametrize("error", [Unavailable("busy"), RuntimeError("secret detail")])
def test_a_browser_shows_that_a_fault_is_temporary(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = unsubscribe_path(send_marketing("grace@example.com"))

    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr(preferences, "unsubscribe", fail)
    page = call(api, "POST", path, raw=ONE_CLICK, headers=BROWSER)
    assert page.status >= 500
    assert "Please try again" in page.text and "Bitte versuchen Sie es noch einmal" in page.text
    assert "secret" not in page.text


def forged(claims: dict[str, Any], key: str = "somebody else's key, of 32 bytes or more") -> str:
    return jwt.encode(claims, key, algorithm="HS256")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        forged({"aud": "unsubscribe", "sub": "usr_1", "whose": "user", "category": "marketing"}),
        forged(
            {"aud": "notifications:usr_1", "k": {}, "sub": "usr_1"},
            "a test key, 32 bytes or more: notify-unsubscribe",
        ),
        jwt.encode({"aud": "unsubscribe", "sub": "usr_1"}, "", algorithm="none"),
    ],
)
def test_an_invalid_token_changes_nothing(cloud: None, method: str, token: str) -> None:
    put_preferences(ALL_ON)
    path = f"/notifications/unsubscribe?token={token}"
    assert call(api, method, path, raw=ONE_CLICK).status == 400
    assert get_preferences().json["version"] == 1


def test_an_altered_token_changes_nothing(cloud: None) -> None:
    path = unsubscribe_path(send_marketing("grace@example.com"))
    for index in (-1, -30, len(path) // 2):
        other = "A" if path[index] != "A" else "B"
        altered = path[:index] + other + path[index:][1:]
        response = one_click(altered)
        assert response.status == 400 or index == -1  # the last character has unused bits
    assert one_click("/notifications/unsubscribe").status == 422


def test_a_concurrent_update_is_kept_when_marketing_is_turned_off(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(consume, registered())
    put_preferences(ALL_ON)
    path = unsubscribe_path(send_marketing())
    save = PreferencesRow.save

    def save_after_another_update(row: PreferencesRow, *conditions: Any) -> Any:
        monkeypatch.setattr(PreferencesRow, "save", save)
        put_preferences(ALL_ON | {"language": "de"})
        return save(row, *conditions)

    monkeypatch.setattr(PreferencesRow, "save", save_after_another_update)
    assert one_click(path).status == 200
    saved = get_preferences().json
    assert (saved["language"], saved["email"]["marketing"], saved["version"]) == ("de", False, 3)
