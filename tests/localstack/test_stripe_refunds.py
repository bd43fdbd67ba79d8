"""Refunds: amounts, pending refunds and failed refunds."""

import pytest
import stripe

GBP = {"amount": 2000, "currency": "gbp"}


def rejected(call):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def test_refunds_never_exceed_the_payment(shop):
    paid = shop.paid()
    refund = shop.v1.refunds.create
    assert refund({"payment_intent": paid.id, "amount": 700}).status == "succeeded"
    error = rejected(lambda: refund({"payment_intent": paid.id, "amount": 1301}))
    assert error.param == "amount"
    assert refund({"charge": paid.latest_charge}).amount == 1300
    error = rejected(lambda: refund({"payment_intent": paid.id}))
    assert error.code == "charge_already_refunded"
    charge = shop.v1.charges.retrieve(paid.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    assert [each.amount for each in charge.refunds.data] == [1300, 700]


def test_an_unpaid_intent_cannot_be_refunded(shop):
    intent = shop.v1.payment_intents.create(GBP)
    rejected(lambda: shop.v1.refunds.create({"payment_intent": intent.id}))
    rejected(lambda: shop.v1.refunds.create({}))


def test_a_charge_credits_the_balance_and_a_refund_debits_it(shop):
    paid = shop.paid(expand=["latest_charge.balance_transaction"])
    credit = paid.latest_charge.balance_transaction
    assert (credit.type, credit.amount, credit.net, credit.source) == (
        "charge",
        2000,
        2000,
        paid.latest_charge.id,
    )
    refund = shop.v1.refunds.create(
        {"payment_intent": paid.id, "amount": 700, "expand": ["balance_transaction"]}
    )
    debit = refund.balance_transaction
    assert (debit.type, debit.amount, debit.source) == ("refund", -700, refund.id)
    assert [each.id for each in shop.v1.balance_transactions.list().data] == [debit.id, credit.id]
    assert shop.v1.balance_transactions.list({"source": refund.id}).data[0].id == debit.id


def test_a_refund_can_be_pending(shop):
    paid = shop.paid(card="pm_card_pendingRefund")
    slow = shop.v1.refunds.create({"payment_intent": paid.id})
    assert (slow.status, slow.pending_reason, slow.balance_transaction) == ("pending", "processing", None)
    # A pending amount cannot be refunded again.
    error = rejected(lambda: shop.v1.refunds.create({"payment_intent": paid.id}))
    assert error.code == "charge_already_refunded"
    shop.control("advance", seconds=60)
    finished = shop.v1.refunds.retrieve(slow.id)
    assert (finished.status, finished.pending_reason) == ("succeeded", None)
    assert finished.balance_transaction is not None
    assert shop.event_types()[-2:] == ["refund.updated", "charge.refund.updated"]


def test_a_succeeded_refund_can_fail_later(shop):
    paid = shop.paid(card="pm_card_refundFail")
    refund = shop.v1.refunds.create({"payment_intent": paid.id})
    assert (refund.status, refund.failure_reason) == ("succeeded", None)
    charge = shop.v1.charges.retrieve(paid.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    shop.control("advance", seconds=60)
    failed = shop.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert failed.failure_balance_transaction.amount == 2000
    assert failed.failure_balance_transaction.type == "refund_failure"
    charge = shop.v1.charges.retrieve(paid.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert shop.event_types()[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]
    (event,) = shop.v1.events.list({"type": "charge.refund.updated"}).data
    assert event.data.previous_attributes.to_dict() == {
        "failure_balance_transaction": None,
        "failure_reason": None,
        "status": "succeeded",
    }
    assert shop.v1.refunds.create({"payment_intent": paid.id}).amount == 2000


@pytest.mark.parametrize(
    ("card", "body", "status", "reason"),
    [
        ("pm_card_visa", {"failure_reason": "declined"}, "failed", "declined"),
        ("pm_card_pendingRefund", {}, "failed", "unknown"),
        ("pm_card_pendingRefund", {"status": "canceled"}, "canceled", "merchant_request"),
        ("pm_card_pendingRefund", {"status": "succeeded"}, "succeeded", None),
    ],
)
def test_the_control_plane_decides_a_refund(shop, card, body, status, reason):
    paid = shop.paid(card=card)
    refund = shop.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    decided = shop.control("refund", refund=refund.id, **body)
    assert (decided["status"], decided["failure_reason"]) == (status, reason)
    charge = shop.v1.charges.retrieve(paid.latest_charge)
    assert charge.amount_refunded == (500 if status == "succeeded" else 0)
    moved = [each.amount for each in shop.v1.balance_transactions.list().data]
    assert sum(moved) == 2000 - charge.amount_refunded
    shop.control("advance", seconds=60)
    assert shop.v1.refunds.retrieve(refund.id).status == status
