"""Preferences and unsubscribe links."""

from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from notify.app.api import api
from notify.app.consume import consume
from notify.tables.rows import BlockRow, PreferencesRow
from shared.contracts.events import Event
from tests.notify.conftest import Orders
from tests.notify.event_data import invoiced, paid, registered
from tests.notify.mailbox import ReceivedEmail, emails, notifications, the_email
from tests.notify.requests import ALL, DEFAULT, MAIL, NONE, OFFER, PREFERENCES, carry_out, choose, write
from tests.support import ENVIRONMENT, Reply, call, customer, deliver, guest, run_concurrently

ONE_CLICK = "List-Unsubscribe=One-Click"


def read(user: str = "usr_1") -> Reply:
    return call(api, "GET", PREFERENCES, caller=customer(user))


def link(email: ReceivedEmail) -> str:
    """Return the path of the link in the email's header."""
    header = email.headers["List-Unsubscribe"]
    assert header.startswith(f"<{ENVIRONMENT['NOTIFY_API_URL']}/") and header.endswith(">")
    parts = urlsplit(header[1:-1])
    return f"{parts.path.removeprefix('/test')}?{parts.query}"


def one_click(path: str, body: str = ONE_CLICK, kind: str = "application/x-www-form-urlencoded") -> Reply:
    return call(api, "POST", path, raw=body, headers={"Content-Type": kind})


def an_offer(to: str = "ada@example.com") -> ReceivedEmail:
    """Send a marketing email and return it."""
    write(OFFER | {"to": to})
    assert carry_out() == []
    return emails()[-1]


def test_by_default_only_emails_about_orders_are_on(cloud: None) -> None:
    answer = read()
    assert answer.status == 200
    assert answer.json == DEFAULT | {"language": None, "version": 0}
    assert answer.header("ETag") == '"0"'


def test_preferences_are_stored_per_account(cloud: None) -> None:
    answer = choose(ALL | {"language": "de"})
    assert (answer.status, answer.json) == (200, ALL | {"language": "de", "version": 1})
    assert read().json == answer.json and read().header("ETag") == '"1"'
    assert read("usr_2").json["version"] == 0


def test_a_stale_version_is_rejected(cloud: None) -> None:
    assert choose(ALL, '"0"').status == 200
    assert choose(NONE, '"0"').status == 412
    assert choose(NONE, '"1"').json["version"] == 2
    assert choose(ALL).json["version"] == 3


def test_concurrent_changes_are_all_applied(cloud: None) -> None:
    choices = [lambda body=body: choose(body).status for body in (ALL, NONE, DEFAULT, ALL)]
    assert run_concurrently(*choices) == [200] * 4
    assert read().json["version"] == 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": ALL["email"]},
        ALL | {"security": False},
        ALL | {"email": {"orders": True, "marketing": True, "security": False}},
        ALL | {"email": {"orders": True}},
        ALL | {"sms": {"orders": "yes", "marketing": False}},
        ALL | {"language": "fr"},
    ],
)
def test_invalid_preferences_and_security_are_rejected(cloud: None, body: dict[str, Any]) -> None:
    assert choose(body).status == 422
    assert read().json["version"] == 0


def test_preferences_are_for_customers(cloud: None) -> None:
    assert call(api, "GET", PREFERENCES, caller=guest()).status == 403
    assert call(api, "GET", PREFERENCES).status == 401


def test_emails_about_orders_can_be_turned_off_and_security_stays(cloud: None, orders: Orders) -> None:
    choose(NONE)
    events: list[Event] = [paid(), invoiced(), registered()]
    assert deliver(consume, *events) == []
    assert the_email().subject == "Welcome to Tillstack"
    untold = [row for row in notifications() if row.template != "welcome"]
    assert {(row.status, row.cause) for row in untold} == {("suppressed", "preference")}


def test_emails_are_in_the_preferred_language(cloud: None) -> None:
    choose(DEFAULT | {"language": "de"})
    assert deliver(consume, paid()) == []
    assert "bestätigt" in the_email().subject
    assert notifications()[0].language == "de"


def test_marketing_is_sent_only_to_accounts_that_want_it(cloud: None) -> None:
    deliver(consume, registered())
    write(OFFER)
    assert carry_out() == []
    assert [email.subject for email in emails()] == ["Welcome to Tillstack"]
    choose(ALL)
    assert an_offer().subject == "Lamps, half price"


def test_marketing_has_an_unsubscribe_link_and_header(cloud: None) -> None:
    email = an_offer("grace@example.com")
    assert email.headers["List-Unsubscribe-Post"] == ONE_CLICK
    url = email.headers["List-Unsubscribe"][1:-1]
    assert url.split("?")[0] in email.text.replace("\n", " ")
    assert "Unsubscribe" in email.text and f'href="{url}"' in email.html


def test_other_emails_have_no_unsubscribe_header(cloud: None) -> None:
    write(MAIL)
    carry_out()
    deliver(consume, paid())
    assert len(emails()) == 2
    assert not any("List-Unsubscribe" in email.headers for email in emails())


