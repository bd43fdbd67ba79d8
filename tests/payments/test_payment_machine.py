"""A shopper, a shop, a bank and Stripe do as they like: what is held here is always explained."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from payments.domain import domain_events, follow_ups, payments, refunds
from payments.domain.captures import CaptureMethod, Claim
from payments.domain.disputes import Dispute
from payments.domain.ledger import Entry, balances, expected, postings
from payments.domain.payments import Payment, Status
from payments.domain.refunds import Refund, RefundStatus, StripeRefund
from payments.domain.stripe_objects import Intent
from tests.payments.samples import NOW, PAYMENT, TOTAL

LATER = NOW + timedelta(minutes=1)


@dataclass(frozen=True)
class Stripe:
    """What Stripe knows, at one moment."""

    intent: Intent
    refunds: tuple[StripeRefund, ...] = ()
    disputes: tuple[Dispute, ...] = ()

    @property
    def back(self) -> int:
        return sum(each.amount for each in self.refunds if each.status in refunds.REFUNDED)

    @property
    def taken(self) -> int:
        return sum(each.withheld for each in self.disputes)


@dataclass
class Worker:
    """One that read the row, maybe looked at Stripe, and has not written yet."""

    held: Payment
    rows: dict[str, Refund]
    seen: Stripe | None = None


@dataclass
class Shop:
    """The rows of one payment: written under the version that was read, or not at all."""

    payment: Payment
    rows: dict[str, Refund] = field(default_factory=dict)
    ledger: list[Entry] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def write(self, old: Payment, new: Payment, changed: list[Refund]) -> bool:
        if old.version != self.payment.version:
            return False
        if new == old and not changed:
            return True
        after = replace(new, version=old.version + 1, updated_at=LATER)
        entry = postings(old, after)
        if entry:
            assert entry.version not in {each.version for each in self.ledger}, "added, never changed"
            self.ledger.append(entry)
        self.said += [pending.event_class.event_type() for pending in domain_events.derive(old, after)]
        self.payment = after
        self.rows |= {each.refund_id: each for each in changed}
        return True


class Life(RuleBasedStateMachine):
    capture = CaptureMethod.AUTOMATIC

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(replace(PAYMENT, capture_method=self.capture))
        intent = Intent("pi_1", "requires_payment_method", order_id="ord_1", payment_id="pay_1")
        self.stripe = Stripe(intent)
        self.workers: list[Worker] = []
        self.asked: set[Claim] = set()
        self.in_flight: list[Claim] = []
        self.due = 0
        self.given = 0

    def becomes(self, **changes: object) -> None:
        self.stripe = replace(self.stripe, intent=replace(self.stripe.intent, **changes))  # type: ignore[arg-type]

    @property
    def intent(self) -> Intent:
        return self.stripe.intent

    # The shopper.

    @initialize(at_once=st.booleans(), many=st.booleans())
    def shopper_comes(self, at_once: bool, many: bool) -> None:
        if at_once:
            self.agree(many)

    @precondition(lambda self: self.intent.status == "requires_payment_method")
    @rule(many=st.booleans())
    def card_agrees(self, many: bool) -> None:
        self.agree(many)

    def agree(self, many: bool) -> None:
        if self.capture is CaptureMethod.MANUAL:
            self.becomes(
                status="requires_capture",
                amount_capturable=TOTAL,
                multicapture=many,
                capture_before=NOW + timedelta(days=7),
            )
        else:
            self.becomes(status="succeeded", amount_received=TOTAL)

    # The shop's workers: each reads, looks and writes whenever it likes.

    @rule()
    def worker_reads(self) -> None:
        self.workers.append(Worker(self.shop.payment, dict(self.shop.rows)))

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def worker_looks(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if payments.must_cancel(worker.held, self.intent):
            self.let_go()
        worker.seen = self.stripe

    @precondition(lambda self: any(worker.seen for worker in self.workers))
    @rule(data=st.data())
    def worker_writes(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.workers if worker.seen]))
        self.workers.remove(worker)
        self.write(worker)

    def write(self, worker: Worker) -> bool:
        held, seen = worker.held, worker.seen
        assert seen
        before = list(worker.rows.values())
        after = refunds.merge(held.payment_id, before, seen.refunds, LATER)
        counted = replace(held, refunds=held.refunds.with_changes(before, after))
        new = payments.observe(counted, seen.intent, seen.disputes)
        return self.shop.write(held, new, [each for each in after if each not in before])

    def look(self) -> None:
        """One worker, uninterrupted."""
        worker = Worker(self.shop.payment, dict(self.shop.rows))
        if payments.must_cancel(worker.held, self.intent):
            self.let_go()
        worker.seen = self.stripe
        assert self.write(worker)

    # The order.

    @rule(rarely=st.integers(0, 7))
    def order_ends(self, rarely: int) -> None:
        held = self.shop.payment
        if not held.captures.due and rarely == 7:
            self.shop.write(held, replace(held, cancel_requested=True), [])

    def let_go(self) -> None:
        received = self.intent.amount_received
        self.becomes(status="succeeded" if received else "canceled", amount_capturable=0)

    @precondition(lambda self: not self.shop.payment.cancel_requested)
    @rule(so_far=st.integers(1, TOTAL), fully_shipped=st.booleans())
    def parcel_leaves(self, so_far: int, fully_shipped: bool) -> None:
        held = self.shop.payment
        if held.capture_method is CaptureMethod.MANUAL:
            self.due = max(self.due, so_far)
            self.shop.write(held, payments.add_capture_due(held, so_far, fully_shipped), [])

    @rule(asked=st.booleans(), answered=st.booleans())
    def capture_what_is_due(self, asked: bool, answered: bool) -> None:
        self.look()
        held = self.shop.payment
        if not follow_ups.owes_capture(held) or not held.authorization.capturable:
            return
        assert self.shop.write(held, payments.claim_capture(held), [])
        claim = self.shop.payment.captures.claim
        assert claim
        if asked:
            self.stripe_captures(claim)
        else:
            self.in_flight.append(claim)
        if answered:
            self.look()

    @precondition(
        lambda self: self.intent.status == "requires_capture" and not self.shop.payment.cancel_requested
    )
    @rule(so_far=st.integers(1, TOTAL), asked=st.booleans())
    def parcel_leaves_and_is_heard_of(self, so_far: int, asked: bool) -> None:
        self.parcel_leaves(so_far, fully_shipped=False)
        self.capture_what_is_due(asked, answered=False)

    @precondition(lambda self: self.in_flight)
    @rule()
    def a_slow_request_reaches_stripe(self) -> None:
        self.stripe_captures(self.in_flight.pop(0))

    def stripe_captures(self, claim: Claim) -> None:
        """Stripe, which knows a key that it has seen."""
        if claim in self.asked or self.intent.status != "requires_capture":
            return
        self.asked.add(claim)
        if claim.amount > self.intent.amount_capturable:
            return
        received = self.intent.amount_received + claim.amount
        left = 0 if claim.final else self.intent.amount_capturable - claim.amount
        status = "succeeded" if claim.final else "requires_capture"
        self.becomes(status=status, amount_received=received, amount_capturable=left)

    # Money back.

    @rule(amount=st.integers(1, TOTAL))
    def refund_is_claimed(self, amount: int) -> None:
        held = self.shop.payment
        if held.disputes.any_open or amount > held.refundable:
            return
        self.given += 1
        row = Refund(f"ref_{self.given}", "pay_1", amount, "late", LATER)
        reserved = replace(held, refunds=held.refunds.with_new(row))
        assert self.shop.write(held, reserved, [row])

    @rule(data=st.data(), pending=st.booleans())
    def stripe_is_asked_for_a_refund(self, data: st.DataObject, pending: bool) -> None:
        waiting = [each for each in self.shop.rows.values() if each.status is RefundStatus.REQUESTED]
        if not waiting:
            return
        row = data.draw(st.sampled_from(waiting))
        known = {each.refund_id for each in self.stripe.refunds}
        open_or_lost = any(each.is_open or each.is_lost for each in self.stripe.disputes)
        room = self.intent.amount_received - self.stripe.back
        if row.refund_id in known or open_or_lost or row.amount > room:
            return
        status = RefundStatus.PENDING if pending else RefundStatus.SUCCEEDED
        made = StripeRefund(f"re_{len(self.stripe.refunds)}", row.refund_id, status, row.amount)
        self.stripe = replace(self.stripe, refunds=(*self.stripe.refunds, made))

    @rule(amount=st.integers(1, TOTAL))
    def somebody_refunds_by_hand(self, amount: int) -> None:
        room = self.intent.amount_received - self.stripe.back - self.stripe.taken
        if amount <= room:
            made = StripeRefund(f"re_{len(self.stripe.refunds)}", None, RefundStatus.SUCCEEDED, amount)
            self.stripe = replace(self.stripe, refunds=(*self.stripe.refunds, made))

    @precondition(lambda self: self.stripe.back)
    @rule(data=st.data())
    def refund_fails_after_all(self, data: st.DataObject) -> None:
        back = [each for each in self.stripe.refunds if each.status in refunds.REFUNDED]
        failed = data.draw(st.sampled_from(back))
        self.stripe = replace(
            self.stripe,
            refunds=tuple(
                replace(each, status=RefundStatus.FAILED) if each == failed else each
                for each in self.stripe.refunds
            ),
        )

    # Banks.

    @precondition(lambda self: not self.stripe.disputes)
    @rule()
    def bank_disputes(self) -> None:
        left = self.intent.amount_received - self.stripe.back
        if left > 0:
            dispute = Dispute("du_1", "needs_response", left, "fraudulent", withheld=left)
            self.stripe = replace(self.stripe, disputes=(dispute,))

    @precondition(lambda self: any(each.is_open for each in self.stripe.disputes))
    @rule(won=st.booleans())
    def bank_decides(self, won: bool) -> None:
        [dispute] = self.stripe.disputes
        decided = replace(dispute, status="won", withheld=0) if won else replace(dispute, status="lost")
        self.stripe = replace(self.stripe, disputes=(decided,))

    # What always follow_ups.

    @invariant()
    def the_ledger_explains_the_row(self) -> None:
        assert all(sum(line.amount for line in entry.lines) == 0 for entry in self.shop.ledger)
        assert balances(self.shop.ledger) == expected(self.shop.payment)

    @invariant()
    def no_more_is_captured_than_is_due_or_was_held(self) -> None:
        received = self.intent.amount_received
        assert 0 <= received <= TOTAL
        if self.capture is CaptureMethod.MANUAL and self.intent.multicapture:
            assert received <= self.due
        elif self.capture is CaptureMethod.MANUAL and received:
            assert received == TOTAL or self.shop.payment.captures.fully_shipped, "nothing leaves unpaid"

    @invariant()
    def refunds_add_up(self) -> None:
        rows = self.shop.rows.values()
        held = self.shop.payment
        assert held.refunds.refunded == sum(each.amount for each in rows if each.status in refunds.REFUNDED)
        assert held.refunds.reserved == sum(
            each.amount for each in rows if each.status is not RefundStatus.FAILED
        )
        assert len({each.provider_id for each in rows if each.provider_id}) == sum(
            1 for each in rows if each.provider_id
        )

    @invariant()
    def what_is_told_once_is_told_once(self) -> None:
        for kind in ("payment.authorized", "payment.succeeded", "payment.voided"):
            assert self.shop.said.count(kind) <= 1, self.shop.said

    def teardown(self) -> None:
        """However many workers are under way: two looks later all is as Stripe says."""
        for worker in [worker for worker in self.workers if worker.seen]:
            self.write(worker)
        self.look()
        self.look()
        held = self.shop.payment
        assert (held.captures.captured, held.authorization.capturable) == (
            self.intent.amount_received,
            self.intent.amount_capturable,
        )
        assert held.refunds.refunded == self.stripe.back
        assert held.disputes.withheld + held.disputes.lost == self.stripe.taken
        assert (held.status is Status.DISPUTED) == any(
            each.is_open or each.is_lost for each in self.stripe.disputes
        )
        assert ("payment.succeeded" in self.shop.said) == (held.captures.captured > 0)
        assert self.shop.said.count("payment.captured") <= len(self.asked)
        if not follow_ups.has_work(held) and held.authorization.capturable:
            assert follow_ups.due_at(held, LATER), "a hold always has somebody to come back"


class LifeByManualCapture(Life):
    capture = CaptureMethod.MANUAL


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestLifeByManualCapture = LifeByManualCapture.TestCase
TestLifeByManualCapture.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
