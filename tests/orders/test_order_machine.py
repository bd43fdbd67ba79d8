"""All that can happen to an order, in any order, as often as it likes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orders.domain import cancellation, fulfilling, invoicing, paying, placing, returning
from orders.domain.errors import OrderNotPlacedError
from orders.domain.orders import published_entries
from orders.domain.paying import PaymentUpdate
from orders.domain.terms import Terms, agree
from orders.domain.transitions import (
    OPEN,
    RETURN_TRANSITIONS,
    TRANSITIONS,
    IllegalTransition,
    ReturnStatus,
    Status,
)
from orders.tables.packing import to_order, to_row
from shared.contracts.reasons import CancelReason
from shared.errors import Invalid, NotFound
from shared.values.money import Money
from tests.orders.samples import ADDRESS, gbp, quote

WINDOW = timedelta(days=30)
SKUS = ["SKU-0000", "SKU-0001", "SKU-0002"]
PAYMENTS = ["pay_1", "pay_2"]
pieces = st.lists(st.tuples(st.sampled_from([*SKUS, "SKU-9999"]), st.integers(1, 3)), min_size=1, max_size=3)


def terms(now: datetime, inclusive: bool) -> Terms:
    made = quote()
    if not inclusive:
        made = made.model_copy(update={"tax_inclusive": False, "total": made.total + made.tax})
    return agree(made, ADDRESS, "ada@example.com", now, timedelta(minutes=30))


@dataclass
class Till:
    """A payment at the provider, in minor units."""

    asked: int
    captured: int
    held: int
    back: int = 0
    version: int = 1

    @property
    def secured(self) -> int:
        return self.captured + self.held


class OrderLife(RuleBasedStateMachine):
    """The order is driven by its rules alone; `bank` is the truth at the payment provider, `news` what is
    told of it, sooner or later, in any order, once or twice."""

    @initialize(inclusive=st.booleans())
    def open(self, inclusive: bool) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.inclusive = inclusive
        self.order = placing.open_order("ord_1", "usr_1", self.now)
        self.seen = [self.order]
        self.bank: dict[str, Till] = {}
        self.news: list[Callable[[], None]] = []
        self.carried_out: set[str] = set()
        self.made = 0

    def attempt(self, changed_by) -> None:
        try:
            changed = changed_by()
        except (IllegalTransition, OrderNotPlacedError, Invalid, NotFound, returning.ReturnWindowClosed):
            return
        if changed is not self.order:
            # What is written and read again is the same order, but for what this change alone let go of.
            changed = replace(changed, released=())
            assert to_order(to_row(changed)) == changed
            self.seen.append(changed)
        self.order = changed

    @property
    def total(self) -> Money:
        return self.order.agreed_terms.total

    @rule(hours=st.sampled_from([0, 0, 0, 1, 24 * 31]))
    def wait(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def place(self):
        self.attempt(lambda: placing.place(self.order, terms(self.now, self.inclusive)))

    @rule()
    def reject(self):
        self.attempt(lambda: placing.reject(self.order, {"detail": "gone"}, self.now))

    @rule(who=st.sampled_from(["usr_1", "usr_staff"]), request=st.sampled_from(["r1", "r2"]))
    def cancel(self, who, request):
        self.attempt(lambda: cancellation.cancel(self.order, who, request, self.now))

    @rule()
    def expire(self):
        self.attempt(lambda: cancellation.expire(self.order, self.now))

    @rule(payment=st.sampled_from(PAYMENTS), manual=st.booleans(), off=st.sampled_from([0, 0, 0, 1]))
    def secure(self, payment, manual, off):
        """The provider takes a sum once a payment, or holds it."""
        if payment not in self.bank and self.order.terms:
            amount = self.total.amount + off
            self.bank[payment] = Till(amount, 0 if manual else amount, amount if manual else 0)
            self.happened(payment, paying.apply_payment)

    @rule(payment=st.sampled_from(PAYMENTS), part=st.sampled_from([2, 1]))
    def capture(self, payment, part):
        till = self.bank.get(payment)
        if till and till.held:
            taken = max(1, till.held // part)
            till.captured, till.held = till.captured + taken, till.held - taken
            self.happened(payment, paying.apply_payment if taken == till.captured else paying.apply_totals)

    @rule(payment=st.sampled_from(PAYMENTS))
    def voided(self, payment):
        """A hold ends: in time, for want of an order, or as a newer payment has the money."""
        till = self.bank.get(payment)
        if till and till.held:
            till.held = 0
            if not any(name > payment and other.secured for name, other in self.bank.items()):
                self.happened(payment, paying.apply_void)  # what is replaced is not told of

    @rule()
    def carry_out_a_refund(self):
        """The provider gives back what is due, each once, never more than came in."""
        for key, due in self.order.refunds_due.items():
            till = self.bank[due.payment_id]
            if key not in self.carried_out and till.captured:
                self.carried_out.add(key)
                till.back += min(due.amount.amount, till.captured - till.back)
                return self.happened(due.payment_id, paying.apply_totals)

    @rule(payment=st.sampled_from(PAYMENTS))
    def a_refund_fails_days_later(self, payment):
        till = self.bank.get(payment)
        if till and till.back:
            lost = gbp(max(1, till.back // 2))
            till.back -= lost.amount
            event = f"{payment}.{till.version + 1}"
            self.happened(
                payment, lambda order, told, now: paying.apply_failed_refund(order, told, lost, event, now)
            )

    def happened(self, payment, tell):
        till = self.bank[payment]
        till.version += 1
        told = PaymentUpdate(payment, till.version, *map(gbp, (till.secured, till.captured, till.back)))
        self.news.append(lambda: self.attempt(lambda: tell(self.order, told, self.now)))

    @rule(back=st.integers(0, 9))
    def hear(self, back):
        """Of the latest, or of something older, known or not."""
        if self.news:
            self.news[-1 - back % len(self.news)]()

    @rule(event=st.sampled_from(["e1", "e2"]))
    def decline(self, event):
        self.attempt(lambda: paying.apply_decline(self.order, "declined", event, self.now))

    @rule(wanted=st.none() | pieces)
    def ship(self, wanted):
        self.made += 1
        parcel = f"ful_{self.made}"
        self.attempt(
            lambda: fulfilling.ship(self.order, parcel, wanted, "Royal Mail", None, "staff", self.now)
        )

    @rule()
    def deliver(self):
        self.attempt(lambda: fulfilling.deliver(self.order, "staff", self.now))

    @rule(wanted=pieces)
    def request_return(self, wanted):
        self.made += 1
        made = f"ret_{self.made}"
        self.attempt(lambda: returning.request(self.order, made, wanted, "no", WINDOW, self.now))

    @rule(which=st.integers(1, 12), approved=st.sampled_from([True, True, False]))
    def decide(self, which, approved):
        self.attempt(lambda: returning.decide(self.order, f"ret_{which}", approved, "staff", self.now))

    @rule(which=st.integers(0, 3), restock=st.booleans(), refund=st.none() | st.integers(0, 3_000))
    def receive(self, which, restock, refund):
        waiting = [made.return_id for made in self.order.returns if made.status is ReturnStatus.APPROVED]
        if waiting:
            made = waiting[which % len(waiting)]
            less = None if refund is None else gbp(refund)
            self.attempt(lambda: returning.receive(self.order, made, restock, less, "staff", self.now))

    @rule()
    def invoice(self):
        if invoicing.needs_invoice(self.order):
            self.attempt(lambda: invoicing.invoiced(self.order, "2026-000001", self.now))

    @invariant()
    def each_change_is_one_version(self):
        assert [order.version for order in self.seen] == list(range(1, len(self.seen) + 1))
        for before, after in zip(self.seen, self.seen[1:], strict=False):
            assert after.timeline[: len(before.timeline)] == before.timeline
            assert len(after.timeline) > len(before.timeline) or after.payment_totals != before.payment_totals

    @invariant()
    def only_legal_moves_happened(self):
        for before, after in zip(self.seen, self.seen[1:], strict=False):
            # A payment that was given back before it was heard of is taken and refunded in one change.
            legal = set(TRANSITIONS[before.status].values())
            legal |= {far for near in legal for far in TRANSITIONS[near].values() if far is Status.REFUNDED}
            assert before.status is after.status or after.status in legal
            for old, new in zip(before.returns, after.returns, strict=False):
                assert old.status is new.status or new.status in RETURN_TRANSITIONS[old.status]

    @invariant()
    def a_deadline_runs_while_the_order_is_open_and_only_then(self):
        assert (self.order.expires_at is not None) == (self.order.status in OPEN)

    @invariant()
    def no_more_is_due_back_than_was_secured(self):
        due: Counter[str] = Counter()
        for refund in self.order.refunds_due.values():
            due[refund.payment_id] += refund.amount.amount
        for payment, amount in due.items():
            assert 0 < amount <= self.bank[payment].asked
        if self.order.payment_id:
            own = due[self.order.payment_id]
            lapsed = self.order.reason == CancelReason.AUTHORIZATION_EXPIRED
            paid_and_given_up = self.order.status is Status.CANCELLED and not lapsed
            assert (
                not paid_and_given_up
                or own == self.order.amount_receivable
                or self.order.totals_of(self.order.payment_id).voided
            )
            assert own + self.order.refundable <= max(own, self.total.amount)
            assert not (lapsed and self.bank[self.order.payment_id].captured)

    def teardown(self) -> None:
        """Once all was heard, latest first, the order knows what is so, and owes what it must not keep."""
        for tell in reversed(self.news):
            tell()
        if self.order.status is Status.PENDING:
            return
        for payment, till in self.bank.items():
            known = self.order.totals_of(payment)
            assert (known.captured, known.refunded) == (till.captured, till.back)
            owed = sum(d.amount.amount for d in self.order.refunds_due.values() if d.payment_id == payment)
            if payment != self.order.payment_id:
                assert owed >= till.captured, f"{payment} is nobody's, and kept"

    @invariant()
    def goods_do_not_multiply(self):
        order = self.order
        shipped, back = fulfilling.fulfilled(order), returning.returned(order)
        for line in order.lines:
            assert 0 <= back[line.sku] <= shipped[line.sku] <= line.quantity
        whole = shipped == Counter({line.sku: line.quantity for line in order.lines})
        if order.status in {Status.SHIPPED, Status.DELIVERED}:
            assert whole
        if order.status in {Status.PAID, Status.CANCELLED, Status.EXPIRED, *OPEN}:
            assert not shipped
        everything_came = bool(order.lines) and back == shipped and whole
        in_full = all(made.refund for made in order.returns if made.status is ReturnStatus.RECEIVED)
        if everything_came and in_full and len(order.returns) == 1:
            assert order.refundable in (0, self.total.amount - order.returns[0].refund)

    @invariant()
    def what_is_said_is_counted_from_one_without_a_gap(self):
        said = [
            number
            for before, after in zip([None, *self.seen], self.seen, strict=False)
            for number, _ in published_entries(before, after)
        ]
        assert said == list(range(1, len(said) + 1))


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
