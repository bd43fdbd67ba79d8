"""The domain rules of payments."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import captures, checkout, follow_ups, payments, refunds
from payments.domain.captures import Claim
from payments.domain.disputes import Dispute, Disputes
from payments.domain.line_items import LineItem, line_items
from payments.domain.payments import Status
from payments.domain.refunds import Refund, RefundStatus, RefundTooLarge, RefundTotals, StripeRefund
from payments.domain.stripe_objects import Decline, Intent
from shared.contracts.events.orders import OrderLineData
from tests.payments.payments_driver import gbp
from tests.payments.samples import AUTHORIZED, NOW, PAYMENT, TOTAL, having


def intent(status: str, received: int = 0, refunded: int = 0, decline: Decline | None = None) -> Intent:
    return Intent("pi_1", status, received, refunded, decline, "ord_1", "pay_1")


DECLINED = intent("requires_payment_method", decline=Decline("ch_1", "generic_decline"))
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
def test_each_intent_status_maps_to_a_payment_status(seen, status):
    assert payments.observe(PAYMENT, seen).status is status


@pytest.mark.parametrize(
    ("refunded", "status"),
    [(0, Status.SUCCEEDED), (1, Status.PARTIALLY_REFUNDED), (TOTAL, Status.REFUNDED)],
)
def test_the_refunded_amount_determines_the_status_of_a_paid_payment(refunded, status):
    assert payments.observe(having(PAYMENT, refunds__refunded=refunded), PAID).status is status


@pytest.mark.parametrize(
    ("dispute_status", "status"),
    [
        ("warning_needs_response", Status.SUCCEEDED),
        ("warning_closed", Status.SUCCEEDED),
        ("needs_response", Status.DISPUTED),
        ("under_review", Status.DISPUTED),
        ("lost", Status.DISPUTED),
        ("won", Status.SUCCEEDED),
    ],
)
def test_an_open_or_lost_chargeback_makes_the_payment_disputed(dispute_status, status):
    disputed = payments.observe(PAYMENT, PAID, (replace(CHARGEBACK, status=dispute_status),))
    assert disputed.status is status
    assert disputed.disputes.any_open == (dispute_status in ("needs_response", "under_review"))


def test_a_declined_card_leaves_the_payment_open_with_a_reason():
    declined = payments.observe(PAYMENT, DECLINED)
    assert (declined.status, declined.reason) == (Status.REQUIRES_PAYMENT, "generic_decline")
    assert declined.is_open
    paid = payments.observe(declined, PAID)
    assert (paid.status, paid.reason) == (Status.SUCCEEDED, None)


@pytest.mark.parametrize("late", [DECLINED, intent("processing"), intent("requires_capture")])
def test_a_cancelled_payment_stays_cancelled(late):
    cancelled = payments.observe(PAYMENT, intent("canceled"))
    assert payments.observe(cancelled, late) == cancelled


def test_a_late_payment_overrides_a_cancellation():
    assert payments.observe(payments.cancel_unopened(PAYMENT), PAID).status is Status.SUCCEEDED


def test_cancelling_does_not_change_a_succeeded_payment():
    assert payments.cancel_unopened(payments.observe(PAYMENT, PAID)).status is Status.SUCCEEDED


@pytest.mark.parametrize("other", [{"payment_id": "pay_2"}, {"order_id": "ord_2"}, {"payment_id": None}])
def test_an_intent_belongs_to_a_payment_by_its_metadata_and_id(other):
    def owns(payment: payments.Payment, of: Intent) -> bool:
        return payments.owns_intent(payment, of.intent_id, of.payment_id, of.order_id)

    assert owns(PAYMENT, PAID)
    assert not owns(PAYMENT, replace(PAID, **other))
    assert not owns(having(PAYMENT, stripe__intent_id="pi_9"), PAID)


@pytest.mark.parametrize("status", ["requires_payment_method", "requires_action", "requires_capture"])
def test_only_an_open_intent_of_a_cancelled_payment_is_cancelled(status):
    assert payments.must_cancel(payments.cancel_unopened(PAYMENT), intent(status))
    assert not payments.must_cancel(PAYMENT, intent(status))
    assert not payments.must_cancel(payments.cancel_unopened(PAYMENT), PAID)
    assert not payments.must_cancel(payments.cancel_unopened(PAYMENT), intent("canceled"))


# Refunds


def refund(refund_id: str, amount: int, status: RefundStatus = RefundStatus.REQUESTED, **more) -> Refund:
    return Refund(refund_id, "pay_1", amount, "late", NOW, status, **more)


@pytest.mark.parametrize("amount", [0, -1, TOTAL + 1])
def test_a_refund_cannot_exceed_the_captured_amount(amount):
    with pytest.raises(RefundTooLarge) as rejected:
        payments.require_refundable(payments.observe(PAYMENT, PAID), amount)
    assert rejected.value.extra == {"left": {"amount": TOTAL, "currency": "GBP"}}


def test_reserved_and_lost_amounts_are_not_refundable():
    paid = payments.observe(having(PAYMENT, refunds__reserved=300), PAID)
    assert paid.refundable == 700
    lost = Dispute("du_1", "lost", 500, "fraudulent", withheld=500)
    assert having(paid, disputes__items=(lost,)).refundable == 200
    won = replace(lost, status="won", withheld=0)
    assert having(paid, disputes__items=(won,)).refundable == 700


def test_a_refund_created_in_stripe_becomes_one_row():
    theirs = [StripeRefund("re_1", None, RefundStatus.PENDING, 300)]
    [created] = refunds.merge("pay_1", [], theirs, NOW)
    assert (created.amount, created.status, created.provider_id) == (300, RefundStatus.PENDING, "re_1")
    assert refunds.merge("pay_1", [created], theirs, NOW) == [created]


def test_refunds_with_another_refunds_id_in_metadata_get_their_own_rows():
    ours = refund("ref_1", 300, RefundStatus.SUCCEEDED, provider_id="re_1")
    theirs = [
        StripeRefund("re_2", "ref_1", RefundStatus.SUCCEEDED, 50),
        StripeRefund("re_1", "ref_1", RefundStatus.SUCCEEDED, 300),
        StripeRefund("re_3", "ref_nowhere", RefundStatus.SUCCEEDED, 20),
    ]
    merged = refunds.merge("pay_1", [ours], theirs, NOW)
    assert sorted(each.amount for each in merged) == [20, 50, 300]
    assert len({each.refund_id for each in merged}) == 3


def test_a_refund_that_fails_later_is_subtracted_from_the_totals():
    pending = refund("ref_1", 300, RefundStatus.PENDING)
    given = RefundTotals().with_changes([refund("ref_1", 300)], [pending])
    assert (given.reserved, given.refunded, given.pending) == (300, 300, 0)
    failed = given.with_changes([pending], [replace(pending, status=RefundStatus.FAILED)])
    assert (failed.reserved, failed.refunded, failed.failed, failed.reversed) == (0, 0, 300, 300)


def test_a_refund_that_is_refused_at_once_is_not_counted():
    requested = refund("ref_1", 300)
    rejected = replace(requested, status=RefundStatus.FAILED)
    failed = RefundTotals().with_changes([requested], [rejected])
    assert (failed.failed, failed.reversed) == (300, 0)
    lost_nothing = RefundTotals().with_changes([requested], [replace(rejected, already_refunded=True)])
    assert lost_nothing.failed == 0, "the shopper already has the money"


# Captures


def test_the_order_of_fulfilments_does_not_change_the_capture_due():
    in_order = payments.add_capture_due(payments.add_capture_due(AUTHORIZED, 300, False), TOTAL, True)
    assert payments.add_capture_due(payments.add_capture_due(AUTHORIZED, TOTAL, True), 300, False) == in_order
    assert payments.add_capture_due(in_order, 300, False) == in_order
    assert in_order.capture_owed == TOTAL


@pytest.mark.parametrize(
    ("multicapture", "due", "fully_shipped", "claim"),
    [
        (True, 300, False, Claim(0, 300, False)),
        (True, 300, True, Claim(0, 300, True)),
        (True, TOTAL, False, Claim(0, TOTAL, True)),
        (True, TOTAL + 500, True, Claim(0, TOTAL, True)),
        (False, 300, False, Claim(0, TOTAL, True)),
        (False, 300, True, Claim(0, 300, True)),
    ],
)
def test_a_capture_depends_on_the_fulfilments_and_on_multicapture(multicapture, due, fully_shipped, claim):
    owed = payments.add_capture_due(
        having(AUTHORIZED, authorization__multicapture=multicapture), due, fully_shipped
    )
    assert payments.claim_capture(owed).captures.claim == claim


def test_an_open_capture_claim_is_not_replaced():
    first = payments.claim_capture(payments.add_capture_due(AUTHORIZED, 300, False))
    assert (
        payments.claim_capture(payments.add_capture_due(first, 500, False)).captures.claim
        == first.captures.claim
    )
    done = having(first, captures__captured=300, authorization__capturable=700, captures__due=500)
    assert payments.claim_capture(done).captures.claim == Claim(300, 200, False)


@pytest.mark.parametrize("amount", [0, TOTAL + 1])
def test_a_staff_capture_cannot_exceed_the_authorization(amount):
    with pytest.raises(captures.CaptureTooLarge):
        payments.request_capture(AUTHORIZED, amount, "k")
    with pytest.raises(captures.NothingToCapture):
        payments.request_capture(PAYMENT, None, "k")


def test_a_repeated_capture_request_counts_once():
    requested = payments.request_capture(AUTHORIZED, 300, "k")
    done = having(requested, captures__captured=300, authorization__capturable=700)
    assert payments.request_capture(done, 300, "k").captures.due == 300


# Authorizations


@pytest.mark.parametrize(
    ("before", "expiring"), [(timedelta(hours=25), False), (timedelta(hours=23), True), (timedelta(0), False)]
)
def test_an_expiry_notice_is_due_in_the_last_24_hours(before, expiring):
    assert AUTHORIZED.authorization.hold_until
    assert follow_ups.must_notify_expiry(AUTHORIZED, AUTHORIZED.authorization.hold_until - before) is expiring


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization__expiry_notified": True},
        {"captures__due": 300},
        {"cancel_requested": True},
        {"replacement__replaced_by": "pay_2"},
    ],
)
def test_no_expiry_notice_is_due_if_sent_captured_cancelled_or_replaced(changes):
    assert AUTHORIZED.authorization.hold_until
    payment = having(AUTHORIZED, **changes)
    assert not follow_ups.must_notify_expiry(
        payment, AUTHORIZED.authorization.hold_until - timedelta(hours=1)
    )


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, timedelta(days=6)),
        ({"authorization__expiry_notified": True}, timedelta(days=7, hours=1)),
        ({"captures__due": 300}, timedelta(minutes=5)),
        ({"captures__due": 300, "captures__error": "declined"}, timedelta(days=7, hours=1)),
        ({"refunds__pending": 1}, timedelta(minutes=5)),
        (
            {
                "refunds__pending": 1,
                "authorization__capturable": 0,
                "disputes__items": (CHARGEBACK,),
            },
            None,
        ),
        ({"replacement__replaces": "pay_0"}, timedelta(minutes=5)),
        ({"cancel_requested": True}, timedelta(minutes=5)),
        ({"authorization__capturable": 0}, None),
    ],
)
def test_the_next_follow_up_depends_on_the_pending_work(changes, after):
    due = follow_ups.due_at(having(AUTHORIZED, **changes), NOW)
    assert due == (None if after is None else NOW + after)


def test_an_inquiry_that_becomes_a_chargeback_gets_another_reminder():
    soon = replace(CHARGEBACK, evidence_due=NOW + timedelta(days=2))
    inquiry = replace(soon, status="warning_needs_response", withheld=0)
    reminded = Disputes((inquiry,)).due_reminders(NOW)
    assert reminded and not Disputes((inquiry,), reminded).due_reminders(NOW)
    assert Disputes((soon,), reminded).due_reminders(NOW) == ("du_1",)
    assert not Disputes((replace(soon, status="under_review"),)).due_reminders(NOW)


# Checkout Sessions


def line(quantity: int, price: int, title: str = "Mug") -> OrderLineData:
    total = gbp(quantity * price)
    return OrderLineData(
        sku="M", product_id="p", title=title, quantity=quantity, unit_price=gbp(price), line_total=total
    )


def test_line_items_are_shown_only_if_they_add_up_to_the_total():
    lines = [line(2, 300), line(1, 400, "Pot")]
    assert line_items(lines, gbp(1000), "7K") == [LineItem("Mug", 2, 300), LineItem("Pot", 1, 400)]
    whole = [LineItem("Order 7K", 1, 1250)]
    assert line_items(lines, gbp(1250), "7K") == whole, "shipping is not in the lines"
    assert line_items([line(1, 1)] * 101, gbp(101), "7K") == [LineItem("Order 7K", 1, 101)]
    assert line_items([], gbp(1250), "7K") == whole


@given(st.integers(0, 22 * 3600), st.integers(0, 22 * 3600))
def test_the_session_expiry_stays_within_stripes_limits(life, later):
    ends = NOW + timedelta(seconds=life)
    until = checkout.open_until(ends, NOW)
    requested_at = NOW + timedelta(seconds=min(later, life))
    assert timedelta(minutes=30) <= until - requested_at <= timedelta(hours=24)
