"""The reconciler finds, repairs and reports differences from Stripe, and publishes the unexplained ones."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payments.domain.payments import Status
from payments.service import syncing
from payments.tables import payments, refunds
from shared.contracts.events import OrderCancelled, OrderExpired
from shared.runtime import clock
from tests.payments.reconciliation_driver import ReconciliationDriver
from tests.support import ENVIRONMENT

NOTHING: list[tuple[str, str | None, bool | None]] = []


@pytest.fixture
def reconciliation(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


def test_equal_states_have_no_findings(reconciliation):
    payment_id = reconciliation.paid()
    reconciliation.wait()
    before = reconciliation.driver.payment(payment_id)
    report = reconciliation.compare()
    assert (report["status"], report["findings"], report["unexplained"]) == ("finished", [], 0)
    assert report["looked_at"] == {"payment_intents": 1, "refunds": 0, "disputes": 0}
    assert reconciliation.driver.payment(payment_id) == before
    assert reconciliation.deliver_to_orders() == []


def test_an_unknown_success_is_recorded_and_published(reconciliation):
    payment_id = reconciliation.paid_unnoticed()
    assert reconciliation.find() == [("paid_unknown", "settle", True)]
    assert reconciliation.driver.payment(payment_id).captures.captured == 2000
    assert "payment.succeeded" in reconciliation.deliver_to_orders()
    assert reconciliation.find() == NOTHING


def test_a_finding_states_the_expected_and_the_found_state(reconciliation):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.wait()
    [finding] = reconciliation.compare()["findings"]
    assert finding == {
        "kind": "paid_unknown",
        "payment_id": payment_id,
        "order_id": "ord_1",
        "provider_id": reconciliation.driver.payment(payment_id).stripe.intent_id,
        "expected": "succeeded, 2000 GBP captured",
        "found": "requires_payment, 0 GBP captured",
        "repair": "settle",
        "repaired": True,
    }


def test_a_recent_change_is_left_to_its_webhook(reconciliation):
    reconciliation.paid_unnoticed()
    assert reconciliation.compare()["findings"] == []
    assert reconciliation.find() == [("paid_unknown", "settle", True)]


def test_a_payment_that_stays_in_processing_is_synchronized(reconciliation):
    reconciliation.driver.order()
    held = reconciliation.driver.payment(reconciliation.driver.pay().json["payment_id"])
    assert payments.write(held, replace(held, status=Status.PROCESSING), clock.now())
    assert reconciliation.find() == [("stuck_processing", "settle", True)]
    assert reconciliation.driver.payment(held.payment_id).status is Status.REQUIRES_PAYMENT
    assert reconciliation.find() == NOTHING


def test_events_are_published_again_for_an_unpaid_order(reconciliation):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation._deliver_webhooks()
    assert "payment.succeeded" in reconciliation.driver.published_types()  # and orders did not receive it
    assert reconciliation.find() == [("order_unpaid", "say_again", None)], "a later check shows the effect"
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]
    assert reconciliation.driver.orders["ord_1"].status == "paid"
    assert reconciliation.driver.payment(payment_id).captures.captured == 2000
    assert reconciliation.find() == [("order_unpaid", "say_again", True)]
    assert reconciliation.find() == NOTHING


def test_a_repeated_publication_without_effect_is_left_to_staff(reconciliation):
    reconciliation.paid_unnoticed()
    reconciliation._deliver_webhooks()
    reconciliation.driver.published_types()
    for _ in range(3):
        assert reconciliation.find() == [("order_unpaid", "say_again", None)]
        assert reconciliation.driver.published_types() == ["payment.succeeded"]
    assert reconciliation.find() == [("order_unpaid", None, False)]
    assert reconciliation.driver.published_types() == ["payment.unreconciled"]


def test_a_second_payment_of_an_order_is_published_until_it_is_refunded(reconciliation):
    payment_id = reconciliation.paid()
    reconciliation.paid_by["ord_1"] = "pay_another"
    assert reconciliation.find() == [("two_payments", "say_again", None)]
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]

    reconciliation.driver.receive(
        reconciliation.driver.refund_due(payment_id, 2000, key=f"{payment_id}:late")
    )
    reconciliation._deliver_webhooks()
    assert reconciliation.driver.payment(payment_id).refunds.refunded == 2000
    assert reconciliation.find() == [("two_payments", "say_again", True)]
    assert reconciliation.find() == NOTHING


def test_a_payment_of_an_ended_order_is_published_until_it_is_refunded(reconciliation):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.driver.order_ended(OrderExpired)
    reconciliation._deliver_webhooks()
    reconciliation.driver.published_types()
    assert reconciliation.find() == [("late_money", "say_again", None)]
    reconciliation.driver.receive(reconciliation.driver.refund_due(payment_id, 2000))
    assert reconciliation.find() == [("late_money", "say_again", True)]
    assert reconciliation.find() == NOTHING


def test_a_cancelled_order_with_a_lost_refund_is_left_to_staff(reconciliation):
    payment_id = reconciliation.paid()
    cancelled = reconciliation.driver.order_ended(OrderCancelled)
    assert reconciliation.find() == [("late_money", "cancel", None)], (
        "the end may be on its way; it is recorded now"
    )
    assert reconciliation.find() == [("late_money", None, False)]
    reconciliation.driver.receive(cancelled, reconciliation.driver.refund_due(payment_id, 2000))
    reconciliation._deliver_webhooks()
    reconciliation.deliver_to_orders()
    assert reconciliation.find() == NOTHING


def test_a_refund_created_in_stripe_is_recorded_and_published(reconciliation):
    payment_id = reconciliation.paid()
    intent_id = reconciliation.driver.payment(payment_id).stripe.intent_id
    reconciliation.driver.stripe.refunds.create({"payment_intent": intent_id, "amount": 500})
    assert reconciliation.find() == [("refunded_elsewhere", "settle", True)]
    assert reconciliation.driver.payment(payment_id).refunds.refunded == 500
    assert [each.amount for each in refunds.refunds_of(payment_id)] == [500]
    assert reconciliation.deliver_to_orders() == ["payment.refunded"]
    assert reconciliation.find() == NOTHING


def test_a_refund_with_another_status_is_synchronized(reconciliation):
    payment_id = reconciliation.paid()
    reconciliation.driver.receive(reconciliation.driver.refund_due(payment_id, 700))
    reconciliation._deliver_webhooks()
    reconciliation.deliver_to_orders()
    [refund] = refunds.refunds_of(payment_id)
    reconciliation.driver.dynamodb.update_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"],
        Key={"pk": {"S": f"payment#{payment_id}"}, "sk": {"S": refund.refund_id}},
        UpdateExpression="SET #s = :pending",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":pending": {"S": "pending"}},
    )
    assert reconciliation.find() == [("refund_differs", "settle", True)]
    assert [each.status for each in refunds.refunds_of(payment_id)] == [refund.status]
    assert reconciliation.find() == NOTHING


def test_events_are_published_again_for_an_unknown_refund(reconciliation):
    payment_id = reconciliation.paid()
    reconciliation.driver.receive(reconciliation.driver.refund_due(payment_id, 700))
    reconciliation._deliver_webhooks()
    reconciliation.driver.published_types()  # and orders did not receive it
    assert reconciliation.find() == [("given_back_differs", "say_again", None)]
    assert reconciliation.deliver_to_orders() == [
        "payment.succeeded"
    ]  # with all amounts, so that no second email is sent
    assert reconciliation.refunded["ord_1"] == 700
    assert reconciliation.find() == [("given_back_differs", "say_again", True)]
    assert reconciliation.find() == NOTHING


def test_a_dispute_with_another_status_is_synchronized(reconciliation):
    payment_id = reconciliation.paid(card="pm_card_createDispute")
    [dispute] = reconciliation.driver.payment(payment_id).disputes.items
    assert reconciliation.find() == NOTHING
    reconciliation.driver.stripe.disputes.close(dispute.dispute_id)
    assert reconciliation.find() == [("dispute_differs", "settle", True)]
    [lost] = reconciliation.driver.payment(payment_id).disputes.items
    assert lost.status == "lost"
    assert reconciliation.find() == NOTHING


def test_an_unknown_dispute_is_recorded(reconciliation):
    payment_id = reconciliation.paid_unnoticed(card="pm_card_createDispute")
    assert reconciliation.find() == [("paid_unknown", "settle", True)]
    assert len(reconciliation.driver.payment(payment_id).disputes.items) == 1


def test_an_open_intent_of_an_ended_order_is_cancelled(reconciliation):
    reconciliation.driver.order()
    opened = reconciliation.driver.pay().json
    reconciliation.driver.order_ended(OrderExpired)
    reconciliation.wait(timedelta(minutes=27))
    assert (
        reconciliation.find() == NOTHING
    )  # the order ended three minutes ago, so its event may be on its way
    assert reconciliation.find() == [("never_heard", "cancel", True)]
    assert reconciliation.driver.stripe.payment_intents.retrieve(opened["provider_id"]).status == "canceled"
    assert reconciliation.driver.status(opened["payment_id"]) == "cancelled"
    assert reconciliation.find() == NOTHING


def test_an_open_intent_of_an_ended_payment_is_cancelled(reconciliation):
    reconciliation.driver.order()
    held = reconciliation.driver.payment(reconciliation.driver.pay().json["payment_id"])
    assert payments.write(held, replace(held, status=Status.CANCELLED, cancel_requested=True), clock.now())
    assert reconciliation.find() == [("never_heard", "cancel", True)]
    assert reconciliation.driver.stripe.payment_intents.retrieve(held.stripe.intent_id).status == "canceled"
    assert reconciliation.find() == NOTHING


def test_a_foreign_intent_is_reported_and_not_changed(reconciliation, capsys):
    made = reconciliation.driver.stripe.payment_intents.create(
        {
            "amount": 1234,
            "currency": "gbp",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    reconciliation.wait()
    report = reconciliation.compare()
    assert (report["differences"], report["repaired"], report["unexplained"]) == (1, 0, 1)
    [finding] = report["findings"]
    assert (finding["kind"], finding["provider_id"]) == ("foreign", made.id)
    assert (finding["expected"], finding["repair"], finding["repaired"]) == ("1234 GBP received", None, False)
    [published] = reconciliation.driver.published_events()
    assert published["type"] == "payment.unreconciled"
    assert published["data"] == {
        "reconciliation_id": report["reconciliation_id"],
        "unexplained": 1,
        "summary": f"1 foreign: {made.id}",
    }
    assert '"Unreconciled":[1.0]' in capsys.readouterr().out.replace(" ", "")

    reconciliation.driver.stripe.refunds.create({"payment_intent": made.id})
    assert reconciliation.find() == NOTHING


def test_a_ledger_that_does_not_add_up_is_reported(reconciliation):
    payment_id = reconciliation.paid()
    entries = [key for key in reconciliation.driver.rows("PAYMENTS_TABLE") if "ledger#" in key]
    assert len(entries) == 1
    pk, sk = entries[0].split("ledger#")
    reconciliation.driver.dynamodb.delete_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"], Key={"pk": {"S": pk}, "sk": {"S": f"ledger#{sk}"}}
    )
    reconciliation.wait()
    report = reconciliation.compare()
    [finding] = report["findings"]
    assert (finding["kind"], finding["payment_id"], finding["repaired"]) == (
        "ledger_differs",
        payment_id,
        False,
    )
    assert finding["expected"] == "stripe 2000, sales -2000"
    assert finding["found"] == "stripe 0, sales 0"


def test_a_repair_without_effect_is_unexplained(reconciliation, monkeypatch):
    reconciliation.paid_unnoticed()
    monkeypatch.setattr(syncing, "sync_from_stripe", lambda payment_id, now, **about: None)
    assert reconciliation.find() == [("paid_unknown", "settle", False)]


def test_an_unknown_order_is_reported(reconciliation):
    reconciliation.paid()
    del reconciliation.driver.orders["ord_1"]
    reconciliation.wait()
    [finding] = reconciliation.compare()["findings"]
    assert (finding["kind"], finding["found"], finding["repaired"]) == (
        "unreadable",
        "There is no such order.",
        False,
    )


def test_a_payment_that_cannot_be_compared_blocks_no_other(reconciliation, monkeypatch):
    odd, other = reconciliation.paid_unnoticed("ord_1"), reconciliation.paid_unnoticed("ord_2")
    read = payments.payment

    def with_one_unreadable(payment_id):
        if payment_id == odd and reconciliation.slices:
            raise ValueError("odd")
        return read(payment_id)

    monkeypatch.setattr(payments, "payment", with_one_unreadable)
    reconciliation.wait()
    report = reconciliation.compare()
    found = {each["payment_id"]: (each["kind"], each["repaired"]) for each in report["findings"]}
    assert found == {odd: ("unreadable", False), other: ("paid_unknown", True)}
