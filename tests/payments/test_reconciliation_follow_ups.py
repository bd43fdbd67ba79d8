"""What a comparison could only ask for is looked at again, by whichever comes next, until a person knows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payments import stripe_lists
from payments.app import reconcile
from payments.service import syncing
from payments.stripe_gateway import StripeRefused
from shared.contracts.events import OrderCancelled, OrderExpired
from shared.runtime import clock
from tests.payments.reconciliation_driver import ReconciliationDriver
from tests.payments.test_reconciliation_slices import Died
from tests.support import Context, staff

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Findings = list[tuple[str, str | None, bool | None]]


@pytest.fixture
def books(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


def hourly(books: ReconciliationDriver) -> Findings:
    """What the schedule's comparison finds an hour after the last."""
    books.wait(HOUR)
    reconcile.reconcile({"id": "hourly"}, Context())
    books.work()
    newest = books.driver.get("/admin/reconciliations?limit=1", staff()).json["items"][0]
    assert newest["status"] == "finished", newest["reason"]
    findings = books.report(newest["reconciliation_id"])["findings"]
    return [(each["kind"], each["repair"], each["repaired"]) for each in findings]


def said_in_vain(books: ReconciliationDriver) -> str:
    """A payment whose news orders lose, each time."""
    payment_id = books.paid_unnoticed()
    books._deliver_webhooks()
    books.driver.published_types()
    return payment_id


def test_news_said_in_vain_on_the_hourly_schedule_reach_a_person(books):
    said_in_vain(books)
    found = []
    for _ in range(5):
        found.append(hourly(books))
        books.driver.published_types()
    asked = [("order_unpaid", "say_again", None)]
    assert found == [asked, asked, asked, [("order_unpaid", None, False)], []]


def test_what_is_unexplained_is_said(books):
    said_in_vain(books)
    said = []
    for _ in range(4):
        hourly(books)
        said += books.driver.published_types()
    assert said == [*["payment.succeeded"] * 3, "payment.unreconciled"]


def test_news_that_orders_acted_on_long_after_are_repaired_then(books):
    said_in_vain(books)
    assert hourly(books) == [("order_unpaid", "say_again", None)]
    books.driver.published_types()
    assert hourly(books) == [("order_unpaid", "say_again", None)]
    assert books.deliver_to_orders() == ["payment.succeeded"]
    assert hourly(books) == [("order_unpaid", "say_again", True)]
    assert hourly(books) == []


def test_what_was_asked_for_is_looked_at_whatever_the_next_one_compares(books):
    said_in_vain(books)
    assert hourly(books) == [("order_unpaid", "say_again", None)]
    books.deliver_to_orders()
    books.wait(9 * HOUR)
    report = books.compare(since=clock.now() - MINUTE)
    assert report["looked_at"] == {"payment_intents": 0, "refunds": 0, "disputes": 0, "asked": 1}
    assert [each["repaired"] for each in report["findings"]] == [True]
    assert (report["differences"], report["repaired"], report["unexplained"]) == (1, 1, 0)


def test_what_changed_a_moment_ago_is_left_to_the_one_after(books):
    payment_id = said_in_vain(books)
    assert hourly(books) == [("order_unpaid", "say_again", None)]
    books.deliver_to_orders()
    books.wait()
    syncing.change(payment_id, lambda held: syncing.Change(replace(held, review="open")), clock.now())
    assert books.compare()["findings"] == []
    assert books.find() == [("order_unpaid", "say_again", True)]


def test_a_comparison_that_dies_or_fails_forgets_nothing_that_was_asked_for(books, monkeypatch):
    said_in_vain(books)
    assert hourly(books) == [("order_unpaid", "say_again", None)]
    books.deliver_to_orders()
    books.wait(HOUR)
    books.driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=1, status=429)
    assert books.compare()["status"] == "failed"

    def dies(*about, **more):
        raise Died

    books.wait()
    books.request()
    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(stripe_lists, "intent", dies)
        books.work()
    books.wait(HOUR)  # nothing is heard of it any more
    assert hourly(books) == [("order_unpaid", "say_again", True)]


def test_what_differs_otherwise_when_it_is_looked_at_again_is_told(books):
    said_in_vain(books)
    assert hourly(books) == [("order_unpaid", "say_again", None)]
    del books.driver.orders["ord_1"]
    books.wait(3 * HOUR)
    found = hourly(books)
    assert ("order_unpaid", "say_again", False) in found
    assert ("unreadable", None, False) in found
    assert hourly(books) == []


def test_an_intent_that_cannot_be_cancelled_is_asked_to_end_until_a_person_knows(books, monkeypatch):
    books.driver.order()
    opened = books.driver.pay().json
    books.driver.order_ended(OrderExpired)
    with monkeypatch.context() as patched:
        patched.setattr(syncing, "_void", lambda payment, seen: seen)
        found = [hourly(books) for _ in range(4)]
    asked = [("never_heard", "cancel", None)]
    assert found == [asked, asked, asked, [("never_heard", "cancel", False)]]
    books.wait(timedelta(days=1))
    assert hourly(books) == [("never_heard", "cancel", True)]
    assert books.driver.status(opened["payment_id"]) == "cancelled"


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("cancelled_after", [40, 100, 600])
def test_money_of_an_order_cancelled_whenever_reaches_a_person_within_a_day(books, heard, cancelled_after):
    payment_id = books.paid()
    hourly(books)  # the first; the orders' news are lost after it
    books.wait((cancelled_after - 60) * MINUTE if cancelled_after > 60 else -20 * MINUTE)
    cancelled = books.driver.order_ended(OrderCancelled)
    if heard:
        books.driver.receive(cancelled)
    books.wait(25 * HOUR - cancelled_after * MINUTE)
    found: Findings = hourly(books) + hourly(books)
    assert found[-1] == ("late_money", None, False)
    assert books.driver.published_types() == ["payment.unreconciled"]
    assert books.driver.payment(payment_id).refunds.refunded == 0


def test_five_weeks_are_looked_through_once_a_day(books):
    books.paid()
    books.wait(-MINUTE)  # the second window includes the payment on a slow machine, too
    looked_at = []
    for more in (0, 0, 0, 22, 0, 23, 0):
        books.wait(more * HOUR)
        hourly(books)
        newest = books.driver.get("/admin/reconciliations?limit=1", staff()).json["items"][0]
        looked_at.append(newest["looked_at"]["payment_intents"])
    assert looked_at == [1, 1, 0, 1, 0, 1, 0]


def test_what_cannot_be_looked_at_again_is_for_a_person_once(books, monkeypatch):
    said_in_vain(books)
    assert [hourly(books), hourly(books)] == [[("order_unpaid", "say_again", None)]] * 2

    def gone(_: str) -> None:
        raise StripeRefused("resource_missing", "No such payment_intent")

    monkeypatch.setattr(stripe_lists, "intent", gone)
    found = [hourly(books) for _ in range(3)]
    assert sorted(found[0]) == [("order_unpaid", "say_again", False), ("unreadable", None, False)]
    assert found[1:] == [[], []]
