"""Lists of notifications, for customers and staff."""

import pytest

from notify.app.api import api
from notify.app.consume import consume
from tests.notify.event_data import cancelled, declined, paid, shipped
from tests.notify.mailbox import emails, notifications
from tests.notify.requests import ALL, PHONE, register_reachable
from tests.support import Identity, Reply, call, customer, deliver, guest, staff


def read(query: str = "", caller: Identity | None = None) -> Reply:
    return call(api, "GET", f"/notifications{query}", caller=caller or customer())


def test_customers_see_their_own_notifications_newest_first(cloud: None) -> None:
    for event in (paid(), shipped(), paid(order_id="ord_9", user_id="usr_2", email="grace@example.com")):
        assert deliver(consume, event) == []
    answer = read()
    assert answer.status == 200 and answer.json["next_cursor"] is None
    assert [stored["template"] for stored in answer.json["items"]] == ["order_shipped", "order_confirmation"]
    newest = answer.json["items"][0]
    assert newest | {"notification_id": "", "at": "", "updated_at": "", "history": []} == {
        "notification_id": "",
        "channel": "email",
        "template": "order_shipped",
        "category": "orders",
        "language": "en",
        "to": "ada@example.com",
        "order_id": "ord_1",
        "status": "sent",
        "reason": None,
        "instead": None,
        "instead_of": None,
        "at": "",
        "updated_at": "",
        "history": [],
    }
    assert newest["at"].endswith("Z") and newest["history"][0]["at"].endswith("Z")
    assert [stored["to"] for stored in read(caller=customer("usr_2")).json["items"]] == ["grace@example.com"]


def test_staff_see_the_notifications_of_a_recipient(cloud: None) -> None:
    register_reachable(ALL)
    assert deliver(consume, shipped()) == []
    for written in ("ada@example.com", "ADA@example.com"):
        found = read(f"?recipient={written}", staff()).json["items"]
        assert [stored["template"] for stored in found] == ["order_shipped", "welcome"]
    for written in (PHONE, "+44 7700 900123", "0044 7700 900123"):
        assert [stored["to"] for stored in read(f"?recipient={written}", staff()).json["items"]] == [PHONE]
    assert read("?recipient=nobody@example.com", staff()).json == {"items": [], "next_cursor": None}


def test_staff_without_a_recipient_see_their_own(cloud: None) -> None:
    assert deliver(consume, paid()) == []
    assert read(caller=staff()).json["items"] == []
    assert len(read(caller=staff("usr_1")).json["items"]) == 1


def test_only_staff_may_name_a_recipient(cloud: None) -> None:
    assert read("?recipient=ada@example.com").status == 403
    assert read(caller=guest()).status == 403
    assert call(api, "GET", "/notifications").status == 401


@pytest.mark.parametrize("whose", ["own", "recipient"])
def test_pages_contain_each_notification_once(cloud: None, whose: str) -> None:
    events = [declined(version) for version in range(2, 7)] + [cancelled(), shipped()]
    assert deliver(consume, *events) == []
    query, caller = ("", customer()) if whose == "own" else ("&recipient=ada@example.com", staff())
    seen, cursor = [], ""
    while True:
        page = read(f"?limit=3{query}{cursor}", caller).json
        assert len(page["items"]) <= 3
        seen += [stored["notification_id"] for stored in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(row.pk for row in notifications())


def test_a_cursor_is_valid_for_its_list_only(cloud: None) -> None:
    assert deliver(consume, paid(), shipped()) == []
    cursor = read("?limit=1").json["next_cursor"]
    assert read(f"?cursor={cursor}", customer("usr_2")).status == 400
    assert read(f"?recipient=ada@example.com&cursor={cursor}", staff()).status == 400
    assert read(f"?cursor={cursor[:-4]}AAAA").status == 400
    assert read("?limit=0").status == 422 and read("?limit=101").status == 422


def test_five_declines_are_sent_per_order_and_day(cloud: None) -> None:
    events = [declined(version) for version in range(2, 10)]
    assert deliver(consume, *events) == []
    assert deliver(consume, *events) == []
    assert len(emails()) == 5
    limited = [row for row in notifications() if row.status == "suppressed"]
    assert len(limited) == 3 and {row.cause for row in limited} == {"limit"}
    assert deliver(consume, declined(2, order_id="ord_2", payment_id="pay_2")) == []
