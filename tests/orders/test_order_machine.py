"""A state machine of an order: any sequence of changes and events keeps its invariants."""

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
    quoted = quote()
    if not inclusive:
        quoted = quoted.model_copy(update={"tax_inclusive": False, "total": quoted.total + quoted.tax})
    return agree(quoted, ADDRESS, "ada@example.com", now, timedelta(minutes=30))


@dataclass
class ProviderPayment:
    """A payment at the provider, in minor units."""

    amount: int
    captured: int
    authorized: int
    refunded: int = 0
    version: int = 1

    @property
    def secured(self) -> int:
        return self.captured + self.authorized


class OrderMachine(RuleBasedStateMachine):
    """The order is changed by its rules only. `provider` is the state at the payment provider; `events` are
    its events, which arrive late, in any order and repeatedly."""

    @initialize(inclusive=st.booleans())
    def open(self, inclusive: bool) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.inclusive = inclusive
        self.order = placing.open_order("ord_1", "usr_1", self.now)
        self.versions = [self.order]
        self.provider: dict[str, ProviderPayment] = {}
        self.events: list[Callable[[], None]] = []
        self.executed: set[str] = set()
        self.created = 0

    def attempt(self, changed_by) -> None:
        try:
            changed = changed_by()
        except (IllegalTransition, OrderNotPlacedError, Invalid, NotFound, returning.ReturnWindowClosed):
            return
        if changed is not self.order:
            # A stored order equals the original, except for `released`, which is not stored.
            changed = replace(changed, released=())
            assert to_order(to_row(changed)) == changed
            self.versions.append(changed)
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
    def pay(self, payment, manual, off):
        """Capture or authorize an amount, once per payment."""
        if payment not in self.provider and self.order.terms:
            amount = self.total.amount + off
            self.provider[payment] = ProviderPayment(amount, 0 if manual else amount, amount if manual else 0)
            self.publish(payment, paying.apply_payment)

    @rule(payment=st.sampled_from(PAYMENTS), part=st.sampled_from([2, 1]))
    def capture(self, payment, part):
        state = self.provider.get(payment)
        if state and state.authorized:
            captured = max(1, state.authorized // part)
            state.captured, state.authorized = state.captured + captured, state.authorized - captured
            self.publish(payment, paying.apply_payment if captured == state.captured else paying.apply_totals)

    @rule(payment=st.sampled_from(PAYMENTS))
    def void(self, payment):
        """Void an authorization: it expired, or it was released or replaced."""
        state = self.provider.get(payment)
        if state and state.authorized:
            state.authorized = 0
            if not any(name > payment and other.secured for name, other in self.provider.items()):
                self.publish(payment, paying.apply_void)  # no event for a replaced one

    @rule()
    def execute_a_refund(self):
        """Refund one due amount, once, at most what was captured."""
        for key, due in self.order.refunds_due.items():
            state = self.provider[due.payment_id]
            if key not in self.executed and state.captured:
                self.executed.add(key)
                state.refunded += min(due.amount.amount, state.captured - state.refunded)
                return self.publish(due.payment_id, paying.apply_totals)

    @rule(payment=st.sampled_from(PAYMENTS))
    def fail_a_refund(self, payment):
        state = self.provider.get(payment)
        if state and state.refunded:
            failed = gbp(max(1, state.refunded // 2))
            state.refunded -= failed.amount
            event = f"{payment}.{state.version + 1}"
            self.publish(
                payment,
                lambda order, update, now: paying.apply_failed_refund(order, update, failed, event, now),
            )

    def publish(self, payment, apply):
        state = self.provider[payment]
        state.version += 1
        update = PaymentUpdate(
            payment, state.version, *map(gbp, (state.secured, state.captured, state.refunded))
        )
        self.events.append(lambda: self.attempt(lambda: apply(self.order, update, self.now)))

    @rule(age=st.integers(0, 9))
    def deliver_an_event(self, age):
        """Deliver the latest event or an older one, known or not."""
        if self.events:
            self.events[-1 - age % len(self.events)]()

    @rule(event=st.sampled_from(["e1", "e2"]))
    def decline(self, event):
        self.attempt(lambda: paying.apply_decline(self.order, "declined", event, self.now))

    @rule(wanted=st.none() | pieces)
    def ship(self, wanted):
        self.created += 1
        fulfilment_id = f"ful_{self.created}"
        self.attempt(
            lambda: fulfilling.ship(self.order, fulfilment_id, wanted, "Royal Mail", None, "staff", self.now)
        )

    @rule()
    def deliver(self):
        self.attempt(lambda: fulfilling.deliver(self.order, "staff", self.now))

    @rule(wanted=pieces)
    def request_return(self, wanted):
        self.created += 1
        return_id = f"ret_{self.created}"
        self.attempt(lambda: returning.request(self.order, return_id, wanted, "no", WINDOW, self.now))

    @rule(which=st.integers(1, 12), approved=st.sampled_from([True, True, False]))
    def decide(self, which, approved):
        self.attempt(lambda: returning.decide(self.order, f"ret_{which}", approved, "staff", self.now))

    @rule(which=st.integers(0, 3), restock=st.booleans(), refund=st.none() | st.integers(0, 3_000))
    def receive(self, which, restock, refund):
        approved = [each.return_id for each in self.order.returns if each.status is ReturnStatus.APPROVED]
        if approved:
            return_id = approved[which % len(approved)]
            amount = None if refund is None else gbp(refund)
            self.attempt(lambda: returning.receive(self.order, return_id, restock, amount, "staff", self.now))

    @rule()
    def invoice(self):
        if invoicing.needs_invoice(self.order):
            self.attempt(lambda: invoicing.invoiced(self.order, "2026-000001", self.now))

    @invariant()
    def each_change_is_one_version(self):
        assert [order.version for order in self.versions] == list(range(1, len(self.versions) + 1))
        for before, after in zip(self.versions, self.versions[1:], strict=False):
            assert after.timeline[: len(before.timeline)] == before.timeline
            assert len(after.timeline) > len(before.timeline) or after.payment_totals != before.payment_totals

    @invariant()
    def only_legal_transitions_happened(self):
        for before, after in zip(self.versions, self.versions[1:], strict=False):
            # A payment that was refunded before its first event arrived pays and refunds in one change.
            legal = set(TRANSITIONS[before.status].values())
            legal |= {
                next_ for each in legal for next_ in TRANSITIONS[each].values() if next_ is Status.REFUNDED
            }
            assert before.status is after.status or after.status in legal
            for old, new in zip(before.returns, after.returns, strict=False):
                assert old.status is new.status or new.status in RETURN_TRANSITIONS[old.status]

    @invariant()
    def only_open_orders_have_a_deadline(self):
        assert (self.order.expires_at is not None) == (self.order.status in OPEN)

    @invariant()
    def the_refunds_due_never_exceed_what_was_secured(self):
        due: Counter[str] = Counter()
        for refund in self.order.refunds_due.values():
            due[refund.payment_id] += refund.amount.amount
        for payment, amount in due.items():
            assert 0 < amount <= self.provider[payment].amount
        if self.order.payment_id:
            own = due[self.order.payment_id]
            expired = self.order.reason == CancelReason.AUTHORIZATION_EXPIRED
            was_refunded = self.order.status is Status.CANCELLED and not expired
            assert (
                not was_refunded
                or own == self.order.amount_receivable
                or self.order.totals_of(self.order.payment_id).voided
            )
            assert own + self.order.refundable <= max(own, self.total.amount)
            assert not (expired and self.provider[self.order.payment_id].captured)

    def teardown(self) -> None:
        """Deliver all events, latest first: the order knows the totals and refunds every other payment."""
        for deliver in reversed(self.events):
            deliver()
        if self.order.status is Status.PENDING:
            return
        for payment, state in self.provider.items():
            totals = self.order.totals_of(payment)
            assert (totals.captured, totals.refunded) == (state.captured, state.refunded)
            owed = sum(d.amount.amount for d in self.order.refunds_due.values() if d.payment_id == payment)
            if payment != self.order.payment_id:
                assert owed >= state.captured, f"{payment} is not the order's payment and is not refunded"

    @invariant()
    def no_more_is_returned_than_shipped_or_shipped_than_ordered(self):
        order = self.order
        shipped, received = fulfilling.fulfilled(order), returning.returned(order)
        for line in order.lines:
            assert 0 <= received[line.sku] <= shipped[line.sku] <= line.quantity
        whole = shipped == Counter({line.sku: line.quantity for line in order.lines})
        if order.status in {Status.SHIPPED, Status.DELIVERED}:
            assert whole
        if order.status in {Status.PAID, Status.CANCELLED, Status.EXPIRED, *OPEN}:
            assert not shipped
        all_returned = bool(order.lines) and received == shipped and whole
        in_full = all(each.refund for each in order.returns if each.status is ReturnStatus.RECEIVED)
        if all_returned and in_full and len(order.returns) == 1:
            assert order.refundable in (0, self.total.amount - order.returns[0].refund)

    @invariant()
    def published_entries_are_numbered_from_one_without_gaps(self):
        sequences = [
            sequence
            for before, after in zip([None, *self.versions], self.versions, strict=False)
            for sequence, _ in published_entries(before, after)
        ]
        assert sequences == list(range(1, len(sequences) + 1))


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
