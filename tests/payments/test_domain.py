"""The rules of a payment, with plain values."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from payments import domain
from payments.domain import RANK, Decline, Intent, Payment, RefundTooLarge, Status
from shared.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOTAL = 1000
PAYMENT = Payment(
    "pay_1", "ord_1", "usr_1", "ada@example.com", Money(amount=TOTAL, currency="GBP"), 1, NOW, NOW
)


def intent(status: str, received: int = 0, refunded: int = 0, decline: Decline | None = None) -> Intent:
    return Intent("pi_1", status, received, refunded, decline, "ord_1", "pay_1")


DECLINED = intent("requires_payment_method", decline=Decline("ch_1", "Your card was declined."))
PAID = intent("succeeded", TOTAL)


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
        (intent("succeeded", TOTAL, 1), Status.PARTIALLY_REFUNDED),
        (intent("succeeded", TOTAL, TOTAL), Status.REFUNDED),
    ],
)
def test_each_state_of_an_intent_is_a_status(seen, status):
    assert domain.observed(PAYMENT, seen).status is status


def test_a_decline_leaves_the_payment_open_with_its_reason():
    declined = domain.observed(PAYMENT, DECLINED)
    assert (declined.status, declined.reason) == (Status.REQUIRES_PAYMENT, "Your card was declined.")
    assert declined.is_open
    paid = domain.observed(declined, PAID)
    assert (paid.status, paid.reason) == (Status.SUCCEEDED, None)


def test_a_late_decline_says_nothing_of_a_paid_payment():
    paid = domain.observed(PAYMENT, PAID)
    assert domain.observed(paid, DECLINED) == paid


@pytest.mark.parametrize("late", [DECLINED, intent("processing"), intent("requires_capture")])
def test_what_is_over_stays_over(late):
    cancelled = domain.observed(PAYMENT, intent("canceled"))
    assert domain.observed(cancelled, late) == cancelled


def test_money_that_comes_after_all_outranks_a_cancellation():
    assert domain.observed(domain.given_up(PAYMENT), PAID).status is Status.SUCCEEDED


def test_giving_up_leaves_money_alone():
    assert domain.given_up(domain.observed(PAYMENT, PAID)).status is Status.SUCCEEDED


@pytest.mark.parametrize("other", [{"payment_id": "pay_2"}, {"order_id": "ord_2"}, {"payment_id": None}])
def test_an_intent_is_known_by_what_it_says(other):
    assert domain.is_of(PAYMENT, PAID)
    assert not domain.is_of(PAYMENT, replace(PAID, **other))
    assert not domain.is_of(replace(PAYMENT, provider_id="pi_9"), PAID)


@pytest.mark.parametrize("status", ["requires_payment_method", "requires_action", "requires_capture"])
def test_only_an_open_intent_that_nobody_wants_is_cancelled(status):
    assert domain.must_cancel(domain.given_up(PAYMENT), intent(status))
    assert not domain.must_cancel(PAYMENT, intent(status))
    assert not domain.must_cancel(domain.given_up(PAYMENT), PAID)
    assert not domain.must_cancel(domain.given_up(PAYMENT), intent("canceled"))


@pytest.mark.parametrize("amount", [0, -1, TOTAL + 1])
def test_no_more_is_given_back_than_came_in(amount):
    with pytest.raises(RefundTooLarge):
        domain.promised(domain.observed(PAYMENT, PAID), amount)


def test_refunds_made_by_hand_at_stripe_count():
    by_hand = domain.observed(PAYMENT, intent("succeeded", TOTAL, 700))
    assert domain.promised(by_hand, 300).promised == 300
    with pytest.raises(RefundTooLarge):
        domain.promised(by_hand, 301)


OPEN = st.builds(
    intent,
    st.sampled_from(["requires_payment_method", "requires_action", "processing"]),
    decline=st.none() | st.builds(Decline, st.sampled_from(["ch_1", "ch_2"]), st.just("Declined.")),
)
MONEY = st.builds(intent, st.just("succeeded"), st.just(TOTAL), st.integers(0, TOTAL))


@given(st.lists(OPEN, max_size=5), st.lists(MONEY, min_size=1, max_size=4), st.data())
def test_looks_in_any_order_and_twice_end_in_the_same_state(before, after, data):
    looks = before + after
    shuffled = data.draw(st.permutations(looks + data.draw(st.lists(st.sampled_from(looks), max_size=5))))

    def end(seen):
        payment = PAYMENT
        for each in seen:
            payment = domain.observed(payment, each)
        return payment.status, payment.captured, payment.refunded, payment.reason

    assert end(shuffled) == end(looks)


class PaymentAndStripe(RuleBasedStateMachine):
    """A shopper, a shop and Stripe do as they like; every look may be at any moment of Stripe's past."""

    def __init__(self) -> None:
        super().__init__()
        self.payment = PAYMENT
        self.stripe = intent("requires_payment_method")
        self.past = [self.stripe]
        self.pending: list[int] = []
        self.tries = 0

    def becomes(self, now: Intent) -> None:
        self.stripe = now
        self.past.append(now)

    @precondition(lambda self: self.stripe.is_open)
    @rule()
    def card_is_declined(self) -> None:
        self.tries += 1
        self.becomes(intent("requires_payment_method", decline=Decline(f"ch_{self.tries}", "No.")))

    @precondition(lambda self: self.stripe.is_open)
    @rule()
    def bank_asks(self) -> None:
        self.becomes(intent("requires_action"))

    @precondition(lambda self: self.stripe.is_open)
    @rule()
    def card_pays(self) -> None:
        self.becomes(PAID)

    @rule()
    def order_is_given_up(self) -> None:
        self.payment = replace(self.payment, unwanted=True)

    @rule(data=st.data())
    def look(self, data) -> None:
        seen = data.draw(st.sampled_from(self.past))
        if domain.must_cancel(self.payment, seen):
            if self.stripe.is_open:
                self.becomes(intent("canceled"))
            seen = self.stripe
        self.payment = domain.observed(self.payment, seen)

    @rule(amount=st.integers(1, TOTAL))
    def refund_is_due(self, amount) -> None:
        try:
            self.payment = domain.promised(self.payment, amount)
        except RefundTooLarge:
            return
        self.pending.append(amount)

    @precondition(lambda self: self.pending)
    @rule()
    def stripe_gives_back(self) -> None:
        amount = self.pending.pop()
        self.becomes(replace(self.stripe, amount_refunded=self.stripe.amount_refunded + amount))

    @invariant()
    def never_more_goes_back_than_came_in(self) -> None:
        assert 0 <= self.payment.refunded <= self.payment.captured <= TOTAL
        assert self.payment.promised <= self.payment.captured
        assert self.stripe.amount_refunded <= self.stripe.amount_received

    @invariant()
    def the_last_look_tells_the_truth(self) -> None:
        seen = domain.observed(self.payment, self.stripe)
        assert domain.observed(seen, self.stripe) == seen
        assert RANK[seen.status] >= RANK[self.payment.status]
        assert (seen.captured, seen.refunded) == (self.stripe.amount_received, self.stripe.amount_refunded)


TestPaymentAndStripe = PaymentAndStripe.TestCase
