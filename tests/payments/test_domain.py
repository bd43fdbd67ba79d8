"""The rules of a payment, with plain values."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import captures, checkout, holds, payments, refunds
from payments.domain.captures import Claim
from payments.domain.checkout import Item
from payments.domain.disputes import Dispute, to_remind
from payments.domain.payments import Decline, Intent, Status
from payments.domain.refunds import Refund, RefundStatus, RefundTooLarge, StripeRefund
from shared.contracts.events import OrderLineData
from tests.payments.payments_driver import gbp
from tests.payments.samples import HELD, NOW, PAYMENT, TOTAL


def intent(status: str, received: int = 0, refunded: int = 0, decline: Decline | None = None) -> Intent:
    return Intent("pi_1", status, received, refunded, decline, "ord_1", "pay_1")


DECLINED = intent("requires_payment_method", decline=Decline("ch_1", "Your card was declined."))
PAID = intent("succeeded", TOTAL)
CHARGEBACK = Dispute("du_1", "needs_response", TOTAL, "fraudulent", withheld=TOTAL)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (intent("requires_payment_method"), Status.REQUIRES_PAYMENT),
        (intent("requires_confirmation"), Status.REQUIRES_PAYMENT),
        (intent("requires_action"), Status.REQUIRES_PAYMENT),
        (intent("processing"), Status.PROCESSING),
        (intent("requires_capture"), Status.AUTHORIZED),
        (intent("canceled"), Status.CANCELLED),
        (PAID, Status.SUCCEEDED),
    ],
)
def test_each_state_of_an_intent_is_a_status(seen, status):
    assert payments.observed(PAYMENT, seen).status is status


@pytest.mark.parametrize(
    ("refunded", "status"),
    [(0, Status.SUCCEEDED), (1, Status.PARTIALLY_REFUNDED), (TOTAL, Status.REFUNDED)],
)
def test_money_that_went_back_decides_the_status_of_what_came_in(refunded, status):
    assert payments.observed(replace(PAYMENT, refunded=refunded), PAID).status is status


@pytest.mark.parametrize(
    ("of_dispute", "status"),
    [
        ("warning_needs_response", Status.SUCCEEDED),
        ("warning_closed", Status.SUCCEEDED),
        ("needs_response", Status.DISPUTED),
        ("under_review", Status.DISPUTED),
        ("lost", Status.DISPUTED),
        ("won", Status.SUCCEEDED),
    ],
)
def test_a_chargeback_that_is_open_or_lost_outranks_the_money(of_dispute, status):
    disputed = payments.observed(PAYMENT, PAID, (replace(CHARGEBACK, status=of_dispute),))
    assert disputed.status is status
    assert disputed.is_frozen == (of_dispute in ("needs_response", "under_review"))


def test_a_decline_leaves_the_payment_open_with_its_reason():
    declined = payments.observed(PAYMENT, DECLINED)
    assert (declined.status, declined.reason) == (Status.REQUIRES_PAYMENT, "Your card was declined.")
    assert declined.is_open
    paid = payments.observed(declined, PAID)
    assert (paid.status, paid.reason) == (Status.SUCCEEDED, None)


@pytest.mark.parametrize("late", [DECLINED, intent("processing"), intent("requires_capture")])
def test_what_is_over_stays_over(late):
    cancelled = payments.observed(PAYMENT, intent("canceled"))
    assert payments.observed(cancelled, late) == cancelled


def test_money_that_comes_after_all_outranks_a_cancellation():
    assert payments.observed(payments.given_up(PAYMENT), PAID).status is Status.SUCCEEDED


def test_giving_up_leaves_money_alone():
    assert payments.given_up(payments.observed(PAYMENT, PAID)).status is Status.SUCCEEDED


@pytest.mark.parametrize("other", [{"payment_id": "pay_2"}, {"order_id": "ord_2"}, {"payment_id": None}])
def test_an_intent_is_known_by_what_it_says(other):
    assert payments.is_of(PAYMENT, PAID)
    assert not payments.is_of(PAYMENT, replace(PAID, **other))
    assert not payments.is_of(replace(PAYMENT, provider_id="pi_9"), PAID)


@pytest.mark.parametrize("status", ["requires_payment_method", "requires_action", "requires_capture"])
def test_only_an_open_intent_that_nobody_wants_is_cancelled(status):
    assert payments.must_cancel(payments.given_up(PAYMENT), intent(status))
    assert not payments.must_cancel(PAYMENT, intent(status))
    assert not payments.must_cancel(payments.given_up(PAYMENT), PAID)
    assert not payments.must_cancel(payments.given_up(PAYMENT), intent("canceled"))


# Refunds


def refund(refund_id: str, amount: int, status: RefundStatus = RefundStatus.REQUESTED, **more) -> Refund:
    return Refund(refund_id, "pay_1", amount, "late", NOW, status, **more)


@pytest.mark.parametrize("amount", [0, -1, TOTAL + 1])
def test_no_more_is_given_back_than_came_in(amount):
    with pytest.raises(RefundTooLarge) as refused:
        refunds.require_left(payments.observed(PAYMENT, PAID), amount)
    assert refused.value.extra == {"left": {"amount": TOTAL, "currency": "GBP"}}


def test_what_is_claimed_or_lost_to_a_bank_is_not_left():
    paid = payments.observed(replace(PAYMENT, promised=300), PAID)
    assert refunds.left_of(paid) == 700
    lost = Dispute("du_1", "lost", 500, "fraudulent", withheld=500)
    assert refunds.left_of(replace(paid, disputes=(lost,))) == 200
    assert refunds.left_of(replace(paid, disputes=(replace(lost, status="won", withheld=0),))) == 700


def test_a_refund_made_by_hand_becomes_a_row_of_its_own_once():
    theirs = [StripeRefund("re_1", None, RefundStatus.PENDING, 300)]
    [made] = refunds.merged(PAYMENT, [], theirs, NOW)
    assert (made.amount, made.status, made.provider_id) == (300, RefundStatus.PENDING, "re_1")
    assert refunds.merged(PAYMENT, [made], theirs, NOW) == [made]


def test_a_refund_that_borrows_the_id_of_another_is_a_row_of_its_own():
    ours = refund("ref_1", 300, RefundStatus.SUCCEEDED, provider_id="re_1")
    theirs = [
        StripeRefund("re_2", "ref_1", RefundStatus.SUCCEEDED, 50),
        StripeRefund("re_1", "ref_1", RefundStatus.SUCCEEDED, 300),
        StripeRefund("re_3", "ref_nowhere", RefundStatus.SUCCEEDED, 20),
    ]
    merged = refunds.merged(PAYMENT, [ours], theirs, NOW)
    assert sorted(each.amount for each in merged) == [20, 50, 300]
    assert len({each.refund_id for each in merged}) == 3


def test_a_refund_that_fails_days_later_is_taken_back_from_the_sums():
    pending = refund("ref_1", 300, RefundStatus.PENDING)
    paid = payments.observed(PAYMENT, PAID)
    given = refunds.counted(paid, [refund("ref_1", 300)], [pending])
    assert (given.promised, given.refunded, given.waiting) == (300, 300, 0)
    failed = refunds.counted(given, [pending], [replace(pending, status=RefundStatus.FAILED)])
    assert (failed.promised, failed.refunded, failed.not_returned, failed.recalled) == (0, 0, 300, 300)


def test_a_refund_that_is_refused_at_once_was_never_counted():
    asked = refund("ref_1", 300)
    failed = refunds.counted(PAYMENT, [asked], [replace(asked, status=RefundStatus.FAILED)])
    assert (failed.not_returned, failed.recalled) == (300, 0)
    settled = refunds.counted(PAYMENT, [asked], [replace(asked, status=RefundStatus.FAILED, settled=True)])
    assert settled.not_returned == 0, "the shopper has it already"


# Captures


def test_parcels_told_in_any_order_come_to_the_same():
    in_order = captures.due(captures.due(HELD, 300, False), TOTAL, True)
    assert captures.due(captures.due(HELD, TOTAL, True), 300, False) == in_order
    assert captures.due(in_order, 300, False) == in_order
    assert captures.owed(in_order) == TOTAL


@pytest.mark.parametrize(
    ("many", "due", "complete", "claim"),
    [
        (True, 300, False, Claim(0, 300, False)),
        (True, 300, True, Claim(0, 300, True)),
        (True, TOTAL, False, Claim(0, TOTAL, True)),
        (True, TOTAL + 500, True, Claim(0, TOTAL, True)),
        (False, 300, False, Claim(0, TOTAL, True)),
        (False, 300, True, Claim(0, 300, True)),
    ],
)
def test_what_is_captured_follows_what_left_and_what_the_card_allows(many, due, complete, claim):
    owing = captures.due(replace(HELD, multicapture=many), due, complete)
    assert captures.claimed(owing).claim == claim


def test_a_claim_that_is_under_way_stays_the_only_one():
    first = captures.claimed(captures.due(HELD, 300, False))
    assert captures.claimed(captures.due(first, 500, False)).claim == first.claim
    done = replace(first, captured=300, capturable=700, to_capture=500)
    assert captures.claimed(done).claim == Claim(300, 200, False)


@pytest.mark.parametrize("amount", [0, TOTAL + 1])
def test_staff_capture_no_more_than_is_held(amount):
    with pytest.raises(captures.CaptureTooLarge):
        captures.asked(HELD, amount, "k")
    with pytest.raises(captures.NothingToCapture):
        captures.asked(PAYMENT, None, "k")


def test_the_same_capture_asked_for_twice_is_one():
    once = captures.asked(HELD, 300, "k")
    assert captures.asked(replace(once, captured=300, capturable=700), 300, "k").to_capture == 300


# Holds


@pytest.mark.parametrize(
    ("before", "expiring"), [(timedelta(hours=25), False), (timedelta(hours=23), True), (timedelta(0), False)]
)
def test_a_hold_is_told_of_a_day_before_it_lapses(before, expiring):
    assert HELD.capture_before
    assert holds.is_expiring(HELD, HELD.capture_before - before) is expiring


@pytest.mark.parametrize(
    "changes", [{"expiring": True}, {"to_capture": 300}, {"unwanted": True}, {"replaced_by": "pay_2"}]
)
def test_a_hold_that_is_told_of_already_or_on_its_way_is_not_told_of(changes):
    assert HELD.capture_before
    held = replace(HELD, **changes)
    assert not holds.is_expiring(held, HELD.capture_before - timedelta(hours=1))


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, timedelta(days=6)),
        ({"expiring": True}, timedelta(days=7, hours=1)),
        ({"to_capture": 300}, timedelta(minutes=5)),
        ({"to_capture": 300, "capture_error": "No."}, timedelta(days=7, hours=1)),
        ({"waiting": 1}, timedelta(minutes=5)),
        ({"waiting": 1, "capturable": 0, "disputes": (CHARGEBACK,)}, None),
        ({"replaces": "pay_0"}, timedelta(minutes=5)),
        ({"unwanted": True}, timedelta(minutes=5)),
        ({"capturable": 0}, None),
    ],
)
def test_somebody_looks_again_when_there_is_something_to_do(changes, after):
    due = holds.due_at(replace(HELD, **changes), NOW)
    assert due == (None if after is None else NOW + after)


def test_an_inquiry_that_becomes_a_chargeback_is_reminded_of_again():
    soon = replace(CHARGEBACK, evidence_due=NOW + timedelta(days=2))
    inquiry = replace(soon, status="warning_needs_response", withheld=0)
    reminded = to_remind([inquiry], (), NOW)
    assert reminded and not to_remind([inquiry], reminded, NOW)
    assert to_remind([soon], reminded, NOW) == ("du_1",)
    assert not to_remind([replace(soon, status="under_review")], (), NOW)


# Stripe's page


def line(quantity: int, price: int, title: str = "Mug") -> OrderLineData:
    total = gbp(quantity * price)
    return OrderLineData(
        sku="M", product_id="p", title=title, quantity=quantity, unit_price=gbp(price), line_total=total
    )


def test_lines_that_make_up_the_total_are_shown_and_others_are_one_sum():
    lines = [line(2, 300), line(1, 400, "Pot")]
    assert checkout.items(lines, gbp(1000), "7K") == [Item("Mug", 2, 300), Item("Pot", 1, 400)]
    whole = [Item("Order 7K", 1, 1250)]
    assert checkout.items(lines, gbp(1250), "7K") == whole, "delivery has no line"
    assert checkout.items([line(1, 1)] * 101, gbp(101), "7K") == [Item("Order 7K", 1, 101)]
    assert checkout.items([], gbp(1250), "7K") == whole


@given(st.integers(0, 22 * 3600), st.integers(0, 22 * 3600))
def test_a_page_may_be_opened_as_long_as_its_order_waits(life, later):
    ends = NOW + timedelta(seconds=life)
    until = checkout.open_until(ends, NOW)
    asked = NOW + timedelta(seconds=min(later, life))
    assert timedelta(minutes=30) <= until - asked <= timedelta(hours=24)
