"""Differences from Stripe: found, repaired, recorded, and published if nothing explains them."""

from dataclasses import replace
from datetime import timedelta

from payments.domain.payments import Status
from payments.service import syncing
from payments.tables import payments, refunds
from shared.contracts.events.orders import OrderCancelled, OrderExpired
from shared.runtime import clock
from tests.log_lines import metrics
from tests.support import ENVIRONMENT

NO_DIFFERENCES: list[tuple[str, str | None, bool | None]] = []


def test_no_difference_is_found_if_everything_agrees(driver, reconciliation):
    payment_id = reconciliation.pay()
    reconciliation.wait()
    before = driver.payment(payment_id)
    report = reconciliation.run()
    assert (report["status"], report["findings"], report["unexplained"]) == ("finished", [], 0)
    assert report["looked_at"] == {"payment_intents": 1, "refunds": 0, "disputes": 0}
    assert driver.payment(payment_id) == before
    assert reconciliation.deliver_to_orders() == []


def test_a_payment_without_webhooks_is_recorded_and_published(driver, reconciliation):
    payment_id = reconciliation.pay_without_webhooks()
    assert reconciliation.run_later() == [("paid_unknown", "settle", True)]
    assert driver.payment(payment_id).captures.captured == 2000
    assert "payment.succeeded" in reconciliation.deliver_to_orders()
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_finding_states_what_was_expected_and_what_was_found(driver, reconciliation):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.wait()
    [finding] = reconciliation.run()["findings"]
    assert finding == {
        "kind": "paid_unknown",
        "payment_id": payment_id,
        "order_id": "ord_1",
        "provider_id": driver.payment(payment_id).stripe.intent_id,
        "expected": "succeeded, 2000 GBP captured",
        "found": "requires_payment, 0 GBP captured",
        "repair": "settle",
        "repaired": True,
    }


def test_a_recent_change_is_left_to_its_webhook(reconciliation):
    reconciliation.pay_without_webhooks()
    assert reconciliation.run()["findings"] == []
    assert reconciliation.run_later() == [("paid_unknown", "settle", True)]


def test_a_payment_that_stays_in_processing_is_synced(driver, reconciliation):
    driver.order()
    payment = driver.payment(driver.pay().json["payment_id"])
    assert payments.write(payment, replace(payment, status=Status.PROCESSING), clock.now())
    assert reconciliation.run_later() == [("stuck_processing", "settle", True)]
    assert driver.payment(payment.payment_id).status is Status.REQUIRES_PAYMENT
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_payment_that_its_order_missed_is_published_again(driver, reconciliation):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.deliver_webhooks()
    assert "payment.succeeded" in driver.published_types()  # and orders does not receive it
    assert reconciliation.run_later() == [("order_unpaid", "say_again", None)], (
        "a later run checks if orders received it"
    )
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]
    assert driver.orders["ord_1"].status == "paid"
    assert driver.payment(payment_id).captures.captured == 2000
    assert reconciliation.run_later() == [("order_unpaid", "say_again", True)]
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_difference_is_left_to_staff_after_three_repeated_events(driver, reconciliation):
    reconciliation.pay_without_webhooks()
    reconciliation.deliver_webhooks()
    driver.published_types()
    for _ in range(3):
        assert reconciliation.run_later() == [("order_unpaid", "say_again", None)]
        assert driver.published_types() == ["payment.succeeded"]
    assert reconciliation.run_later() == [("order_unpaid", None, False)]
    assert driver.published_types() == ["payment.unreconciled"]


