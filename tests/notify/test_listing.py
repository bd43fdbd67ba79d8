"""Lists of notifications for customers and staff."""

import pytest

from notify.app.api import api
from notify.app.consume import consume
from tests.notify.event_data import cancelled, declined, paid, shipped
from tests.notify.mailbox import emails, notifications
from tests.notify.requests import ALL_ON, PHONE, ProcessDied, deliver, register_customer
from tests.notify.test_delivery import make_ses_fail, ses_error
from tests.notify.test_process_death import dying_at
from tests.support import Identity, Reply, call, customer, guest, staff


def list_notifications(query: str = "", caller: Identity | None = None) -> Reply:
    return call(api, "GET", f"/notifications{query}", caller=caller or customer())


def test_customers_see_their_own_notifications_newest_first(cloud: None) -> None:
    for event in (paid(), shipped(), paid(order_id="ord_9", user_id="usr_2", email="grace@example.com")):
        assert deliver(consume, event) == []
    response = list_notifications()
    assert response.status == 200 and response.json["next_cursor"] is None
    assert [item["template"] for item in response.json["items"]] == ["order_shipped", "order_confirmation"]
    newest = response.json["items"][0]
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
    items = list_notifications(caller=customer("usr_2")).json["items"]
    assert [item["to"] for item in items] == ["grace@example.com"]


def test_a_notification_is_listed_once_it_has_an_outcome_or_waits_for_a_retry(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying_at(3, answered=False), pytest.raises(ProcessDied):
        deliver(consume, shipped())
    assert len(notifications()) == 1
    assert list_notifications().json["items"] == [], "a claim costs no writes of indexes"
    with monkeypatch.context() as patch:
        make_ses_fail(patch, ses_error("Throttling", "Maximum sending rate exceeded."))
        deliver(consume, cancelled())
    (item,) = list_notifications().json["items"]
    assert (item["template"], item["status"]) == ("order_cancelled", "queued")
    assert deliver(consume, cancelled()) == []
    (item,) = list_notifications().json["items"]
    assert (item["status"], item["at"]) == ("sent", item["history"][0]["at"])


def test_staff_see_the_notifications_of_an_address_or_a_number(cloud: None) -> None:
    register_customer(ALL_ON)
    assert deliver(consume, shipped()) == []
    for recipient in ("ada@example.com", "ADA@example.com"):
        items = list_notifications(f"?recipient={recipient}", staff()).json["items"]
        assert [item["template"] for item in items] == ["order_shipped", "welcome"]
    for recipient in (PHONE, "+44 7700 900123", "0044 7700 900123"):
        items = list_notifications(f"?recipient={recipient}", staff()).json["items"]
        assert [item["to"] for item in items] == [PHONE]
    response = list_notifications("?recipient=nobody@example.com", staff())
    assert response.json == {"items": [], "next_cursor": None}


def test_staff_see_their_own_notifications_without_a_recipient(cloud: None) -> None:
    assert deliver(consume, paid()) == []
    assert list_notifications(caller=staff()).json["items"] == []
    assert len(list_notifications(caller=staff("usr_1")).json["items"]) == 1


def test_only_staff_may_list_by_recipient(cloud: None) -> None:
    assert list_notifications("?recipient=ada@example.com").status == 403
    assert list_notifications(caller=guest()).status == 403
    assert call(api, "GET", "/notifications").status == 401


@pytest.mark.parametrize("listing", ["own", "recipient"])
def test_pages_contain_each_notification_once(cloud: None, listing: str) -> None:
    events = [declined(version) for version in range(2, 7)] + [cancelled(), shipped()]
    assert deliver(consume, *events) == []
    query, caller = ("", customer()) if listing == "own" else ("&recipient=ada@example.com", staff())
    seen, cursor = [], ""
    while True:
        page = list_notifications(f"?limit=3{query}{cursor}", caller).json
        assert len(page["items"]) <= 3
        seen += [item["notification_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(row.pk for row in notifications())


@pytest.mark.parametrize("limit", [1, 2, 4])
@pytest.mark.parametrize("listing", ["own", "recipient"])
def test_a_full_last_page_has_no_next_cursor(cloud: None, listing: str, limit: int) -> None:
    assert deliver(consume, *(declined(version) for version in range(2, 6))) == []
    query, caller = ("", customer()) if listing == "own" else ("&recipient=ada@example.com", staff())
    sizes, cursor = [], ""
    while cursor is not None:
        page = list_notifications(f"?limit={limit}{query}" + (cursor and f"&cursor={cursor}"), caller).json
        sizes.append(len(page["items"]))
        cursor = page["next_cursor"]
    assert sizes == [limit] * (4 // limit)


def test_an_altered_cursor_or_that_of_another_list_is_rejected(cloud: None) -> None:
    assert deliver(consume, paid(), shipped()) == []
    cursor = list_notifications("?limit=1").json["next_cursor"]
    assert list_notifications(f"?cursor={cursor}", customer("usr_2")).status == 400
    assert list_notifications(f"?recipient=ada@example.com&cursor={cursor}", staff()).status == 400
    assert list_notifications(f"?cursor={cursor[:-4]}AAAA").status == 400
    assert list_notifications("?limit=0").status == 422 and list_notifications("?limit=101").status == 422


def test_at_most_five_declines_per_order_and_day_are_reported(cloud: None) -> None:
    events = [declined(version) for version in range(2, 10)]
    assert deliver(consume, *events) == []
    assert deliver(consume, *events) == []
    assert len(emails()) == 5
    limited = [row for row in notifications() if row.status == "suppressed"]
    assert len(limited) == 3 and {row.cause for row in limited} == {"limit"}
    assert deliver(consume, declined(2, order_id="ord_2", payment_id="pay_2")) == []
