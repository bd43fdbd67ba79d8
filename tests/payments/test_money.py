"""Money that staff move, refunds that fail, chargebacks, and the books of all of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from payments.domain import refunds
from payments.domain.ledger import balances, expected
from payments.stripe_gateway import refunds as stripe_refunds
from shared.events import PaymentRefundFailed, read_event
from shared.ids import derived_id
from tests.payments.till import gbp
from tests.support import customer, staff


def paid(till, card="pm_card_visa"):
    till.order()
    opened = till.pay().json
    till.card(opened["provider_id"], card)
    assert "payment.succeeded" in till.turn()
    return opened["payment_id"], opened["provider_id"]


def at_stripe(till, provider_id):
    return [each.amount for each in till.stripe.refunds.list({"payment_intent": provider_id}).data]


def assert_the_books_are_right(till, payment_id):
    held, entries = till.held(payment_id), till.ledger(payment_id)
    assert balances(entries) == expected(held)
    assert all(sum(line.amount for line in entry.lines) == 0 for entry in entries)


# Refunds that staff ask for


def test_staff_give_back_a_part_and_then_the_rest(till):
    payment_id, provider_id = paid(till)
    made = till.give_back(payment_id, amount={"amount": 700, "currency": "GBP"}, reason="scratched")
    assert (made.status, made.json["status"]) == (201, "succeeded")
    assert (made.json["amount"], made.json["reason"]) == ({"amount": 700, "currency": "GBP"}, "scratched")
    assert till.give_back(payment_id).json["amount"]["amount"] == 1300, "all that is left"
    assert sorted(at_stripe(till, provider_id)) == [700, 1300]
    assert till.status(payment_id) == "refunded"
    assert sorted(each["amount"]["amount"] for each in till.refunds(payment_id)) == [700, 1300]
    assert_the_books_are_right(till, payment_id)


def test_what_is_not_left_is_refused_with_what_is(till):
    payment_id, _ = paid(till)
    till.give_back(payment_id, amount={"amount": 700, "currency": "GBP"})
    refused = till.give_back(payment_id, amount={"amount": 1301, "currency": "GBP"})
    assert (refused.status, refused.json["type"]) == (409, "/problems/refund-too-large")
    assert refused.json["left"] == {"amount": 1300, "currency": "GBP"}
    assert till.give_back("pay_none").status == 404


@pytest.mark.parametrize("door", ["refunds", "capture"])
@pytest.mark.parametrize(
    ("amount", "pointer"),
    [
        ({"amount": 0, "currency": "GBP"}, "/amount/amount"),
        ({"amount": -1, "currency": "GBP"}, "/amount/amount"),
        ({"amount": 1, "currency": "EUR"}, "/amount/currency"),
    ],
)
def test_nothing_less_than_nothing_and_other_money_are_invalid(till, door, amount, pointer):
    payment_id, _ = paid(till)
    refused = till.money(door, payment_id, {"amount": amount})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_refunds_are_listed_in_the_order_in_which_they_were_made(till):
    payment_id, provider_id = paid(till)
    for number in range(1, 8):
        if number % 2:
            till.give_back(payment_id, amount={"amount": number, "currency": "GBP"})
        else:
            till.stripe.refunds.create({"payment_intent": provider_id, "amount": number})
            till.turn()
        till.later(seconds=1)
    listed = till.refunds(payment_id)
    assert [each["amount"]["amount"] for each in listed] == [1, 2, 3, 4, 5, 6, 7]
    assert [each["refund_id"] for each in listed] == sorted(each["refund_id"] for each in listed)


def test_refunds_whose_ids_are_digests_are_known_again(till, monkeypatch):
    payment_id, provider_id = paid(till)
    due = till.refund(payment_id, 700)
    with monkeypatch.context() as before:
        before.setattr(refunds, "new_id", lambda payment_id, key, _: derived_id("ref", payment_id, key))
        till.hear(due)
        till.stripe.refunds.create({"payment_intent": provider_id, "amount": 500})
        till.turn()
    till.hear(due)
    till.later(minutes=1)
    till.sweep_all()
    assert sorted(at_stripe(till, provider_id)) == [500, 700]
    assert sorted(each["amount"]["amount"] for each in till.refunds(payment_id)) == [500, 700]


def test_only_staff_move_money_and_each_request_has_its_key(till):
    payment_id, _ = paid(till)
    assert till.get(f"/payments/{payment_id}/refunds", customer()).status == 403
    assert till.get(f"/payments/{payment_id}/ledger", customer()).status == 403
    assert till.get("/payments/pay_none/ledger", staff()).status == 404
    assert till.money("refunds", payment_id, {}, who=customer()).status == 403
    assert till.money("refunds", payment_id, {}, headers={}).status == 400
    assert till.money("capture", payment_id, {}, headers={}).status == 400


def test_the_same_request_again_is_the_same_refund_even_where_its_answer_was_lost(till, monkeypatch):
    payment_id, provider_id = paid(till)
    real = stripe_refunds.give_back

    def dies_after(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(stripe_refunds, "give_back", dies_after)
        with pytest.raises(SystemExit):
            till.give_back(payment_id, key="k", amount={"amount": 700, "currency": "GBP"})
    again = till.give_back(payment_id, key="k", amount={"amount": 700, "currency": "GBP"})
    assert (again.status, again.json["status"]) == (201, "succeeded")
    assert at_stripe(till, provider_id) == [700]


def test_many_at_once_never_give_more_than_came_in(till):
    payment_id, provider_id = paid(till)
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda _: till.give_back(payment_id, amount={"amount": 700, "currency": "GBP"}), range(6)
            )
        )
    assert {answer.status for answer in answers} <= {201, 409, 503}
    till.sweep_all()
    assert sum(at_stripe(till, provider_id)) <= 2000
    assert at_stripe(till, provider_id) == [700] * len(at_stripe(till, provider_id))
    held = till.held(payment_id)
    assert (held.refunded, held.waiting) == (sum(at_stripe(till, provider_id)), 0)
    assert_the_books_are_right(till, payment_id)


def test_what_stripe_could_not_be_asked_for_is_carried_out_by_the_sweeper(till, monkeypatch):
    payment_id, provider_id = paid(till)
    till.break_stripe(path="/v1/refunds", method="POST", times=9, status=503)
    assert till.give_back(payment_id).status == 503
    till.stop_breaking()
    [waiting] = till.refunds(payment_id)
    assert waiting["status"] == "requested"
    assert till.sweep() == [], "it was asked for a moment ago"
    till.later(minutes=6)
    assert till.sweep() == ["payment.refunded"]
    assert at_stripe(till, provider_id) == [2000]
    assert till.sweep() == []


# Refunds that do not get through


def test_a_refund_that_fails_days_later_is_told_and_may_be_given_again(till):
    payment_id, _ = paid(till, "pm_card_refundFail")
    till.hear(till.refund(payment_id, 700))
    assert till.turn() == ["payment.refunded"]
    till.control("advance", seconds=60)
    for event in till.new_events():
        till.post(event)
    till.forward()
    till.apply_only()
    [said] = [read_event(event) for event in till.facts()]
    assert isinstance(said, PaymentRefundFailed)
    assert (said.data.not_given_back, said.data.refunded) == (gbp(700), gbp(0))
    held = till.held(payment_id)
    assert (held.status, held.refunded, held.promised) == ("succeeded", 0, 0)
    assert [each["status"] for each in till.refunds(payment_id)] == ["failed"]
    assert till.turn() == []
    assert_the_books_are_right(till, payment_id)
    till.hear(till.refund(payment_id, 700, "again"))
    assert till.held(payment_id).refunded == 700


def test_a_pending_refund_counts_until_it_arrives(till):
    payment_id, _ = paid(till, "pm_card_pendingRefund")
    assert till.give_back(payment_id).json["status"] == "pending"
    assert till.status(payment_id) == "refunded"
    till.control("advance", seconds=60)
    till.turn()
    assert [each["status"] for each in till.refunds(payment_id)] == ["succeeded"]


def test_refunds_made_by_hand_at_stripe_are_listed(till):
    payment_id, provider_id = paid(till)
    till.give_back(payment_id, amount={"amount": 100, "currency": "GBP"})
    till.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    till.turn()
    seen = {each["amount"]["amount"]: each["reason"] for each in till.refunds(payment_id)}
    assert seen == {100: "asked for by staff", 300: "made at Stripe"}
    assert till.held(payment_id).promised == 400


# Chargebacks


def disputed(till, card="pm_card_createDispute"):
    payment_id, provider_id = paid(till, card)
    till.turn()
    [dispute] = till.stripe.disputes.list({"payment_intent": provider_id}).data
    return payment_id, dispute.id


def decide(till, dispute_id, evidence):
    till.stripe.disputes.update(dispute_id, {"evidence": {"uncategorized_text": evidence}})
    return till.turn()


def test_a_chargeback_freezes_refunds_and_when_it_is_won_what_waited_is_given(till):
    payment_id, dispute_id = disputed(till)
    held = till.held(payment_id)
    assert (held.status, held.withheld) == ("disputed", 2000)
    refused = till.give_back(payment_id)
    assert (refused.status, refused.json["type"]) == (409, "/problems/payment-disputed")
    till.hear(till.refund(payment_id, 700))
    assert [each["status"] for each in till.refunds(payment_id)] == ["requested"]
    said = decide(till, dispute_id, "winning_evidence")
    assert (said.count("payment.refunded"), "payment.disputed" in said) == (1, True)
    held = till.held(payment_id)
    assert (held.status, held.refunded, held.withheld, held.lost) == ("partially_refunded", 700, 0, 0)
    assert_the_books_are_right(till, payment_id)


def test_a_chargeback_that_is_lost_gave_the_money_back(till):
    payment_id, dispute_id = disputed(till)
    till.hear(till.refund(payment_id, 2000))
    said = decide(till, dispute_id, "losing_evidence")
    assert "payment.refund_failed" not in said, "the shopper has it from the bank"
    held = till.held(payment_id)
    assert (held.status, held.refunded, held.lost, held.promised) == ("disputed", 0, 2000, 0)
    assert [each["status"] for each in till.refunds(payment_id)] == ["failed"]
    assert till.give_back(payment_id).json["left"] == {"amount": 0, "currency": "GBP"}
    assert_the_books_are_right(till, payment_id)


def test_a_dispute_nobody_answers_is_told_of_once_more_before_its_evidence_is_due(till):
    disputed(till)
    till.later(days=5, hours=22)
    assert till.sweep() == []
    till.later(hours=4)
    assert till.sweep() == ["payment.disputed"]
    till.later(hours=1)
    assert till.sweep() == []


def test_a_dispute_that_is_answered_is_not_asked_for_again(till):
    _, dispute_id = disputed(till)
    till.stripe.disputes.update(dispute_id, {"evidence": {"uncategorized_text": "it arrived"}})
    till.turn()
    till.later(days=6, hours=2)
    assert till.sweep() == []


def test_an_inquiry_is_told_and_changes_nothing(till):
    payment_id, _ = disputed(till, "pm_card_createDisputeInquiry")
    held = till.held(payment_id)
    assert (held.status, held.withheld, held.is_frozen) == ("succeeded", 0, False)
    assert till.give_back(payment_id).status == 201


def test_each_change_of_a_dispute_is_told_once_under_its_own_id(till):
    till.order()
    opened = till.pay().json
    till.card(opened["provider_id"], "pm_card_createDispute")
    for event in till.new_events():
        till.post(event)
    till.forward()
    till.apply_only()
    told = [event for event in till.facts() if event["type"] == "payment.disputed"]
    assert [(event["subject"], event["data"]["status"]) for event in told] == [
        (told[0]["data"]["dispute_id"], "needs_response")
    ]
    assert told[0]["data"]["withheld"] == {"amount": 2000, "currency": "GBP"}
    assert till.turn() == []


def test_a_review_is_told_when_it_opens_and_when_it_closes(till):
    payment_id, provider_id = paid(till)
    till.control("review", payment_intent=provider_id)
    assert till.turn() == ["payment.reviewed"]
    till.control("review", payment_intent=provider_id, outcome="approved")
    assert till.turn() == ["payment.reviewed"]
    assert till.held(payment_id).review == "approved"


# The ledger


def test_staff_read_the_ledger(till):
    payment_id, _ = paid(till)
    till.give_back(payment_id, amount={"amount": 700, "currency": "GBP"})
    page = till.get(f"/payments/{payment_id}/ledger", staff()).json
    assert [entry["kind"] for entry in page["items"]] == ["captured", "refunded"]
    assert [(line["account"], line["amount"]["amount"]) for line in page["items"][1]["lines"]] == [
        ("refunds", 700),
        ("stripe", -700),
    ]
    half = till.get(f"/payments/{payment_id}/ledger?limit=1", staff()).json
    rest = till.get(f"/payments/{payment_id}/ledger?cursor={half['next_cursor']}", staff()).json
    assert half["items"] + rest["items"] == page["items"]
