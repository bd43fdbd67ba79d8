"""Disputes and reviews."""

import urllib.error

import pytest
import stripe

DAY = 24 * 3600


def rejected(call):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def disputed(shop, card="pm_card_createDispute"):
    """Return a payment and its dispute."""
    paid = shop.paid(card=card)
    (dispute,) = shop.v1.disputes.list({"payment_intent": paid.id}).data
    return paid, dispute


def evidence(text, **more):
    return {"evidence": {"uncategorized_text": text}, **more}


def balance(shop):
    return sum(each.net for each in shop.v1.balance_transactions.list({"limit": 100}).data)


def test_a_chargeback_withdraws_the_funds_at_once(shop):
    paid, dispute = disputed(shop)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 2000)
    assert (dispute.is_charge_refundable, dispute.evidence_details.past_due) == (False, False)
    assert dispute.evidence_details.due_by == pytest.approx(dispute.created + 9 * DAY, abs=2)
    (taken,) = dispute.balance_transactions
    assert (taken.amount, taken.reporting_category, taken.source) == (-2000, "dispute", dispute.id)
    assert balance(shop) == 0
    charge = shop.v1.charges.retrieve(paid.latest_charge)
    assert (charge.disputed, charge.refunded) == (True, False)
    assert shop.event_types()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    error = rejected(lambda: shop.v1.refunds.create({"payment_intent": paid.id}))
    assert error.code == "charge_disputed"


