"""What differs from Stripe is found, put right, and audited; what nobody can explain is told."""

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
def books(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


def test_where_all_agrees_nothing_is_found(books):
    payment_id = books.paid()
    books.wait()
    before = books.driver.payment(payment_id)
    report = books.compare()
    assert (report["status"], report["findings"], report["unexplained"]) == ("finished", [], 0)
    assert report["looked_at"] == {"payment_intents": 1, "refunds": 0, "disputes": 0}
    assert books.driver.payment(payment_id) == before
    assert books.deliver_to_orders() == []


def test_money_that_came_in_unheard_is_booked_and_said(books):
    payment_id = books.paid_unnoticed()
    assert books.find() == [("paid_unknown", "settle", True)]
    assert books.driver.payment(payment_id).captures.captured == 2000
    assert "payment.succeeded" in books.deliver_to_orders()
    assert books.find() == NOTHING


def test_a_finding_says_what_was_expected_where(books):
    payment_id = books.paid_unnoticed()
    books.wait()
    [finding] = books.compare()["findings"]
    assert finding == {
        "kind": "paid_unknown",
        "payment_id": payment_id,
        "order_id": "ord_1",
        "provider_id": books.driver.payment(payment_id).stripe.intent_id,
        "expected": "succeeded, 2000 GBP captured",
        "found": "requires_payment, 0 GBP captured",
        "repair": "settle",
        "repaired": True,
    }


def test_what_happened_a_moment_ago_is_left_to_its_webhook(books):
    books.paid_unnoticed()
    assert books.compare()["findings"] == []
    assert books.find() == [("paid_unknown", "settle", True)]


def test_a_payment_that_seems_to_process_for_ever_is_looked_at(books):
    books.driver.order()
    held = books.driver.payment(books.driver.pay().json["payment_id"])
    assert payments.write(held, replace(held, status=Status.PROCESSING), clock.now())
    assert books.find() == [("stuck_processing", "settle", True)]
    assert books.driver.payment(held.payment_id).status is Status.REQUIRES_PAYMENT
    assert books.find() == NOTHING


def test_an_order_that_never_heard_of_its_payment_is_told_again(books):
    payment_id = books.paid_unnoticed()
    books._deliver_webhooks()
    assert "payment.succeeded" in books.driver.published_types()  # and orders lost it
    assert books.find() == [("order_unpaid", "say_again", None)], "whether they hear it, a later look sees"
    assert books.deliver_to_orders() == ["payment.succeeded"]
    assert books.driver.orders["ord_1"].status == "paid"
    assert books.driver.payment(payment_id).captures.captured == 2000
    assert books.find() == [("order_unpaid", "say_again", True)]
    assert books.find() == NOTHING


def test_news_that_were_said_again_in_vain_are_left_to_a_person(books):
    books.paid_unnoticed()
    books._deliver_webhooks()
    books.driver.published_types()
    for _ in range(3):
        assert books.find() == [("order_unpaid", "say_again", None)]
        assert books.driver.published_types() == ["payment.succeeded"]
    assert books.find() == [("order_unpaid", None, False)]
    assert books.driver.published_types() == ["payment.unreconciled"]


def test_of_two_payments_for_an_order_the_one_that_is_not_its_own_is_told_again_until_it_is_back(books):
    payment_id = books.paid()
    books.paid_by["ord_1"] = "pay_another"
    assert books.find() == [("two_payments", "say_again", None)]
    assert books.deliver_to_orders() == ["payment.succeeded"]

    books.driver.receive(books.driver.refund_due(payment_id, 2000, key=f"{payment_id}:late"))
    books._deliver_webhooks()
    assert books.driver.payment(payment_id).refunds.refunded == 2000
    assert books.find() == [("two_payments", "say_again", True)]
    assert books.find() == NOTHING


def test_money_for_an_order_that_had_ended_is_told_again_until_it_is_back(books):
    payment_id = books.paid_unnoticed()
    books.driver.order_ended(OrderExpired)
    books._deliver_webhooks()
    books.driver.published_types()
    assert books.find() == [("late_money", "say_again", None)]
    books.driver.receive(books.driver.refund_due(payment_id, 2000))
    assert books.find() == [("late_money", "say_again", True)]
    assert books.find() == NOTHING


def test_money_of_a_cancelled_order_whose_refund_was_lost_is_left_to_a_person(books):
    payment_id = books.paid()
    cancelled = books.driver.order_ended(OrderCancelled)
    assert books.find() == [("late_money", "cancel", None)], "its end may be on its way: it is heard now"
    assert books.find() == [("late_money", None, False)]
    books.driver.receive(cancelled, books.driver.refund_due(payment_id, 2000))
    books._deliver_webhooks()
    books.deliver_to_orders()
    assert books.find() == NOTHING


def test_a_refund_made_at_stripe_is_written_down_and_said(books):
    payment_id = books.paid()
    intent_id = books.driver.payment(payment_id).stripe.intent_id
    books.driver.stripe.refunds.create({"payment_intent": intent_id, "amount": 500})
    assert books.find() == [("refunded_elsewhere", "settle", True)]
    assert books.driver.payment(payment_id).refunds.refunded == 500
    assert [each.amount for each in refunds.refunds_of(payment_id)] == [500]
    assert books.deliver_to_orders() == ["payment.refunded"]
    assert books.find() == NOTHING


def test_a_refund_that_stands_otherwise_at_stripe_is_followed(books):
    payment_id = books.paid()
    books.driver.receive(books.driver.refund_due(payment_id, 700))
    books._deliver_webhooks()
    books.deliver_to_orders()
    [refund] = refunds.refunds_of(payment_id)
    books.driver.dynamodb.update_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"],
        Key={"pk": {"S": f"payment#{payment_id}"}, "sk": {"S": refund.refund_id}},
        UpdateExpression="SET #s = :pending",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":pending": {"S": "pending"}},
    )
    assert books.find() == [("refund_differs", "settle", True)]
    assert [each.status for each in refunds.refunds_of(payment_id)] == [refund.status]
    assert books.find() == NOTHING