def test_a_second_payment_is_published_again_until_it_is_refunded(driver, reconciliation):
    payment_id = reconciliation.pay()
    reconciliation.paid_by["ord_1"] = "pay_another"
    assert reconciliation.run_later() == [("two_payments", "say_again", None)]
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]

    driver.receive(driver.refund_due(payment_id, 2000, key=f"{payment_id}:late"))
    reconciliation.deliver_webhooks()
    assert driver.payment(payment_id).refunds.refunded == 2000
    assert reconciliation.run_later() == [("two_payments", "say_again", True)]
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_late_payment_is_published_again_until_it_is_refunded(driver, reconciliation):
    payment_id = reconciliation.pay_without_webhooks()
    driver.order_ended(OrderExpired)
    reconciliation.deliver_webhooks()
    driver.published_types()
    assert reconciliation.run_later() == [("late_money", "say_again", None)]
    driver.receive(driver.refund_due(payment_id, 2000))
    assert reconciliation.run_later() == [("late_money", "say_again", True)]
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_cancelled_order_without_a_refund_is_left_to_staff(driver, reconciliation):
    payment_id = reconciliation.pay()
    cancelled = driver.order_ended(OrderCancelled)
    assert reconciliation.run_later() == [("late_money", "cancel", None)], (
        "its cancellation may not have arrived, so the repair applies it"
    )
    assert reconciliation.run_later() == [("late_money", None, False)]
    driver.receive(cancelled, driver.refund_due(payment_id, 2000))
    reconciliation.deliver_webhooks()
    reconciliation.deliver_to_orders()
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_refund_created_in_stripe_is_recorded_and_published(driver, reconciliation):
    payment_id = reconciliation.pay()
    intent_id = driver.payment(payment_id).stripe.intent_id
    driver.stripe.refunds.create({"payment_intent": intent_id, "amount": 500})
    assert reconciliation.run_later() == [("refunded_elsewhere", "settle", True)]
    assert driver.payment(payment_id).refunds.refunded == 500
    assert [each.amount for each in refunds.refunds_of(payment_id)] == [500]
    assert reconciliation.deliver_to_orders() == ["payment.refunded"]
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_refund_with_another_status_at_stripe_is_synced(driver, reconciliation):
    payment_id = reconciliation.pay()
    driver.receive(driver.refund_due(payment_id, 700))
    reconciliation.deliver_webhooks()
    reconciliation.deliver_to_orders()
    [refund] = refunds.refunds_of(payment_id)
    driver.dynamodb.update_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"],
        Key={"pk": {"S": f"payment#{payment_id}"}, "sk": {"S": refund.refund_id}},
        UpdateExpression="SET #s = :pending",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":pending": {"S": "pending"}},
    )
    assert reconciliation.run_later() == [("refund_differs", "settle", True)]
    assert [each.status for each in refunds.refunds_of(payment_id)] == [refund.status]
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_refund_that_its_order_missed_is_published_again(driver, reconciliation):
    payment_id = reconciliation.pay()
    driver.receive(driver.refund_due(payment_id, 700))
    reconciliation.deliver_webhooks()
    driver.published_types()  # and orders does not receive it
    assert reconciliation.run_later() == [("given_back_differs", "say_again", None)]
    # The repeated event has all totals and causes no second email.
    assert reconciliation.deliver_to_orders() == ["payment.succeeded"]
    assert reconciliation.refunded["ord_1"] == 700
    assert reconciliation.run_later() == [("given_back_differs", "say_again", True)]
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_dispute_that_was_closed_without_a_webhook_is_synced(driver, reconciliation):
    payment_id = reconciliation.pay(card="pm_card_createDispute")
    [dispute] = driver.payment(payment_id).disputes.items
    assert reconciliation.run_later() == NO_DIFFERENCES
    driver.stripe.disputes.close(dispute.dispute_id)
    assert reconciliation.run_later() == [("dispute_differs", "settle", True)]
    [lost] = driver.payment(payment_id).disputes.items
    assert lost.status == "lost"
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_dispute_without_a_webhook_is_recorded(driver, reconciliation):
    payment_id = reconciliation.pay_without_webhooks(card="pm_card_createDispute")
    assert reconciliation.run_later() == [("paid_unknown", "settle", True)]
    assert len(driver.payment(payment_id).disputes.items) == 1


