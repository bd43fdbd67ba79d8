"""What differs from Stripe is found, put right, and audited; what nobody can explain is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payments.domain.payments import Status
from payments.service import settling
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
    before = books.driver.held(payment_id)
    report = books.compare()
    assert (report["status"], report["findings"], report["unexplained"]) == ("finished", [], 0)
    assert report["looked_at"] == {"payment_intents": 1, "refunds": 0, "disputes": 0}
    assert books.driver.held(payment_id) == before
    assert books.orders_hear() == []


def test_money_that_came_in_unheard_is_booked_and_said(books):
    payment_id = books.paid_unheard()
    assert books.finds() == [("paid_unknown", "settle", True)]
    assert books.driver.held(payment_id).captured == 2000
    assert "payment.succeeded" in books.orders_hear()
    assert books.finds() == NOTHING


def test_a_finding_says_what_was_expected_where(books):
    payment_id = books.paid_unheard()
    books.wait()
    [finding] = books.compare()["findings"]
    assert finding == {
        "kind": "paid_unknown",
        "payment_id": payment_id,
        "order_id": "ord_1",
        "provider_id": books.driver.held(payment_id).provider_id,
        "expected": "succeeded, 2000 GBP captured",
        "found": "requires_payment, 0 GBP captured",
        "repair": "settle",
        "repaired": True,
    }


def test_what_happened_a_moment_ago_is_left_to_its_webhook(books):
    books.paid_unheard()
    assert books.compare()["findings"] == []
    assert books.finds() == [("paid_unknown", "settle", True)]


def test_a_payment_that_seems_to_process_for_ever_is_looked_at(books):
    books.driver.order()
    held = books.driver.held(books.driver.pay().json["payment_id"])
    assert payments.write(held, replace(held, status=Status.PROCESSING), clock.now())
    assert books.finds() == [("stuck_processing", "settle", True)]
    assert books.driver.held(held.payment_id).status is Status.REQUIRES_PAYMENT
    assert books.finds() == NOTHING


def test_an_order_that_never_heard_of_its_payment_is_told_again(books):
    payment_id = books.paid_unheard()
    books._turn()
    assert "payment.succeeded" in books.driver.said()  # and orders lost it
    assert books.finds() == [("order_unpaid", "say_again", None)], "whether they hear it, a later look sees"
    assert books.orders_hear() == ["payment.succeeded"]
    assert books.driver.orders["ord_1"].status == "paid"
    assert books.driver.held(payment_id).captured == 2000
    assert books.finds() == [("order_unpaid", "say_again", True)]
    assert books.finds() == NOTHING


def test_news_that_were_said_again_in_vain_are_left_to_a_person(books):
    books.paid_unheard()
    books._turn()
    books.driver.said()
    for _ in range(3):
        assert books.finds() == [("order_unpaid", "say_again", None)]
        assert books.driver.said() == ["payment.succeeded"]
    assert books.finds() == [("order_unpaid", None, False)]
    assert books.driver.said() == ["payment.unreconciled"]


def test_of_two_payments_for_an_order_the_one_that_is_not_its_own_is_told_again_until_it_is_back(books):
    payment_id = books.paid()
    books.paid_by["ord_1"] = "pay_another"
    assert books.finds() == [("two_payments", "say_again", None)]
    assert books.orders_hear() == ["payment.succeeded"]

    books.driver.hear(books.driver.refund(payment_id, 2000, key=f"{payment_id}:late"))
    books._turn()
    assert books.driver.held(payment_id).refunded == 2000
    assert books.finds() == [("two_payments", "say_again", True)]
    assert books.finds() == NOTHING


def test_money_for_an_order_that_had_ended_is_told_again_until_it_is_back(books):
    payment_id = books.paid_unheard()
    books.driver.end(OrderExpired)
    books._turn()
    books.driver.said()
    assert books.finds() == [("late_money", "say_again", None)]
    books.driver.hear(books.driver.refund(payment_id, 2000))
    assert books.finds() == [("late_money", "say_again", True)]
    assert books.finds() == NOTHING


def test_money_of_a_cancelled_order_whose_refund_was_lost_is_left_to_a_person(books):
    payment_id = books.paid()
    cancelled = books.driver.end(OrderCancelled)
    assert books.finds() == [("late_money", "cancel", None)], "its end may be on its way: it is heard now"
    assert books.finds() == [("late_money", None, False)]
    books.driver.hear(cancelled, books.driver.refund(payment_id, 2000))
    books._turn()
    books.orders_hear()
    assert books.finds() == NOTHING


def test_a_refund_made_at_stripe_is_written_down_and_said(books):
    payment_id = books.paid()
    intent_id = books.driver.held(payment_id).provider_id
    books.driver.stripe.refunds.create({"payment_intent": intent_id, "amount": 500})
    assert books.finds() == [("refunded_elsewhere", "settle", True)]
    assert books.driver.held(payment_id).refunded == 500
    assert [each.amount for each in refunds.refunds_of(payment_id)] == [500]
    assert books.orders_hear() == ["payment.refunded"]
    assert books.finds() == NOTHING


def test_a_refund_that_stands_otherwise_at_stripe_is_followed(books):
    payment_id = books.paid()
    books.driver.hear(books.driver.refund(payment_id, 700))
    books._turn()
    books.orders_hear()
    [refund] = refunds.refunds_of(payment_id)
    books.driver.dynamodb.update_item(
        TableName=ENVIRONMENT["PAYMENTS_TABLE"],
        Key={"pk": {"S": f"payment#{payment_id}"}, "sk": {"S": refund.refund_id}},
        UpdateExpression="SET #s = :pending",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":pending": {"S": "pending"}},
    )
    assert books.finds() == [("refund_differs", "settle", True)]
    assert [each.status for each in refunds.refunds_of(payment_id)] == [refund.status]
    assert books.finds() == NOTHING


def test_an_order_that_never_heard_of_a_refund_is_told_again(books):
    payment_id = books.paid()
    books.driver.hear(books.driver.refund(payment_id, 700))
    books._turn()
    books.driver.said()  # and orders lost it
    assert books.finds() == [("given_back_differs", "say_again", None)]
    assert books.orders_hear() == ["payment.succeeded"]  # with all sums, and no second letter
    assert books.refunded["ord_1"] == 700
    assert books.finds() == [("given_back_differs", "say_again", True)]
    assert books.finds() == NOTHING


def test_a_dispute_that_was_decided_unheard_is_followed(books):
    payment_id = books.paid(card="pm_card_createDispute")
    [dispute] = books.driver.held(payment_id).disputes
    assert books.finds() == NOTHING
    books.driver.stripe.disputes.close(dispute.dispute_id)
    assert books.finds() == [("dispute_differs", "settle", True)]
    [lost] = books.driver.held(payment_id).disputes
    assert lost.status == "lost"
    assert books.finds() == NOTHING


def test_a_dispute_that_nobody_here_heard_of_is_written_down(books):
    payment_id = books.paid_unheard(card="pm_card_createDispute")
    assert books.finds() == [("paid_unknown", "settle", True)]
    assert len(books.driver.held(payment_id).disputes) == 1


def test_an_intent_of_an_order_that_ended_unheard_is_cancelled(books):
    books.driver.order()
    opened = books.driver.pay().json
    books.driver.end(OrderExpired)
    books.wait(timedelta(minutes=27))
    assert books.finds() == NOTHING  # the order ended three minutes ago: the news are on their way
    assert books.finds() == [("never_heard", "cancel", True)]
    assert books.driver.stripe.payment_intents.retrieve(opened["provider_id"]).status == "canceled"
    assert books.driver.status(opened["payment_id"]) == "cancelled"
    assert books.finds() == NOTHING


def test_an_intent_that_stayed_open_though_its_payment_is_over_is_cancelled(books):
    books.driver.order()
    held = books.driver.held(books.driver.pay().json["payment_id"])
    assert payments.write(held, replace(held, status=Status.CANCELLED, unwanted=True), clock.now())
    assert books.finds() == [("never_heard", "cancel", True)]
    assert books.driver.stripe.payment_intents.retrieve(held.provider_id).status == "canceled"
    assert books.finds() == NOTHING


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
    [said] = books.driver.facts()
    assert said["type"] == "payment.unreconciled"
    assert said["data"] == {
        "reconciliation_id": report["reconciliation_id"],
        "unexplained": 1,
        "summary": f"1 foreign: {made.id}",
    }
    assert '"Unreconciled":[1.0]' in capsys.readouterr().out.replace(" ", "")

    books.driver.stripe.refunds.create({"payment_intent": made.id})
    assert books.finds() == NOTHING


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
    books.paid_unheard()
    monkeypatch.setattr(settling, "settle", lambda payment_id, now, **about: None)
    assert books.finds() == [("paid_unknown", "settle", False)]


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
    odd, other = books.paid_unheard("ord_1"), books.paid_unheard("ord_2")
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