def test_an_order_that_never_heard_of_a_refund_is_told_again(books):
    payment_id = books.paid()
    books.driver.receive(books.driver.refund_due(payment_id, 700))
    books._deliver_webhooks()
    books.driver.published_types()  # and orders lost it
    assert books.find() == [("given_back_differs", "say_again", None)]
    assert books.deliver_to_orders() == ["payment.succeeded"]  # with all sums, and no second letter
    assert books.refunded["ord_1"] == 700
    assert books.find() == [("given_back_differs", "say_again", True)]
    assert books.find() == NOTHING


def test_a_dispute_that_was_decided_unheard_is_followed(books):
    payment_id = books.paid(card="pm_card_createDispute")
    [dispute] = books.driver.payment(payment_id).disputes.items
    assert books.find() == NOTHING
    books.driver.stripe.disputes.close(dispute.dispute_id)
    assert books.find() == [("dispute_differs", "settle", True)]
    [lost] = books.driver.payment(payment_id).disputes.items
    assert lost.status == "lost"
    assert books.find() == NOTHING


def test_a_dispute_that_nobody_here_heard_of_is_written_down(books):
    payment_id = books.paid_unnoticed(card="pm_card_createDispute")
    assert books.find() == [("paid_unknown", "settle", True)]
    assert len(books.driver.payment(payment_id).disputes.items) == 1


def test_an_intent_of_an_order_that_ended_unheard_is_cancelled(books):
    books.driver.order()
    opened = books.driver.pay().json
    books.driver.order_ended(OrderExpired)
    books.wait(timedelta(minutes=27))
    assert books.find() == NOTHING  # the order ended three minutes ago: the news are on their way
    assert books.find() == [("never_heard", "cancel", True)]
    assert books.driver.stripe.payment_intents.retrieve(opened["provider_id"]).status == "canceled"
    assert books.driver.status(opened["payment_id"]) == "cancelled"
    assert books.find() == NOTHING


def test_an_intent_that_stayed_open_though_its_payment_is_over_is_cancelled(books):
    books.driver.order()
    held = books.driver.payment(books.driver.pay().json["payment_id"])
    assert payments.write(held, replace(held, status=Status.CANCELLED, cancel_requested=True), clock.now())
    assert books.find() == [("never_heard", "cancel", True)]
    assert books.driver.stripe.payment_intents.retrieve(held.stripe.intent_id).status == "canceled"
    assert books.find() == NOTHING


def test_money_in_an_intent_that_is_not_ours_is_told_and_left_alone(books, capsys):
    made = books.driver.stripe.payment_intents.create(
        {
            "amount": 1234,
            "currency": "gbp",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    books.wait()
    report = books.compare()
    assert (report["differences"], report["repaired"], report["unexplained"]) == (1, 0, 1)
    [finding] = report["findings"]
    assert (finding["kind"], finding["provider_id"]) == ("foreign", made.id)
    assert (finding["expected"], finding["repair"], finding["repaired"]) == ("1234 GBP received", None, False)
    [said] = books.driver.published_events()
    assert said["type"] == "payment.unreconciled"
    assert said["data"] == {
        "reconciliation_id": report["reconciliation_id"],
        "unexplained": 1,
        "summary": f"1 foreign: {made.id}",
    }
    assert '"Unreconciled":[1.0]' in capsys.readouterr().out.replace(" ", "")

    books.driver.stripe.refunds.create({"payment_intent": made.id})
    assert books.find() == NOTHING


def test_a_ledger_that_does_not_add_up_is_told(books):
    payment_id = books.paid()
    entries = [key for key in books.driver.rows("PAYMENTS_TABLE") if "ledger#" in key]
    assert len(entries) == 1
    pk, sk = entries[0].split("ledger#")
    books.driver.dynamodb.delete_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"], Key={"pk": {"S": pk}, "sk": {"S": f"ledger#{sk}"}}
    )
    books.wait()
    report = books.compare()
    [finding] = report["findings"]
    assert (finding["kind"], finding["payment_id"], finding["repaired"]) == (
        "ledger_differs",
        payment_id,
        False,
    )
    assert finding["expected"] == "stripe 2000, sales -2000"
    assert finding["found"] == "stripe 0, sales 0"


def test_a_repair_that_does_not_help_is_not_called_one(books, monkeypatch):
    books.paid_unnoticed()
    monkeypatch.setattr(syncing, "sync_from_stripe", lambda payment_id, now, **about: None)
    assert books.find() == [("paid_unknown", "settle", False)]


def test_an_order_that_nobody_knows_is_told(books):
    books.paid()
    del books.driver.orders["ord_1"]
    books.wait()
    [finding] = books.compare()["findings"]
    assert (finding["kind"], finding["found"], finding["repaired"]) == (
        "unreadable",
        "There is no such order.",
        False,
    )


def test_one_payment_that_cannot_be_compared_holds_up_no_other(books, monkeypatch):
    odd, other = books.paid_unnoticed("ord_1"), books.paid_unnoticed("ord_2")
    read = payments.payment

    def and_one_is_odd(payment_id):
        if payment_id == odd and books.slices:
            raise ValueError("odd")
        return read(payment_id)

    monkeypatch.setattr(payments, "payment", and_one_is_odd)
    books.wait()
    report = books.compare()
    found = {each["payment_id"]: (each["kind"], each["repaired"]) for each in report["findings"]}
    assert found == {odd: ("unreadable", False), other: ("paid_unknown", True)}