def test_an_open_intent_of_an_ended_order_is_cancelled(driver, reconciliation):
    driver.order()
    opened = driver.pay().json
    driver.order_ended(OrderExpired)
    reconciliation.wait(timedelta(minutes=27))
    assert reconciliation.run_later() == NO_DIFFERENCES, "the order ended only three minutes ago"
    assert reconciliation.run_later() == [("never_heard", "cancel", True)]
    assert driver.stripe.payment_intents.retrieve(opened["provider_id"]).status == "canceled"
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_an_open_intent_of_a_cancelled_payment_is_cancelled(driver, reconciliation):
    driver.order()
    payment = driver.payment(driver.pay().json["payment_id"])
    cancelled = replace(payment, status=Status.CANCELLED, cancel_requested=True)
    assert payments.write(payment, cancelled, clock.now())
    assert reconciliation.run_later() == [("never_heard", "cancel", True)]
    assert driver.stripe.payment_intents.retrieve(payment.stripe.intent_id).status == "canceled"
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_money_in_a_foreign_intent_is_reported_and_not_changed(driver, reconciliation, capsys):
    intent = driver.stripe.payment_intents.create(
        {
            "amount": 1234,
            "currency": "gbp",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    reconciliation.wait()
    report = reconciliation.run()
    assert (report["differences"], report["repaired"], report["unexplained"]) == (1, 0, 1)
    [finding] = report["findings"]
    assert (finding["kind"], finding["provider_id"]) == ("foreign", intent.id)
    assert (finding["expected"], finding["repair"], finding["repaired"]) == ("1234 GBP received", None, False)
    [event] = driver.published_events()
    assert event["type"] == "payment.unreconciled"
    assert event["data"] == {
        "reconciliation_id": report["reconciliation_id"],
        "unexplained": 1,
        "differences": [{"kind": "foreign", "count": 1, "ids": [intent.id]}],
    }
    assert metrics(capsys)["Unreconciled"] == 1

    driver.stripe.refunds.create({"payment_intent": intent.id})
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_ledger_that_does_not_match_its_payment_is_reported(driver, reconciliation):
    payment_id = reconciliation.pay()
    entries = [key for key in driver.rows("PAYMENTS_TABLE") if "ledger#" in key]
    assert len(entries) == 1
    pk, sk = entries[0].split("ledger#")
    driver.dynamodb.delete_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"], Key={"pk": {"S": pk}, "sk": {"S": f"ledger#{sk}"}}
    )
    reconciliation.wait()
    report = reconciliation.run()
    [finding] = report["findings"]
    assert (finding["kind"], finding["payment_id"], finding["repaired"]) == (
        "ledger_differs",
        payment_id,
        False,
    )
    assert finding["expected"] == "stripe 2000, sales -2000"
    assert finding["found"] == "stripe 0, sales 0"


def test_a_repair_without_effect_is_reported_as_failed(reconciliation, monkeypatch):
    reconciliation.pay_without_webhooks()
    monkeypatch.setattr(syncing, "sync_from_stripe", lambda payment_id, now, **options: None)
    assert reconciliation.run_later() == [("paid_unknown", "settle", False)]


def test_an_unknown_order_is_reported(driver, reconciliation):
    reconciliation.pay()
    del driver.orders["ord_1"]
    reconciliation.wait()
    [finding] = reconciliation.run()["findings"]
    assert (finding["kind"], finding["found"], finding["repaired"]) == (
        "unreadable",
        "The order does not exist.",
        False,
    )


def test_an_unreadable_payment_does_not_block_the_others(reconciliation, monkeypatch):
    unreadable = reconciliation.pay_without_webhooks("ord_1")
    other = reconciliation.pay_without_webhooks("ord_2")
    read = payments.payment

    def fail_for_one(payment_id):
        if payment_id == unreadable and reconciliation.slices:
            raise ValueError("unreadable")
        return read(payment_id)

    monkeypatch.setattr(payments, "payment", fail_for_one)
    reconciliation.wait()
    report = reconciliation.run()
    found = {each["payment_id"]: (each["kind"], each["repaired"]) for each in report["findings"]}
    assert found == {unreadable: ("unreadable", False), other: ("paid_unknown", True)}
