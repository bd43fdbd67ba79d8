"""Follow-ups: requested repairs that later reconciliations check until staff must act."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payments import stripe_lists
from payments.app import reconcile
from payments.service import syncing
from payments.stripe_gateway import StripeRefused
from shared.contracts.events.orders import OrderCancelled, OrderExpired
from shared.runtime import clock
from tests.payments.reconciliation_driver import ReconciliationDriver
from tests.payments.test_reconciliation_slices import Crash
from tests.support import Context, staff

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Findings = list[tuple[str, str | None, bool | None]]


def hourly(reconciliation: ReconciliationDriver) -> Findings:
    """Run the scheduled reconciliation an hour later; return its findings."""
    reconciliation.wait(HOUR)
    reconcile.reconcile({"id": "hourly"}, Context())
    reconciliation.run_slices()
    newest = reconciliation.driver.get("/admin/reconciliations?limit=1", staff()).json["items"][0]
    assert newest["status"] == "finished", newest["reason"]
    findings = reconciliation.report(newest["reconciliation_id"])["findings"]
    return [(each["kind"], each["repair"], each["repaired"]) for each in findings]


def pay_with_lost_events(reconciliation: ReconciliationDriver) -> str:
    """Pay an order that receives none of the events; return the payment's id."""
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.deliver_webhooks()
    reconciliation.driver.published_types()
    return payment_id


def test_a_lost_event_is_left_to_staff_after_three_hourly_repairs(driver, reconciliation):
    pay_with_lost_events(reconciliation)
    found = []
    for _ in range(5):
        found.append(hourly(reconciliation))
        driver.published_types()
    pending = [("order_unpaid", "say_again", None)]
    assert found == [pending, pending, pending, [("order_unpaid", None, False)], []]


def test_an_unexplained_difference_is_published(driver, reconciliation):
    pay_with_lost_events(reconciliation)
    published = []
    for _ in range(4):
        hourly(reconciliation)
        published += driver.published_types()
    assert published == [*["payment.succeeded"] * 3, "payment.unreconciled"]


def test_a_difference_is_repaired_when_orders_receives_the_event_late(driver, reconciliation):
    pay_with_lost_events(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    driver.published_types()
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]
    assert hourly(reconciliation) == [("order_unpaid", "say_again", True)]
    assert hourly(reconciliation) == []


def test_a_follow_up_is_checked_whatever_the_next_window_is(reconciliation):
    pay_with_lost_events(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.deliver_to_orders()
    reconciliation.wait(9 * HOUR)
    report = reconciliation.run(since=clock.now() - MINUTE)
    assert report["looked_at"] == {"payment_intents": 0, "refunds": 0, "disputes": 0, "asked": 1}
    assert [each["repaired"] for each in report["findings"]] == [True]
    assert (report["differences"], report["repaired"], report["unexplained"]) == (1, 1, 0)


def test_a_recently_changed_payment_is_checked_by_a_later_run(reconciliation):
    payment_id = pay_with_lost_events(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.deliver_to_orders()
    reconciliation.wait()
    syncing.change(payment_id, lambda payment: syncing.Change(replace(payment, review="open")), clock.now())
    assert reconciliation.run()["findings"] == []
    assert reconciliation.run_later() == [("order_unpaid", "say_again", True)]


def test_a_failed_or_crashed_run_keeps_the_follow_ups(driver, reconciliation, monkeypatch):
    pay_with_lost_events(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    reconciliation.deliver_to_orders()
    reconciliation.wait(HOUR)
    driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=1, status=429)
    assert reconciliation.run()["status"] == "failed"

    def crash(*arguments, **options):
        raise Crash

    reconciliation.wait()
    reconciliation.request()
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(stripe_lists, "intent", crash)
        reconciliation.run_slices()
    reconciliation.wait(HOUR)  # the crashed run counts as failed now
    assert hourly(reconciliation) == [("order_unpaid", "say_again", True)]


def test_another_difference_found_by_a_follow_up_is_reported(driver, reconciliation):
    pay_with_lost_events(reconciliation)
    assert hourly(reconciliation) == [("order_unpaid", "say_again", None)]
    del driver.orders["ord_1"]
    reconciliation.wait(3 * HOUR)
    found = hourly(reconciliation)
    assert ("order_unpaid", "say_again", False) in found
    assert ("unreadable", None, False) in found
    assert hourly(reconciliation) == []


def test_an_intent_that_cannot_be_cancelled_is_left_to_staff_after_three_tries(
    driver, reconciliation, monkeypatch
):
    driver.order()
    opened = driver.pay().json
    driver.order_ended(OrderExpired)
    with monkeypatch.context() as patch:
        patch.setattr(syncing, "_void", lambda payment, seen: seen)
        found = [hourly(reconciliation) for _ in range(4)]
    pending = [("never_heard", "cancel", None)]
    assert found == [pending, pending, pending, [("never_heard", "cancel", False)]]
    reconciliation.wait(timedelta(days=1))
    assert hourly(reconciliation) == [("never_heard", "cancel", True)]
    assert driver.status(opened["payment_id"]) == "cancelled"


@pytest.mark.parametrize("received", [True, False])
@pytest.mark.parametrize("cancelled_after", [40, 100, 600])
def test_the_money_of_a_cancelled_order_is_left_to_staff_within_a_day(
    driver, reconciliation, received, cancelled_after
):
    payment_id = reconciliation.pay()
    hourly(reconciliation)  # the first run; the events of orders are lost after it
    reconciliation.wait((cancelled_after - 60) * MINUTE if cancelled_after > 60 else -20 * MINUTE)
    cancelled = driver.order_ended(OrderCancelled)
    if received:
        driver.receive(cancelled)
    reconciliation.wait(25 * HOUR - cancelled_after * MINUTE)
    found: Findings = hourly(reconciliation) + hourly(reconciliation)
    assert found[-1] == ("late_money", None, False)
    assert driver.published_types() == ["payment.unreconciled"]
    assert driver.payment(payment_id).refunds.refunded == 0


def test_five_weeks_are_reconciled_once_a_day(driver, reconciliation):
    reconciliation.pay()
    reconciliation.wait(-MINUTE)  # the second window includes the payment even on a slow machine
    looked_at = []
    for hours in (0, 0, 0, 22, 0, 23, 0):
        reconciliation.wait(hours * HOUR)
        hourly(reconciliation)
        newest = driver.get("/admin/reconciliations?limit=1", staff()).json["items"][0]
        looked_at.append(newest["looked_at"]["payment_intents"])
    assert looked_at == [1, 1, 0, 1, 0, 1, 0]


def test_a_follow_up_that_cannot_be_read_is_left_to_staff_once(reconciliation, monkeypatch):
    pay_with_lost_events(reconciliation)
    assert [hourly(reconciliation), hourly(reconciliation)] == [[("order_unpaid", "say_again", None)]] * 2

    def refuse(_: str) -> None:
        raise StripeRefused("resource_missing", "No such payment_intent")

    monkeypatch.setattr(stripe_lists, "intent", refuse)
    found = [hourly(reconciliation) for _ in range(3)]
    assert sorted(found[0]) == [("order_unpaid", "say_again", False), ("unreadable", None, False)]
    assert found[1:] == [[], []]