def test_the_unsubscribe_header_is_one_unencoded_line(cloud: None) -> None:
    email = an_offer("grace@example.com")
    assert len(email.headers["List-Unsubscribe"]) > 78
    assert "=?" not in email.headers["List-Unsubscribe"]


def test_one_click_unsubscribes_an_account(cloud: None) -> None:
    deliver(consume, registered())
    choose(ALL)
    answer = one_click(link(an_offer()))
    assert answer.status == 200
    chosen = read().json
    assert chosen["email"] == {"orders": True, "marketing": False}
    assert chosen["sms"] == ALL["sms"] and chosen["version"] == 2
    write(OFFER)
    carry_out()
    assert len(emails()) == 2
    assert deliver(consume, paid()) == []
    assert len(emails()) == 3


def test_one_click_unsubscribes_an_address_without_an_account(cloud: None) -> None:
    path = link(an_offer("Grace@example.com"))
    for _ in range(2):
        assert one_click(path).status == 200
    write(OFFER | {"to": "grace@example.com"})
    write(OFFER | {"to": "other@example.com"})
    write(MAIL | {"to": "grace@example.com"})
    carry_out()
    assert [email.to for email in emails()] == [
        ["Grace@example.com"],
        ["other@example.com"],
        ["grace@example.com"],
    ]


def test_a_link_from_before_the_registration_unsubscribes_the_account(cloud: None) -> None:
    path = link(an_offer())
    deliver(consume, registered())
    choose(ALL)
    for _ in range(2):
        assert one_click(path).status == 200
    chosen = read().json
    assert chosen["email"] == {"orders": True, "marketing": False}
    assert (chosen["sms"], chosen["version"]) == (ALL["sms"], 2)
    write(OFFER)
    assert carry_out() == []
    assert len(emails()) == 2
    choose(ALL)
    assert an_offer().subject == "Lamps, half price"
    assert len(emails()) == 3


def test_an_unsubscription_lasts_until_marketing_is_turned_on_again(cloud: None) -> None:
    choose(ALL)
    path = link(an_offer())  # the account is not registered yet
    assert one_click(path).status == 200
    deliver(consume, registered())
    write(OFFER)
    assert carry_out() == []
    assert [email.subject for email in emails()] == ["Lamps, half price", "Welcome to Tillstack"]
    choose(NONE)
    choose(ALL)
    an_offer()
    assert len(emails()) == 3


def test_unsubscribing_again_changes_nothing(cloud: None) -> None:
    deliver(consume, registered())
    choose(ALL)
    path = link(an_offer())
    for _ in range(3):
        assert one_click(path).status == 200
    assert read().json["version"] == 2


def test_one_click_accepts_multipart_forms(cloud: None) -> None:
    body = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    path = link(an_offer("grace@example.com"))
    assert one_click(path, body, "multipart/form-data; boundary=b").status == 200
    assert BlockRow.count("block#marketing#grace@example.com") == 1


def test_opening_the_link_changes_nothing(cloud: None) -> None:
    path = link(an_offer("grace@example.com"))
    page = call(api, "GET", path)
    assert page.status == 200
    assert (page.header("Content-Type") or "").startswith("text/html")
    assert "method=post" in page.text and "List-Unsubscribe" in page.text
    assert "frame-ancestors 'none'" in (page.header("Content-Security-Policy") or "")
    assert page.header("Referrer-Policy") == "no-referrer"
    assert BlockRow.count("block#marketing#grace@example.com") == 0


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
def test_a_forged_token_changes_nothing(cloud: None, method: str, token: str) -> None:
    choose(ALL)
    path = f"/notifications/unsubscribe?token={token}"
    assert call(api, method, path, raw=ONE_CLICK).status == 400
    assert read().json["version"] == 1


def test_an_altered_token_changes_nothing(cloud: None) -> None:
    path = link(an_offer("grace@example.com"))
    for place in (-1, -30, len(path) // 2):
        other = "A" if path[place] != "A" else "B"
        altered = path[:place] + other + path[place:][1:]
        answer = one_click(altered)
        assert answer.status == 400 or place == -1  # the last character has unused bits
    assert one_click("/notifications/unsubscribe").status == 422


def test_a_concurrent_change_of_preferences_is_not_lost(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(consume, registered())
    choose(ALL)
    path = link(an_offer())
    saved = PreferencesRow.save

    def save_after_another(row: PreferencesRow, *conditions: Any) -> Any:
        monkeypatch.setattr(PreferencesRow, "save", saved)
        choose(ALL | {"language": "de"})
        return saved(row, *conditions)

    monkeypatch.setattr(PreferencesRow, "save", save_after_another)
    assert one_click(path).status == 200
    chosen = read().json
    assert (chosen["language"], chosen["email"]["marketing"], chosen["version"]) == ("de", False, 3)
