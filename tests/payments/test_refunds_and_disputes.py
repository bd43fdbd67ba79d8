"""Refunds by staff, failed refunds, disputes, and the ledger of all of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from payments.domain import refunds
from payments.domain.ledger import balances, expected
from payments.stripe_gateway import refunds as stripe_refunds
from shared.contracts.events import PaymentRefundFailed, read_event
from shared.values.ids import derived_id
from tests.payments.payments_driver import gbp
from tests.support import customer, staff


def paid(driver, card="pm_card_visa"):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], card)
    assert "payment.succeeded" in driver.deliver_all()
    return opened["payment_id"], opened["provider_id"]


def at_stripe(driver, provider_id):
    return [each.amount for each in driver.stripe.refunds.list({"payment_intent": provider_id}).data]


def assert_ledger_balances(driver, payment_id):
    held, entries = driver.payment(payment_id), driver.ledger(payment_id)
    assert balances(entries) == expected(held)
    assert all(sum(line.amount for line in entry.lines) == 0 for entry in entries)


# Refunds by staff


def test_staff_refund_a_part_and_then_the_rest(driver):
    payment_id, provider_id = paid(driver)
    made = driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"}, reason="scratched")
    assert (made.status, made.json["status"]) == (201, "succeeded")
    assert (made.json["amount"], made.json["reason"]) == ({"amount": 700, "currency": "GBP"}, "scratched")
    assert driver.create_refund(payment_id).json["amount"]["amount"] == 1300, "the remaining amount"
    assert sorted(at_stripe(driver, provider_id)) == [700, 1300]
    assert driver.status(payment_id) == "refunded"
    assert sorted(each["amount"]["amount"] for each in driver.refunds(payment_id)) == [700, 1300]
    assert_ledger_balances(driver, payment_id)


def test_a_refund_that_is_too_large_is_409_with_the_refundable_amount(driver):
    payment_id, _ = paid(driver)
    driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"})
    refused = driver.create_refund(payment_id, amount={"amount": 1301, "currency": "GBP"})
    assert (refused.status, refused.json["type"]) == (409, "/problems/refund-too-large")
    assert refused.json["left"] == {"amount": 1300, "currency": "GBP"}
    assert driver.create_refund("pay_none").status == 404


@pytest.mark.parametrize("door", ["refunds", "capture"])
@pytest.mark.parametrize(
    ("amount", "pointer"),
    [
        ({"amount": 0, "currency": "GBP"}, "/amount/amount"),
        ({"amount": -1, "currency": "GBP"}, "/amount/amount"),
        ({"amount": 1, "currency": "EUR"}, "/amount/currency"),
    ],
)
def test_zero_negative_and_foreign_amounts_are_invalid(driver, door, amount, pointer):
    payment_id, _ = paid(driver)
    refused = driver.staff_post(door, payment_id, {"amount": amount})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_refunds_are_listed_in_the_order_of_their_creation(driver):
    payment_id, provider_id = paid(driver)
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


def test_refunds_with_older_digest_ids_are_found(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    due = driver.refund_due(payment_id, 700)
    with monkeypatch.context() as before:
        before.setattr(refunds, "new_id", lambda payment_id, key, _: derived_id("ref", payment_id, key))
        driver.receive(due)
        driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 500})
        driver.deliver_all()
    driver.receive(due)
    driver.advance(minutes=1)
    driver.sweep_later()
    assert sorted(at_stripe(driver, provider_id)) == [500, 700]
    assert sorted(each["amount"]["amount"] for each in driver.refunds(payment_id)) == [500, 700]


def test_only_staff_refund_and_capture_and_each_request_needs_a_key(driver):
    payment_id, _ = paid(driver)
    assert driver.get(f"/payments/{payment_id}/refunds", customer()).status == 403
    assert driver.get(f"/payments/{payment_id}/ledger", customer()).status == 403
    assert driver.get("/payments/pay_none/ledger", staff()).status == 404
    assert driver.staff_post("refunds", payment_id, {}, who=customer()).status == 403
    assert driver.staff_post("refunds", payment_id, {}, headers={}).status == 400
    assert driver.staff_post("capture", payment_id, {}, headers={}).status == 400


def test_a_repeated_refund_request_after_a_crash_refunds_once(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    real = stripe_refunds.create_refund

    def dies_after(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(stripe_refunds, "create_refund", dies_after)
        with pytest.raises(SystemExit):
            driver.create_refund(payment_id, key="k", amount={"amount": 700, "currency": "GBP"})
    again = driver.create_refund(payment_id, key="k", amount={"amount": 700, "currency": "GBP"})
    assert (again.status, again.json["status"]) == (201, "succeeded")
    assert at_stripe(driver, provider_id) == [700]


def test_concurrent_staff_refunds_never_exceed_the_captured_amount(driver):
    payment_id, provider_id = paid(driver)
    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(
                lambda _: driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"}),
                range(6),
            )
        )
    assert {response.status for response in responses} <= {201, 409, 503}
    driver.sweep_later()
    assert sum(at_stripe(driver, provider_id)) <= 2000
    assert at_stripe(driver, provider_id) == [700] * len(at_stripe(driver, provider_id))
    held = driver.payment(payment_id)
    assert (held.refunds.refunded, held.refunds.pending) == (sum(at_stripe(driver, provider_id)), 0)
    assert_ledger_balances(driver, payment_id)


def test_the_sweeper_sends_a_refund_that_stripe_did_not_receive(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    driver.break_stripe(path="/v1/refunds", method="POST", times=9, status=503)
    assert driver.create_refund(payment_id).status == 503
    driver.repair_stripe()
    [waiting] = driver.refunds(payment_id)
    assert waiting["status"] == "requested"
    assert driver.sweep() == [], "the retry delay is not over"
    driver.advance(minutes=6)
    assert driver.sweep() == ["payment.refunded"]
    assert at_stripe(driver, provider_id) == [2000]
    assert driver.sweep() == []


# Failed refunds


def test_a_refund_that_fails_later_is_published_and_can_be_repeated(driver):
    payment_id, _ = paid(driver, "pm_card_refundFail")
    driver.receive(driver.refund_due(payment_id, 700))
    assert driver.deliver_all() == ["payment.refunded"]
    driver.control_stripe("advance", seconds=60)
    for event in driver.new_events():
        driver.post_event(event)
    driver.forward_inbox()
    driver.apply_without_relay()
    [published] = [read_event(event) for event in driver.published_events()]
    assert isinstance(published, PaymentRefundFailed)
    assert (published.data.failed_refund_amount, published.data.refunded) == (gbp(700), gbp(0))
    held = driver.payment(payment_id)
    assert (held.status, held.refunds.refunded, held.refunds.reserved) == ("succeeded", 0, 0)
    assert [each["status"] for each in driver.refunds(payment_id)] == ["failed"]
    assert driver.deliver_all() == []
    assert_ledger_balances(driver, payment_id)
    driver.receive(driver.refund_due(payment_id, 700, "again"))
    assert driver.payment(payment_id).refunds.refunded == 700


def test_a_pending_refund_counts_as_refunded(driver):
    payment_id, _ = paid(driver, "pm_card_pendingRefund")
    assert driver.create_refund(payment_id).json["status"] == "pending"
    assert driver.status(payment_id) == "refunded"
    driver.control_stripe("advance", seconds=60)
    driver.deliver_all()
    assert [each["status"] for each in driver.refunds(payment_id)] == ["succeeded"]


def test_refunds_created_in_stripe_are_listed(driver):
    payment_id, provider_id = paid(driver)
    driver.create_refund(payment_id, amount={"amount": 100, "currency": "GBP"})
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    driver.deliver_all()
    seen = {each["amount"]["amount"]: each["reason"] for each in driver.refunds(payment_id)}
    assert seen == {100: "requested_by_staff", 300: "created_in_stripe"}
    assert driver.payment(payment_id).refunds.reserved == 400


# Chargebacks


def disputed(driver, card="pm_card_createDispute"):
    payment_id, provider_id = paid(driver, card)
    driver.deliver_all()
    [dispute] = driver.stripe.disputes.list({"payment_intent": provider_id}).data
    return payment_id, dispute.id


def decide(driver, dispute_id, evidence):
    driver.stripe.disputes.update(dispute_id, {"evidence": {"uncategorized_text": evidence}})
    return driver.deliver_all()


def test_refunds_wait_for_a_chargeback_and_are_sent_when_it_is_won(driver):
    payment_id, dispute_id = disputed(driver)
    held = driver.payment(payment_id)
    assert (held.status, held.disputes.withheld) == ("disputed", 2000)
    refused = driver.create_refund(payment_id)
    assert (refused.status, refused.json["type"]) == (409, "/problems/payment-disputed")
    driver.receive(driver.refund_due(payment_id, 700))
    assert [each["status"] for each in driver.refunds(payment_id)] == ["requested"]
    published = decide(driver, dispute_id, "winning_evidence")
    assert (published.count("payment.refunded"), "payment.disputed" in published) == (1, True)
    held = driver.payment(payment_id)
    assert (held.status, held.refunds.refunded, held.disputes.withheld, held.disputes.lost) == (
        "partially_refunded",
        700,
        0,
        0,
    )
    assert_ledger_balances(driver, payment_id)


def test_a_lost_chargeback_fails_the_waiting_refunds(driver):
    payment_id, dispute_id = disputed(driver)
    driver.receive(driver.refund_due(payment_id, 2000))
    published = decide(driver, dispute_id, "losing_evidence")
    assert "payment.refund_failed" not in published, "the shopper has it from the bank"
    held = driver.payment(payment_id)
    assert (held.status, held.refunds.refunded, held.disputes.lost, held.refunds.reserved) == (
        "disputed",
        0,
        2000,
        0,
    )
    assert [each["status"] for each in driver.refunds(payment_id)] == ["failed"]
    assert driver.create_refund(payment_id).json["left"] == {"amount": 0, "currency": "GBP"}
    assert_ledger_balances(driver, payment_id)


def test_an_unanswered_dispute_is_published_again_before_its_evidence_is_due(driver):
    disputed(driver)
    driver.advance(days=5, hours=22)
    assert driver.sweep() == []
    driver.advance(hours=4)
    assert driver.sweep() == ["payment.disputed"]
    driver.advance(hours=1)
    assert driver.sweep() == []


def test_an_answered_dispute_is_not_published_again(driver):
    _, dispute_id = disputed(driver)
    driver.stripe.disputes.update(dispute_id, {"evidence": {"uncategorized_text": "it arrived"}})
    driver.deliver_all()
    driver.advance(days=6, hours=2)
    assert driver.sweep() == []


def test_an_inquiry_changes_nothing(driver):
    payment_id, _ = disputed(driver, "pm_card_createDisputeInquiry")
    held = driver.payment(payment_id)
    assert (held.status, held.disputes.withheld, held.disputes.any_open) == ("succeeded", 0, False)
    assert driver.create_refund(payment_id).status == 201


def test_each_change_of_a_dispute_is_published_once_under_its_id(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], "pm_card_createDispute")
    for event in driver.new_events():
        driver.post_event(event)
    driver.forward_inbox()
    driver.apply_without_relay()
    published = [event for event in driver.published_events() if event["type"] == "payment.disputed"]
    assert [(event["subject"], event["data"]["status"]) for event in published] == [
        (published[0]["data"]["dispute_id"], "needs_response")
    ]
    assert published[0]["data"]["withheld"] == {"amount": 2000, "currency": "GBP"}
    assert driver.deliver_all() == []


def test_a_review_is_published_when_it_opens_and_when_it_closes(driver):
    payment_id, provider_id = paid(driver)
    driver.control_stripe("review", payment_intent=provider_id)
    assert driver.deliver_all() == ["payment.reviewed"]
    driver.control_stripe("review", payment_intent=provider_id, outcome="approved")
    assert driver.deliver_all() == ["payment.reviewed"]
    assert driver.payment(payment_id).review == "approved"


# The ledger


def test_staff_read_the_ledger(driver):
    payment_id, _ = paid(driver)
    driver.create_refund(payment_id, amount={"amount": 700, "currency": "GBP"})
    page = driver.get(f"/payments/{payment_id}/ledger", staff()).json
    assert [entry["kind"] for entry in page["items"]] == ["captured", "refunded"]
    assert [(line["account"], line["amount"]["amount"]) for line in page["items"][1]["lines"]] == [
        ("refunds", 700),
        ("stripe", -700),
    ]
    half = driver.get(f"/payments/{payment_id}/ledger?limit=1", staff()).json
    rest = driver.get(f"/payments/{payment_id}/ledger?cursor={half['next_cursor']}", staff()).json
    assert half["items"] + rest["items"] == page["items"]
