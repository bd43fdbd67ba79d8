"""Refunds by staff, failed refunds, disputes, reviews, and the ledger."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from payments.domain import refunds
from payments.stripe_gateway import refunds as stripe_refunds
from shared.contracts.events.payments import PaymentRefundFailed
from shared.contracts.events.published import read_event
from shared.values.ids import derived_id
from tests.payments.payments_driver import gbp
from tests.payments.samples import assert_ledger_matches, paid_payment, refund_amounts
from tests.support import customer, staff

# Refunds by staff


def test_staff_can_refund_a_part_and_then_the_remainder(driver):
    payment_id, provider_id = paid_payment(driver)
    part = driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"}, reason="scratched")
    assert (part.status, part.json["status"]) == (201, "succeeded")
    assert (part.json["amount"], part.json["reason"]) == ({"amount": 700, "currency": "GBP"}, "scratched")
    assert driver.create_refund(payment_id).json["amount"]["amount"] == 1300, "the remaining amount"
    assert sorted(refund_amounts(driver, provider_id)) == [700, 1300]
    assert driver.status(payment_id) == "refunded"
    assert sorted(each["amount"]["amount"] for each in driver.refunds(payment_id)) == [700, 1300]
    assert_ledger_matches(driver, payment_id)


def test_a_refund_above_the_remaining_amount_is_rejected_with_that_amount(driver):
    payment_id, _ = paid_payment(driver)
    driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"})
    rejected = driver.create_refund(payment_id, amount={"amount": 1301, "currency": "GBP"})
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/refund-too-large")
    assert rejected.json["left"] == {"amount": 1300, "currency": "GBP"}
    assert driver.create_refund("pay_none").status == 404


@pytest.mark.parametrize("action", ["refunds", "capture"])
@pytest.mark.parametrize(
    ("amount", "pointer"),
    [
        ({"amount": 0, "currency": "GBP"}, "/amount/amount"),
        ({"amount": -1, "currency": "GBP"}, "/amount/amount"),
        ({"amount": 1, "currency": "EUR"}, "/amount/currency"),
    ],
)
def test_zero_negative_and_foreign_amounts_are_invalid(driver, action, amount, pointer):
    payment_id, _ = paid_payment(driver)
    rejected = driver.staff_post(action, payment_id, {"amount": amount})
    assert (rejected.status, rejected.json["errors"][0]["pointer"]) == (422, pointer)


def test_refunds_are_listed_in_the_order_of_their_creation(driver):
    payment_id, provider_id = paid_payment(driver)
    for number in range(1, 8):
        if number % 2:
            driver.create_refund(payment_id, amount={"amount": number, "currency": "GBP"})
        else:
            driver.stripe.refunds.create({"payment_intent": provider_id, "amount": number})
            driver.deliver_all()
        driver.advance(seconds=1)
    listed = driver.refunds(payment_id)
    assert [each["amount"]["amount"] for each in listed] == [1, 2, 3, 4, 5, 6, 7]
    assert [each["refund_id"] for each in listed] == sorted(each["refund_id"] for each in listed)


def test_refunds_with_derived_ids_are_recognized(driver, monkeypatch):
    payment_id, provider_id = paid_payment(driver)
    due = driver.refund_due(payment_id, 700)
    with monkeypatch.context() as patch:
        patch.setattr(refunds, "new_id", lambda payment_id, key, _: derived_id("ref", payment_id, key))
        driver.receive(due)
        driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 500})
        driver.deliver_all()
    driver.receive(due)
    driver.advance(minutes=1)
    driver.sweep_later()
    assert sorted(refund_amounts(driver, provider_id)) == [500, 700]
    assert sorted(each["amount"]["amount"] for each in driver.refunds(payment_id)) == [500, 700]


def test_only_staff_can_move_money_and_each_request_needs_a_key(driver):
    payment_id, _ = paid_payment(driver)
    assert driver.get(f"/payments/{payment_id}/refunds", customer()).status == 403
    assert driver.get(f"/payments/{payment_id}/ledger", customer()).status == 403
    assert driver.get("/payments/pay_none/ledger", staff()).status == 404
    assert driver.staff_post("refunds", payment_id, {}, caller=customer()).status == 403
    assert driver.staff_post("refunds", payment_id, {}, headers={}).status == 400
    assert driver.staff_post("capture", payment_id, {}, headers={}).status == 400


def test_a_repeated_request_after_a_crash_refunds_once(driver, monkeypatch):
    payment_id, provider_id = paid_payment(driver)
    real = stripe_refunds.create_refund

    def refund_then_die(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(stripe_refunds, "create_refund", refund_then_die)
        with pytest.raises(SystemExit):
            driver.create_refund(payment_id, key="k", amount={"amount": 700, "currency": "GBP"})
    again = driver.create_refund(payment_id, key="k", amount={"amount": 700, "currency": "GBP"})
    assert (again.status, again.json["status"]) == (201, "succeeded")
    assert refund_amounts(driver, provider_id) == [700]


def test_concurrent_refunds_by_staff_never_exceed_the_captured_amount(driver):
    payment_id, provider_id = paid_payment(driver)
    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(
                lambda _: driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"}),
                range(6),
            )
        )
    assert {response.status for response in responses} <= {201, 409, 503}
    driver.sweep_later()
    assert sum(refund_amounts(driver, provider_id)) <= 2000
    assert refund_amounts(driver, provider_id) == [700] * len(refund_amounts(driver, provider_id))
    payment = driver.payment(payment_id)
    assert (payment.refunds.refunded, payment.refunds.pending) == (
        sum(refund_amounts(driver, provider_id)),
        0,
    )
    assert_ledger_matches(driver, payment_id)


def test_the_sweeper_sends_a_refund_that_did_not_reach_stripe(driver, monkeypatch):
    payment_id, provider_id = paid_payment(driver)
    driver.break_stripe(path="/v1/refunds", method="POST", times=9, status=503)
    assert driver.create_refund(payment_id).status == 503
    driver.repair_stripe()
    [refund] = driver.refunds(payment_id)
    assert refund["status"] == "requested"
    assert driver.sweep() == [], "the retry delay is not over"
    driver.advance(minutes=6)
    assert driver.sweep() == ["payment.refunded"]
    assert refund_amounts(driver, provider_id) == [2000]
    assert driver.sweep() == []


# Failed and pending refunds


def test_a_refund_that_fails_later_is_published_and_can_be_repeated(driver):
    payment_id, _ = paid_payment(driver, "pm_card_refundFail")
    driver.receive(driver.refund_due(payment_id, 700))
    assert driver.deliver_all() == ["payment.refunded"]
    driver.control_stripe("advance", seconds=60)
    for each in driver.new_events():
        driver.post_event(each)
    driver.apply_without_relay()
    [event] = [read_event(each) for each in driver.published_events()]
    assert isinstance(event, PaymentRefundFailed)
    assert (event.data.failed_refund_amount, event.data.refunded) == (gbp(700), gbp(0))
    payment = driver.payment(payment_id)
    assert (payment.status, payment.refunds.refunded, payment.refunds.reserved) == ("succeeded", 0, 0)
    assert [each["status"] for each in driver.refunds(payment_id)] == ["failed"]
    assert driver.deliver_all() == []
    assert_ledger_matches(driver, payment_id)
    driver.receive(driver.refund_due(payment_id, 700, "again"))
    assert driver.payment(payment_id).refunds.refunded == 700


def test_a_pending_refund_counts_as_refunded_until_it_succeeds(driver):
    payment_id, _ = paid_payment(driver, "pm_card_pendingRefund")
    assert driver.create_refund(payment_id).json["status"] == "pending"
    assert driver.status(payment_id) == "refunded"
    driver.control_stripe("advance", seconds=60)
    driver.deliver_all()
    assert [each["status"] for each in driver.refunds(payment_id)] == ["succeeded"]


def test_refunds_created_in_stripe_are_listed(driver):
    payment_id, provider_id = paid_payment(driver)
    driver.create_refund(payment_id, amount={"amount": 100, "currency": "GBP"})
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    driver.deliver_all()
    seen = {each["amount"]["amount"]: each["reason"] for each in driver.refunds(payment_id)}
    assert seen == {100: "requested_by_staff", 300: "created_in_stripe"}
    assert driver.payment(payment_id).refunds.reserved == 400


# Disputes


def disputed(driver, card="pm_card_createDispute"):
    payment_id, provider_id = paid_payment(driver, card)
    driver.deliver_all()
    [dispute] = driver.stripe.disputes.list({"payment_intent": provider_id}).data
    return payment_id, dispute.id


def decide(driver, dispute_id, evidence):
    driver.stripe.disputes.update(dispute_id, {"evidence": {"uncategorized_text": evidence}})
    return driver.deliver_all()


def test_a_chargeback_delays_refunds_and_they_are_made_when_it_is_won(driver):
    payment_id, dispute_id = disputed(driver)
    payment = driver.payment(payment_id)
    assert (payment.status, payment.disputes.withheld) == ("disputed", 2000)
    rejected = driver.create_refund(payment_id)
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/payment-disputed")
    driver.receive(driver.refund_due(payment_id, 700))
    assert [each["status"] for each in driver.refunds(payment_id)] == ["requested"]
    types = decide(driver, dispute_id, "winning_evidence")
    assert (types.count("payment.refunded"), "payment.disputed" in types) == (1, True)
    payment = driver.payment(payment_id)
    assert (payment.status, payment.refunds.refunded, payment.disputes.withheld, payment.disputes.lost) == (
        "partially_refunded",
        700,
        0,
        0,
    )
    assert_ledger_matches(driver, payment_id)


def test_a_lost_chargeback_replaces_the_refund(driver):
    payment_id, dispute_id = disputed(driver)
    driver.receive(driver.refund_due(payment_id, 2000))
    types = decide(driver, dispute_id, "losing_evidence")
    assert "payment.refund_failed" not in types, "the bank has returned the money"
    payment = driver.payment(payment_id)
    assert (payment.status, payment.refunds.refunded, payment.disputes.lost, payment.refunds.reserved) == (
        "disputed",
        0,
        2000,
        0,
    )
    assert [each["status"] for each in driver.refunds(payment_id)] == ["failed"]
    assert driver.create_refund(payment_id).json["left"] == {"amount": 0, "currency": "GBP"}
    assert_ledger_matches(driver, payment_id)


def test_an_unanswered_dispute_is_published_again_before_its_deadline(driver):
    disputed(driver)
    driver.advance(days=5, hours=22)
    assert driver.sweep() == []
    driver.advance(hours=4)
    assert driver.sweep() == ["payment.disputed"]
    driver.advance(hours=1)
    assert driver.sweep() == []


def test_an_answered_dispute_is_not_published_again(driver):
    _, dispute_id = disputed(driver)
    driver.stripe.disputes.update(dispute_id, {"evidence": {"uncategorized_text": "The goods arrived."}})
    driver.deliver_all()
    driver.advance(days=6, hours=2)
    assert driver.sweep() == []


def test_an_inquiry_does_not_change_the_payment(driver):
    payment_id, _ = disputed(driver, "pm_card_createDisputeInquiry")
    payment = driver.payment(payment_id)
    assert (payment.status, payment.disputes.withheld, payment.disputes.any_open) == ("succeeded", 0, False)
    assert driver.create_refund(payment_id).status == 201


def test_each_change_of_a_dispute_is_published_once_with_its_id(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], "pm_card_createDispute")
    for each in driver.new_events():
        driver.post_event(each)
    driver.apply_without_relay()
    events = [event for event in driver.published_events() if event["type"] == "payment.disputed"]
    assert [(event["subject"], event["data"]["status"]) for event in events] == [
        (events[0]["data"]["dispute_id"], "needs_response")
    ]
    assert events[0]["data"]["withheld"] == {"amount": 2000, "currency": "GBP"}
    assert driver.deliver_all() == []


def test_a_review_is_published_when_it_opens_and_when_it_closes(driver):
    payment_id, provider_id = paid_payment(driver)
    driver.control_stripe("review", payment_intent=provider_id)
    assert driver.deliver_all() == ["payment.reviewed"]
    driver.control_stripe("review", payment_intent=provider_id, outcome="approved")
    assert driver.deliver_all() == ["payment.reviewed"]
    assert driver.payment(payment_id).review == "approved"


# The ledger


def test_staff_can_read_the_ledger(driver):
    payment_id, _ = paid_payment(driver)
    driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"})
    page = driver.get(f"/payments/{payment_id}/ledger", staff()).json
    assert [entry["kind"] for entry in page["items"]] == ["captured", "refunded"]
    assert [(line["account"], line["amount"]["amount"]) for line in page["items"][1]["lines"]] == [
        ("refunds", 700),
        ("stripe", -700),
    ]
    first = driver.get(f"/payments/{payment_id}/ledger?limit=1", staff()).json
    rest = driver.get(f"/payments/{payment_id}/ledger?cursor={first['next_cursor']}", staff()).json
    assert first["items"] + rest["items"] == page["items"]
