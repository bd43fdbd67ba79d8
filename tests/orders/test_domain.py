"""The rules of an order, with plain values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orders import domain
from orders.domain import MOVES, OPEN, IllegalTransition, Move, NotYetPlaced, Order, Status
from shared.errors import Invalid
from shared.money import Money
from tests.orders.samples import ADDRESS, NOW, quote

TOTAL = quote().total
LATER = NOW + timedelta(hours=1)


def terms(now: datetime = NOW) -> domain.Terms:
    return domain.agreed(quote(), ADDRESS, "ada@example.com", now, timedelta(minutes=30))


def placed() -> Order:
    return domain.opened("ord_1", "usr_1", NOW).place(terms(), "usr_1")


def test_an_order_is_paid_by_its_exact_amount():
    paid = placed().take_payment("pay_1", TOTAL, LATER)
    assert (paid.status, paid.payment_id, paid.expires_at) == (Status.PAID, "pay_1", None)
    assert paid.take_payment("pay_1", TOTAL, LATER) is paid


@pytest.mark.parametrize("amount", [TOTAL.amount - 1, TOTAL.amount + 1])
def test_another_amount_goes_back_and_the_order_waits_on(amount):
    order = placed().take_payment("pay_1", Money(amount=amount, currency="GBP"), LATER)
    assert order.status is Status.AWAITING_PAYMENT
    assert order.refunds_due["pay_1"].amount.amount == amount


@pytest.mark.parametrize("end", ["cancel", "expire", "paid by another"])
def test_money_that_comes_too_late_is_due_back_once(end):
    order = placed()
    order = {
        "cancel": lambda: order.cancel("usr_1", NOW),
        "expire": lambda: order.expire(LATER),
        "paid by another": lambda: order.take_payment("pay_0", TOTAL, NOW),
    }[end]()
    late = order.take_payment("pay_1", TOTAL, LATER)
    assert late.status is order.status
    assert late.refunds_due["pay_1"].amount == TOTAL
    assert late.take_payment("pay_1", TOTAL, LATER) is late


def test_news_ahead_of_the_placement_waits():
    with pytest.raises(NotYetPlaced):
        domain.opened("ord_1", "usr_1", NOW).take_payment("pay_1", TOTAL, NOW)


def test_an_order_expires_when_its_time_is_over_and_not_before():
    with pytest.raises(IllegalTransition):
        placed().expire(NOW + timedelta(minutes=29))
    assert placed().expire(NOW + timedelta(minutes=30)).status is Status.EXPIRED


def test_what_is_over_stays_over():
    for status in (Status.CANCELLED, Status.EXPIRED, Status.REFUNDED):
        assert not MOVES[status]
    for order in (placed().cancel("usr_1", NOW), placed().expire(LATER)):
        with pytest.raises(IllegalTransition):
            order.cancel("usr_1", LATER)
        with pytest.raises(IllegalTransition):
            order.expire(LATER)


def test_every_status_has_its_moves_and_leads_to_known_ones():
    assert set(MOVES) == set(Status)
    assert {target for moves in MOVES.values() for target in moves.values()} <= set(Status)
    assert {move for moves in MOVES.values() for move in moves} == set(Move)


def test_a_quote_must_say_where_to_and_to_whom():
    for address, email in ((ADDRESS, ""), (replace_country("FR"), "ada@example.com")):
        with pytest.raises(Invalid):
            domain.agreed(quote(), address, email, NOW, timedelta(minutes=30))
    with pytest.raises(Invalid):
        domain.agreed(quote(shipping_address=None), None, "ada@example.com", NOW, timedelta(minutes=30))


def replace_country(country: str):
    return ADDRESS.model_copy(update={"country": country})


@pytest.mark.parametrize("part", ["subtotal", "total"])
def test_a_quote_that_does_not_add_up_is_not_honoured(part):
    wrong = quote()
    wrong = wrong.model_copy(update={part: getattr(wrong, part) + Money(amount=1, currency="GBP")})
    with pytest.raises(ValueError, match="add up"):
        domain.check(wrong)


class OrderLife(RuleBasedStateMachine):
    """All that can happen to an order, in any order, as often as it likes."""

    order: Order
    now: datetime

    @initialize()
    def open(self):
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.order = domain.opened("ord_1", "usr_1", self.now)
        self.seen = [self.order]

    def attempt(self, change):
        try:
            changed = change()
        except (IllegalTransition, NotYetPlaced):
            return
        if changed is not self.order:
            self.seen.append(changed)
        self.order = changed

    @rule(minutes=st.integers(0, 40))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule()
    def place(self):
        self.attempt(lambda: self.order.place(terms(self.now), "usr_1"))

    @rule()
    def refuse(self):
        self.attempt(lambda: self.order.refuse({"detail": "gone"}, self.now))

    @rule()
    def cancel(self):
        self.attempt(lambda: self.order.cancel("usr_1", self.now))

    @rule()
    def expire(self):
        self.attempt(lambda: self.order.expire(self.now))

    @rule(payment=st.sampled_from(["pay_1", "pay_2"]), off=st.sampled_from([0, 0, 1]))
    def pay(self, payment, off):
        amount = Money(amount=TOTAL.amount + off, currency="GBP")
        self.attempt(lambda: self.order.take_payment(payment, amount, self.now))

    @rule(event=st.sampled_from(["e1", "e2"]))
    def decline(self, event):
        self.attempt(lambda: self.order.note_failed_payment("declined", event, self.now))

    @invariant()
    def versions_count_every_change(self):
        assert [order.version for order in self.seen] == list(range(1, len(self.seen) + 1))
        assert len(self.order.timeline) == self.order.version - 1

    @invariant()
    def only_legal_moves_happened(self):
        for before, after in zip(self.seen, self.seen[1:], strict=False):
            assert before.status is after.status or after.status in MOVES[before.status].values()

    @invariant()
    def a_deadline_runs_while_the_order_is_open_and_only_then(self):
        assert (self.order.expires_at is not None) == (self.order.status in OPEN)

    @invariant()
    def money_is_kept_by_a_paid_order_alone(self):
        assert (self.order.payment_id is not None) == (self.order.status is Status.PAID)
        assert self.order.payment_id not in self.order.refunds_due


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_the_first_answer_can_be_given_again_whatever_came_after():
    first = placed()
    for later in (first.cancel("usr_1", NOW), first.take_payment("pay_1", TOTAL, NOW), first.expire(LATER)):
        again = replace(later.as_placed(), timeline=first.timeline, changed_at=first.changed_at)
        assert again == first
