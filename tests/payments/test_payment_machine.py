"""A state machine of shopper, shop, bank and Stripe: the row, the ledger and Stripe always agree."""

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
    """The state at Stripe at one time."""

    intent: Intent
    refunds: tuple[StripeRefund, ...] = ()
    disputes: tuple[Dispute, ...] = ()

    @property
    def refunded(self) -> int:
        return sum(each.amount for each in self.refunds if each.status in refunds.REFUNDED)

    @property
    def withheld(self) -> int:
        return sum(each.withheld for each in self.disputes)


@dataclass
class Worker:
    """A worker that has read the row and perhaps Stripe, and has not written yet."""

    held: Payment
    rows: dict[str, Refund]
    seen: Stripe | None = None


@dataclass
class Shop:
    """The rows of one payment, written only under the version that was read."""

    payment: Payment
    rows: dict[str, Refund] = field(default_factory=dict)
    ledger: list[Entry] = field(default_factory=list)
    published: list[str] = field(default_factory=list)

    def write(self, old: Payment, new: Payment, changed: list[Refund]) -> bool:
        if old.version != self.payment.version:
            return False
        if new == old and not changed:
            return True
        after = replace(new, version=old.version + 1, updated_at=LATER)
        entry = postings(old, after)
        if entry:
            assert entry.version not in {each.version for each in self.ledger}, (
                "entries are added and never changed"
            )
            self.ledger.append(entry)
        self.published += [pending.event_class.event_type() for pending in domain_events.derive(old, after)]
        self.payment = after
        self.rows |= {each.refund_id: each for each in changed}
        return True


