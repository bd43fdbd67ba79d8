"""Repairs with a delayed effect are checked by later reconciliations, until staff are notified."""

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
def reconciliation(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


def hourly(reconciliation: ReconciliationDriver) -> Findings:
    """Run the scheduled reconciliation an hour after the last; return its findings."""
    reconciliation.wait(HOUR)
    reconcile.reconcile({"id": "hourly"}, Context())
    reconciliation.work()
    newest = reconciliation.driver.get("/admin/reconciliations?limit=1", staff()).json["items"][0]
    assert newest["status"] == "finished", newest["reason"]
    findings = reconciliation.report(newest["reconciliation_id"])["findings"]
    return [(each["kind"], each["repair"], each["repaired"]) for each in findings]


def published_without_effect(reconciliation: ReconciliationDriver) -> str:
    """Make a payment whose events orders never receives; return its id."""
    payment_id = reconciliation.paid_unnoticed()
    reconciliation._deliver_webhooks()
    reconciliation.driver.published_types()
    return payment_id


def test_hourly_publications_without_effect_reach_staff(reconciliation):
    published_without_effect(reconciliation)
    found = []
    for _ in range(5):
        found.append(hourly(reconciliation))
        reconciliation.driver.published_types()
    waiting = [("order_unpaid", "say_again", None)]
    assert found == [waiting, waiting, waiting, [("order_unpaid", None, False)], []]


def test_unexplained_differences_are_published(reconciliation):
    published_without_effect(reconciliation)
    published = []
    for _ in range(4):
        hourly(reconciliation)
        published += reconciliation.driver.published_types()
    assert published == [*["payment.succeeded"] * 3, "payment.unreconciled"]


def test_a_late_effect_of_a_publication_is_recorded_as_repaired(reconciliation):
    published_without_effect(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.driver.published_types()
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]
    assert hourly(reconciliation) == [("order_unpaid", "say_again", True)]
    assert hourly(reconciliation) == []


def test_follow_ups_are_checked_whatever_the_window(reconciliation):
    published_without_effect(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.deliver_to_orders()
    reconciliation.wait(9 * HOUR)
    report = reconciliation.compare(since=clock.now() - MINUTE)
    assert report["looked_at"] == {"payment_intents": 0, "refunds": 0, "disputes": 0, "asked": 1}
    assert [each["repaired"] for each in report["findings"]] == [True]
    assert (report["differences"], report["repaired"], report["unexplained"]) == (1, 1, 0)


def test_a_follow_up_of_a_recent_change_waits_for_the_next_run(reconciliation):
    payment_id = published_without_effect(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.deliver_to_orders()
    reconciliation.wait()
    syncing.change(payment_id, lambda held: syncing.Change(replace(held, review="open")), clock.now())
    assert reconciliation.compare()["findings"] == []
    assert reconciliation.find() == [("order_unpaid", "say_again", True)]


def test_follow_ups_survive_failed_and_dead_reconciliations(reconciliation, monkeypatch):
    published_without_effect(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.deliver_to_orders()
    reconciliation.wait(HOUR)
    reconciliation.driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=1, status=429)
    assert reconciliation.compare()["status"] == "failed"

    def dies(*about, **more):
        raise Died

    reconciliation.wait()
    reconciliation.request()
    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(stripe_lists, "intent", dies)
        reconciliation.work()
    reconciliation.wait(HOUR)  # the running one is dead now
    assert hourly(reconciliation) == [("order_unpaid", "say_again", True)]


def test_a_follow_up_that_differs_in_another_way_is_reported(reconciliation):
    published_without_effect(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    del reconciliation.driver.orders["ord_1"]
    reconciliation.wait(3 * HOUR)
    found = hourly(reconciliation)
    assert ("order_unpaid", "say_again", False) in found
    assert ("unreadable", None, False) in found
    assert hourly(reconciliation) == []


def test_an_intent_that_cannot_be_cancelled_is_left_to_staff_in_the_end(reconciliation, monkeypatch):
    reconciliation.driver.order()
    opened = reconciliation.driver.pay().json
    reconciliation.driver.order_ended(OrderExpired)
    with monkeypatch.context() as patched:
        patched.setattr(syncing, "_void", lambda payment, seen: seen)
        found = [hourly(reconciliation) for _ in range(4)]
    waiting = [("never_heard", "cancel", None)]
    assert found == [waiting, waiting, waiting, [("never_heard", "cancel", False)]]
    reconciliation.wait(timedelta(days=1))
    assert hourly(reconciliation) == [("never_heard", "cancel", True)]
    assert reconciliation.driver.status(opened["payment_id"]) == "cancelled"


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("cancelled_after", [40, 100, 600])
def test_a_lost_refund_of_an_old_order_reaches_staff_within_a_day(reconciliation, recorded, cancelled_after):
    payment_id = reconciliation.paid()
    hourly(reconciliation)  # the first one; orders' events are lost after it
    reconciliation.wait((cancelled_after - 60) * MINUTE if cancelled_after > 60 else -20 * MINUTE)
    cancelled = reconciliation.driver.order_ended(OrderCancelled)
    if recorded:
        reconciliation.driver.receive(cancelled)
    reconciliation.wait(25 * HOUR - cancelled_after * MINUTE)
    found: Findings = hourly(reconciliation) + hourly(reconciliation)
    assert found[-1] == ("late_money", None, False)
    assert reconciliation.driver.published_types() == ["payment.unreconciled"]
    assert reconciliation.driver.payment(payment_id).refunds.refunded == 0


def test_the_window_covers_five_weeks_once_a_day(reconciliation):
    reconciliation.paid()
    reconciliation.wait(-MINUTE)  # so that the second window includes the payment on a slow machine too
    looked_at = []
    for more in (0, 0, 0, 22, 0, 23, 0):
        reconciliation.wait(more * HOUR)
        hourly(reconciliation)
        newest = reconciliation.driver.get("/admin/reconciliations?limit=1", staff()).json["items"][0]
        looked_at.append(newest["looked_at"]["payment_intents"])
    assert looked_at == [1, 1, 0, 1, 0, 1, 0]


def test_a_follow_up_that_cannot_be_checked_is_left_to_staff_once(reconciliation, monkeypatch):
    published_without_effect(reconciliation)
    assert [hourly(reconciliation), hourly(reconciliation)] == [[("order_unpaid", "say_again", None)]] * 2

    def gone(_: str) -> None:
        raise StripeRefused("resource_missing", "No such payment_intent")

    monkeypatch.setattr(stripe_lists, "intent", gone)
    found = [hourly(reconciliation) for _ in range(3)]
    assert sorted(found[0]) == [("order_unpaid", "say_again", False), ("unreadable", None, False)]
    assert found[1:] == [[], []]