def test_a_won_chargeback_reinstates_the_funds(shop):
    paid, dispute = disputed(shop)
    won = shop.v1.disputes.update(dispute.id, evidence("winning_evidence"))
    assert (won.status, won.evidence_details.submission_count) == ("won", 1)
    assert [each.amount for each in won.balance_transactions] == [-2000, 2000]
    assert balance(shop) == 2000
    assert shop.event_types()[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert shop.v1.charges.retrieve(paid.latest_charge).disputed is True
    assert shop.v1.refunds.create({"payment_intent": paid.id}).status == "succeeded"


@pytest.mark.parametrize("how", ["evidence", "close"])
def test_a_lost_chargeback_does_not_reinstate_the_funds(shop, how):
    paid, dispute = disputed(shop)
    if how == "close":
        lost = shop.v1.disputes.close(dispute.id)
    else:
        lost = shop.v1.disputes.update(dispute.id, evidence("losing_evidence"))
    assert (lost.status, balance(shop)) == ("lost", 0)
    assert shop.event_types()[-1] == "charge.dispute.closed"
    rejected(lambda: shop.v1.refunds.create({"payment_intent": paid.id}))
    assert rejected(lambda: shop.v1.disputes.close(dispute.id)).code == "dispute_already_closed"


def test_evidence_is_staged_then_submitted_once(shop):
    _, dispute = disputed(shop)
    staged = shop.v1.disputes.update(dispute.id, evidence("It was sent.", submit=False))
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    submitted = shop.v1.disputes.update(dispute.id, evidence("It was sent, here is how."))
    assert (submitted.status, submitted.evidence_details.submission_count) == ("under_review", 1)
    rejected(lambda: shop.v1.disputes.update(dispute.id, evidence("And again.")))
    shop.control("advance", seconds=30 * DAY)
    assert shop.v1.disputes.retrieve(dispute.id).status == "under_review"


def test_a_chargeback_without_evidence_is_past_due_and_then_lost(shop):
    _, dispute = disputed(shop)
    shop.control("advance", seconds=9 * DAY + 60)
    late = shop.v1.disputes.retrieve(dispute.id)
    assert (late.status, late.evidence_details.past_due) == ("needs_response", True)
    assert shop.event_types()[-1] == "charge.dispute.updated"
    rejected(lambda: shop.v1.disputes.update(dispute.id, evidence("winning_evidence")))
    shop.control("advance", seconds=DAY)
    assert shop.v1.disputes.retrieve(dispute.id).status == "lost"
    assert shop.event_types()[-1] == "charge.dispute.closed"
    assert balance(shop) == 0


def test_advancing_past_all_deadlines_loses_a_dispute_at_once(shop):
    _, dispute = disputed(shop)
    shop.control("advance", seconds=11 * DAY)
    lost = shop.v1.disputes.retrieve(dispute.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


def test_a_failing_timer_does_not_block_the_others(shop, local):
    _, dispute = disputed(shop)
    local.emulator.store.rows(
        "INSERT INTO timers (due_at, action, target) VALUES (0, 'finish_refund', ?)", "re_broken"
    )
    broken = {"id": "re_broken", "object": "refund", "status": "pending", "_fails": True, "charge": "ch_gone"}
    local.emulator.store.put({**broken, "balance_transaction": None})
    shop.control("advance", seconds=11 * DAY)
    assert shop.v1.disputes.retrieve(dispute.id).status == "lost"


def test_an_inquiry_takes_nothing_and_lets_refund(shop):
    paid, inquiry = disputed(shop, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert (inquiry.balance_transactions, balance(shop)) == ([], 2000)
    assert inquiry.payment_method_details.card.case_type == "inquiry"
    shop.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    assert shop.v1.disputes.retrieve(inquiry.id).status == "warning_needs_response"
    shop.v1.refunds.create({"payment_intent": paid.id})
    assert shop.v1.disputes.retrieve(inquiry.id).status == "warning_closed"


def test_an_inquiry_without_evidence_is_closed_after_120_days(shop):
    _, inquiry = disputed(shop, "pm_card_createDisputeInquiry")
    shop.control("advance", seconds=100 * DAY)
    open_ = shop.v1.disputes.retrieve(inquiry.id)
    assert (open_.status, open_.evidence_details.past_due) == ("warning_needs_response", True)
    shop.control("advance", seconds=21 * DAY)
    assert shop.v1.disputes.retrieve(inquiry.id).status == "warning_closed"
    assert balance(shop) == 2000


def test_an_inquiry_can_become_a_chargeback(shop):
    paid, inquiry = disputed(shop, "pm_card_createDisputeInquiry")
    shop.control("advance", seconds=8 * DAY)
    grown = shop.control("dispute", payment_intent=paid.id, status="needs_response")
    assert (grown["id"], grown["status"]) == (inquiry.id, "needs_response")
    assert (grown["is_charge_refundable"], balance(shop)) == (False, 0)
    assert shop.event_types()[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    shop.control("advance", seconds=8 * DAY)  # past the inquiry's deadline, but not the chargeback's
    assert shop.v1.disputes.retrieve(inquiry.id).evidence_details.past_due is False
    shop.control("advance", seconds=3 * DAY)
    assert shop.v1.disputes.retrieve(inquiry.id).status == "lost"


def test_the_control_plane_opens_and_decides_a_dispute(shop):
    paid = shop.paid()
    opened = shop.control("dispute", payment_intent=paid.id, reason="duplicate", amount=500)
    assert (opened["status"], opened["reason"], opened["amount"]) == ("needs_response", "duplicate", 500)
    assert balance(shop) == 1500
    review = shop.control("dispute", payment_intent=paid.id, status="under_review")
    assert (review["id"], review["status"]) == (opened["id"], "under_review")
    assert shop.control("dispute", payment_intent=paid.id, status="won")["status"] == "won"
    assert balance(shop) == 2000
    again = shop.control("dispute", payment_intent=paid.id, status="lost")
    assert (again["status"], again["id"] == opened["id"]) == ("lost", False)
    inquiry = shop.control("dispute", payment_intent=shop.paid().id, status="warning_needs_response")
    assert inquiry["status"] == "warning_needs_response"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("dispute", {"status": "lost"}),
        ("dispute", {"status": "angry"}),
        ("dispute", {"amount": 2001}),
        ("dispute", {"mood": "bad"}),
        ("review", {"outcome": "approved"}),
        ("review", {"outcome": "unsure"}),
        ("refund", {"refund": "re_absent"}),
    ],
)
def test_invalid_decisions_are_rejected(shop, action, body):
    paid = shop.paid()
    if body == {"status": "lost"}:
        shop.v1.refunds.create({"payment_intent": paid.id})  # nothing can be disputed
    named = {} if action == "refund" else {"payment_intent": paid.id}
    with pytest.raises(urllib.error.HTTPError) as caught:
        shop.control(action, **named, **body)
    caught.value.close()
    assert caught.value.code in (400, 404)


def test_a_pending_refund_fails_when_its_charge_is_disputed(shop):
    paid = shop.paid(card="pm_card_pendingRefund")
    refund = shop.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    shop.control("dispute", payment_intent=paid.id)
    failed = shop.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
    assert failed.failure_balance_transaction is None
    assert shop.v1.charges.retrieve(paid.latest_charge).amount_refunded == 0


def test_a_card_with_elevated_risk_opens_a_review(shop):
    paid = shop.paid(card="pm_card_riskLevelElevated", expand=["review", "latest_charge"])
    assert (paid.status, paid.review.open, paid.review.reason) == ("succeeded", True, "rule")
    assert paid.latest_charge.review == paid.review.id
    assert paid.latest_charge.outcome.risk_level == "elevated"
    assert "review.opened" in shop.event_types()
    assert [each.id for each in shop.v1.reviews.list().data] == [paid.review.id]
    approved = shop.v1.reviews.approve(paid.review.id)
    assert (approved.open, approved.closed_reason, approved.reason) == (False, "approved", "approved")
    assert shop.event_types()[-1] == "review.closed"
    assert shop.v1.reviews.list().data == []
    rejected(lambda: shop.v1.reviews.approve(paid.review.id))


def test_the_control_plane_opens_and_closes_a_review(shop):
    paid = shop.paid()
    opened = shop.control("review", payment_intent=paid.id)
    assert shop.control("review", payment_intent=paid.id)["id"] == opened["id"]
    assert shop.v1.payment_intents.retrieve(paid.id).review == opened["id"]
    decided = shop.control("review", payment_intent=paid.id, outcome="refunded_as_fraud")
    assert (decided["open"], decided["closed_reason"]) == (False, "refunded_as_fraud")
    assert shop.v1.refunds.list({"payment_intent": paid.id}).data[0].reason == "fraudulent"


def test_a_review_closes_when_its_payment_ends(shop):
    def closed_reason(card="pm_card_visa", **more):
        intent = shop.paid(card=card, **more)
        review = shop.control("review", payment_intent=intent.id)
        return intent, lambda: shop.v1.reviews.retrieve(review["id"]).closed_reason

    intent, reason = closed_reason()
    shop.v1.refunds.create({"payment_intent": intent.id})
    assert reason() == "refunded"
    intent, reason = closed_reason()
    shop.control("dispute", payment_intent=intent.id)
    assert reason() == "disputed"
    intent, reason = closed_reason(capture_method="manual")
    shop.v1.payment_intents.cancel(intent.id)
    assert reason() == "canceled"