class PaymentMachine(RuleBasedStateMachine):
    capture = CaptureMethod.AUTOMATIC

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(replace(PAYMENT, capture_method=self.capture))
        intent = Intent("pi_1", "requires_payment_method", order_id="ord_1", payment_id="pay_1")
        self.stripe = Stripe(intent)
        self.workers: list[Worker] = []
        self.captures_sent: set[Claim] = set()
        self.in_flight: list[Claim] = []
        self.due = 0
        self.given = 0

    def change_intent(self, **changes: object) -> None:
        self.stripe = replace(self.stripe, intent=replace(self.stripe.intent, **changes))  # type: ignore[arg-type]

    @property
    def intent(self) -> Intent:
        return self.stripe.intent

    # The shopper

    @initialize(at_once=st.booleans(), many=st.booleans())
    def shopper_begins(self, at_once: bool, many: bool) -> None:
        if at_once:
            self.accept(many)

    @precondition(lambda self: self.intent.status == "requires_payment_method")
    @rule(many=st.booleans())
    def card_is_accepted(self, many: bool) -> None:
        self.accept(many)

    def accept(self, many: bool) -> None:
        if self.capture is CaptureMethod.MANUAL:
            self.change_intent(
                status="requires_capture",
                amount_capturable=TOTAL,
                multicapture=many,
                capture_before=NOW + timedelta(days=7),
            )
        else:
            self.change_intent(status="succeeded", amount_received=TOTAL)

    # Workers: each reads the row, reads Stripe and writes at any time

    @rule()
    def worker_reads_row(self) -> None:
        self.workers.append(Worker(self.shop.payment, dict(self.shop.rows)))

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def worker_reads_stripe(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if payments.must_cancel(worker.held, self.intent):
            self.void()
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

    def sync(self) -> None:
        """Run one worker without interruption."""
        worker = Worker(self.shop.payment, dict(self.shop.rows))
        if payments.must_cancel(worker.held, self.intent):
            self.void()
        worker.seen = self.stripe
        assert self.write(worker)

    # The order

    @rule(rarely=st.integers(0, 7))
    def order_ends(self, rarely: int) -> None:
        held = self.shop.payment
        if not held.captures.due and rarely == 7:
            self.shop.write(held, replace(held, cancel_requested=True), [])

    def void(self) -> None:
        received = self.intent.amount_received
        self.change_intent(status="succeeded" if received else "canceled", amount_capturable=0)

    @precondition(lambda self: not self.shop.payment.cancel_requested)
    @rule(so_far=st.integers(1, TOTAL), fully_shipped=st.booleans())
    def goods_are_shipped(self, so_far: int, fully_shipped: bool) -> None:
        held = self.shop.payment
        if held.capture_method is CaptureMethod.MANUAL:
            self.due = max(self.due, so_far)
            self.shop.write(held, payments.add_capture_due(held, so_far, fully_shipped), [])

    @rule(sent=st.booleans(), answered=st.booleans())
    def capture_due(self, sent: bool, answered: bool) -> None:
        self.sync()
        held = self.shop.payment
        if not follow_ups.owes_capture(held) or not held.authorization.capturable:
            return
        assert self.shop.write(held, payments.claim_capture(held), [])
        claim = self.shop.payment.captures.claim
        assert claim
        if sent:
            self.stripe_captures(claim)
        else:
            self.in_flight.append(claim)
        if answered:
            self.sync()

    @precondition(
        lambda self: self.intent.status == "requires_capture" and not self.shop.payment.cancel_requested
    )
    @rule(so_far=st.integers(1, TOTAL), sent=st.booleans())
    def goods_are_shipped_and_captured(self, so_far: int, sent: bool) -> None:
        self.goods_are_shipped(so_far, fully_shipped=False)
        self.capture_due(sent, answered=False)

    @precondition(lambda self: self.in_flight)
    @rule()
    def a_slow_request_reaches_stripe(self) -> None:
        self.stripe_captures(self.in_flight.pop(0))

    def stripe_captures(self, claim: Claim) -> None:
        """Capture at Stripe, which remembers idempotency keys."""
        if claim in self.captures_sent or self.intent.status != "requires_capture":
            return
        self.captures_sent.add(claim)
        if claim.amount > self.intent.amount_capturable:
            return
        received = self.intent.amount_received + claim.amount
        left = 0 if claim.final else self.intent.amount_capturable - claim.amount
        status = "succeeded" if claim.final else "requires_capture"
        self.change_intent(status=status, amount_received=received, amount_capturable=left)

    # Refunds

    @rule(amount=st.integers(1, TOTAL))
    def refund_is_reserved(self, amount: int) -> None:
        held = self.shop.payment
        if held.disputes.any_open or amount > held.refundable:
            return
        self.given += 1
        row = Refund(f"ref_{self.given}", "pay_1", amount, "late", LATER)
        reserved = replace(held, refunds=held.refunds.with_new(row))
        assert self.shop.write(held, reserved, [row])

    @rule(data=st.data(), pending=st.booleans())
    def refund_is_sent(self, data: st.DataObject, pending: bool) -> None:
        requested = [each for each in self.shop.rows.values() if each.status is RefundStatus.REQUESTED]
        if not requested:
            return
        row = data.draw(st.sampled_from(requested))
        known = {each.refund_id for each in self.stripe.refunds}
        open_or_lost = any(each.is_open or each.is_lost for each in self.stripe.disputes)
        room = self.intent.amount_received - self.stripe.refunded
        if row.refund_id in known or open_or_lost or row.amount > room:
            return
        status = RefundStatus.PENDING if pending else RefundStatus.SUCCEEDED
        made = StripeRefund(f"re_{len(self.stripe.refunds)}", row.refund_id, status, row.amount)
        self.stripe = replace(self.stripe, refunds=(*self.stripe.refunds, made))

    @rule(amount=st.integers(1, TOTAL))
    def refund_is_created_in_stripe(self, amount: int) -> None:
        room = self.intent.amount_received - self.stripe.refunded - self.stripe.withheld
        if amount <= room:
            made = StripeRefund(f"re_{len(self.stripe.refunds)}", None, RefundStatus.SUCCEEDED, amount)
            self.stripe = replace(self.stripe, refunds=(*self.stripe.refunds, made))

    @precondition(lambda self: self.stripe.refunded)
    @rule(data=st.data())
    def refund_fails_later(self, data: st.DataObject) -> None:
        back = [each for each in self.stripe.refunds if each.status in refunds.REFUNDED]
        failed = data.draw(st.sampled_from(back))
        self.stripe = replace(
            self.stripe,
            refunds=tuple(
                replace(each, status=RefundStatus.FAILED) if each == failed else each
                for each in self.stripe.refunds
            ),
        )

    # Disputes

    @precondition(lambda self: not self.stripe.disputes)
    @rule()
    def bank_disputes(self) -> None:
        left = self.intent.amount_received - self.stripe.refunded
        if left > 0:
            dispute = Dispute("du_1", "needs_response", left, "fraudulent", withheld=left)
            self.stripe = replace(self.stripe, disputes=(dispute,))

    @precondition(lambda self: any(each.is_open for each in self.stripe.disputes))
    @rule(won=st.booleans())
    def bank_decides(self, won: bool) -> None:
        [dispute] = self.stripe.disputes
        decided = replace(dispute, status="won", withheld=0) if won else replace(dispute, status="lost")
        self.stripe = replace(self.stripe, disputes=(decided,))

    # Invariants

    @invariant()
    def the_ledger_balances(self) -> None:
        assert all(sum(line.amount for line in entry.lines) == 0 for entry in self.shop.ledger)
        assert balances(self.shop.ledger) == expected(self.shop.payment)

    @invariant()
    def captures_never_exceed_the_amount_due_or_authorized(self) -> None:
        received = self.intent.amount_received
        assert 0 <= received <= TOTAL
        if self.capture is CaptureMethod.MANUAL and self.intent.multicapture:
            assert received <= self.due
        elif self.capture is CaptureMethod.MANUAL and received:
            assert received == TOTAL or self.shop.payment.captures.fully_shipped, (
                "no goods are shipped unpaid"
            )

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
    def single_events_are_published_once(self) -> None:
        for kind in ("payment.authorized", "payment.succeeded", "payment.voided"):
            assert self.shop.published.count(kind) <= 1, self.shop.published

    def teardown(self) -> None:
        """Whatever workers are running, the payment equals Stripe's state after two synchronizations."""
        for worker in [worker for worker in self.workers if worker.seen]:
            self.write(worker)
        self.sync()
        self.sync()
        held = self.shop.payment
        assert (held.captures.captured, held.authorization.capturable) == (
            self.intent.amount_received,
            self.intent.amount_capturable,
        )
        assert held.refunds.refunded == self.stripe.refunded
        assert held.disputes.withheld + held.disputes.lost == self.stripe.withheld
        assert (held.status is Status.DISPUTED) == any(
            each.is_open or each.is_lost for each in self.stripe.disputes
        )
        assert ("payment.succeeded" in self.shop.published) == (held.captures.captured > 0)
        assert self.shop.published.count("payment.captured") <= len(self.captures_sent)
        if not follow_ups.has_work(held) and held.authorization.capturable:
            assert follow_ups.due_at(held, LATER), "every authorization is checked again"


class ManualCaptureMachine(PaymentMachine):
    capture = CaptureMethod.MANUAL


TestPaymentMachine = PaymentMachine.TestCase
TestPaymentMachine.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestManualCaptureMachine = ManualCaptureMachine.TestCase
TestManualCaptureMachine.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
