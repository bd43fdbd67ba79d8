"""A state machine of shopper, shop, bank and Stripe: the stored payment always matches its ledger."""

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
    """The state of a payment at Stripe at one moment."""

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
    """A worker that has read the rows, perhaps also Stripe, and has not written yet."""

    payment: Payment
    rows: dict[str, Refund]
    seen: Stripe | None = None


@dataclass
class Shop:
    """The rows of one payment, written only if their version is the one that was read."""

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
                "entries are added, never changed"
            )
            self.ledger.append(entry)
        self.published += [pending.event_class.event_type() for pending in domain_events.derive(old, after)]
        self.payment = after
        self.rows |= {each.refund_id: each for each in changed}
        return True


class PaymentLifecycle(RuleBasedStateMachine):
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
        self.refund_count = 0

    def set_intent(self, **changes: object) -> None:
        self.stripe = replace(self.stripe, intent=replace(self.stripe.intent, **changes))  # type: ignore[arg-type]

    @property
    def intent(self) -> Intent:
        return self.stripe.intent

    # The shopper

    @initialize(at_once=st.booleans(), multicapture=st.booleans())
    def start(self, at_once: bool, multicapture: bool) -> None:
        if at_once:
            self.confirm(multicapture)

    @precondition(lambda self: self.intent.status == "requires_payment_method")
    @rule(multicapture=st.booleans())
    def confirm_card(self, multicapture: bool) -> None:
        self.confirm(multicapture)

    def confirm(self, multicapture: bool) -> None:
        if self.capture is CaptureMethod.MANUAL:
            self.set_intent(
                status="requires_capture",
                amount_capturable=TOTAL,
                multicapture=multicapture,
                hold_until=NOW + timedelta(days=7),
            )
        else:
            self.set_intent(status="succeeded", amount_received=TOTAL)

    # The shop's workers: each reads the rows, reads Stripe and writes, in any interleaving

    @rule()
    def read_rows(self) -> None:
        self.workers.append(Worker(self.shop.payment, dict(self.shop.rows)))

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def read_stripe(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if payments.must_cancel(worker.payment, self.intent):
            self.release()
        worker.seen = self.stripe

    @precondition(lambda self: any(worker.seen for worker in self.workers))
    @rule(data=st.data())
    def write_payment(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.workers if worker.seen]))
        self.workers.remove(worker)
        self.write(worker)

    def write(self, worker: Worker) -> bool:
        payment, seen = worker.payment, worker.seen
        assert seen
        before = list(worker.rows.values())
        after = refunds.merge(payment.payment_id, before, seen.refunds, LATER)
        counted = replace(payment, refunds=payment.refunds.with_changes(before, after))
        new = payments.observe(counted, seen.intent, seen.disputes)
        return self.shop.write(payment, new, [each for each in after if each not in before])

    def sync(self) -> None:
        """Read the rows and Stripe and write, without interruption."""
        worker = Worker(self.shop.payment, dict(self.shop.rows))
        if payments.must_cancel(worker.payment, self.intent):
            self.release()
        worker.seen = self.stripe
        assert self.write(worker)

    # The order

    @rule(chance=st.integers(0, 7))
    def end_order(self, chance: int) -> None:
        payment = self.shop.payment
        if not payment.captures.due and chance == 7:
            self.shop.write(payment, replace(payment, cancel_requested=True), [])

    def release(self) -> None:
        received = self.intent.amount_received
        self.set_intent(status="succeeded" if received else "canceled", amount_capturable=0)

    @precondition(lambda self: not self.shop.payment.cancel_requested)
    @rule(due=st.integers(1, TOTAL), fully_shipped=st.booleans())
    def ship(self, due: int, fully_shipped: bool) -> None:
        payment = self.shop.payment
        if payment.capture_method is CaptureMethod.MANUAL:
            self.due = max(self.due, due)
            self.shop.write(payment, payments.add_capture_due(payment, due, fully_shipped), [])

    @rule(sent=st.booleans(), synced=st.booleans())
    def capture_due(self, sent: bool, synced: bool) -> None:
        self.sync()
        payment = self.shop.payment
        if not follow_ups.owes_capture(payment) or not payment.authorization.capturable:
            return
        assert self.shop.write(payment, payments.claim_capture(payment), [])
        claim = self.shop.payment.captures.claim
        assert claim
        if sent:
            self.capture_at_stripe(claim)
        else:
            self.in_flight.append(claim)
        if synced:
            self.sync()

    @precondition(
        lambda self: self.intent.status == "requires_capture" and not self.shop.payment.cancel_requested
    )
    @rule(due=st.integers(1, TOTAL), sent=st.booleans())
    def ship_and_capture(self, due: int, sent: bool) -> None:
        self.ship(due, fully_shipped=False)
        self.capture_due(sent, synced=False)

    @precondition(lambda self: self.in_flight)
    @rule()
    def deliver_late_request(self) -> None:
        self.capture_at_stripe(self.in_flight.pop(0))

    def capture_at_stripe(self, claim: Claim) -> None:
        """Capture at Stripe; a repeated claim has no effect, because it has the same idempotency key."""
        if claim in self.captures_sent or self.intent.status != "requires_capture":
            return
        self.captures_sent.add(claim)
        if claim.amount > self.intent.amount_capturable:
            return
        received = self.intent.amount_received + claim.amount
        remaining = 0 if claim.final else self.intent.amount_capturable - claim.amount
        status = "succeeded" if claim.final else "requires_capture"
        self.set_intent(status=status, amount_received=received, amount_capturable=remaining)

    # Refunds

    @rule(amount=st.integers(1, TOTAL))
    def reserve_refund(self, amount: int) -> None:
        payment = self.shop.payment
        if payment.disputes.any_open or amount > payment.refundable:
            return
        self.refund_count += 1
        row = Refund(f"ref_{self.refund_count}", "pay_1", amount, "late", LATER)
        reserved = replace(payment, refunds=payment.refunds.with_new(row))
        assert self.shop.write(payment, reserved, [row])

    @rule(data=st.data(), pending=st.booleans())
    def request_refund(self, data: st.DataObject, pending: bool) -> None:
        unsent = [each for each in self.shop.rows.values() if each.status is RefundStatus.REQUESTED]
        if not unsent:
            return
        row = data.draw(st.sampled_from(unsent))
        known = {each.refund_id for each in self.stripe.refunds}
        open_or_lost = any(each.is_open or each.is_lost for each in self.stripe.disputes)
        remaining = self.intent.amount_received - self.stripe.refunded
        if row.refund_id in known or open_or_lost or row.amount > remaining:
            return
        status = RefundStatus.PENDING if pending else RefundStatus.SUCCEEDED
        refund = StripeRefund(f"re_{len(self.stripe.refunds)}", row.refund_id, status, row.amount)
        self.stripe = replace(self.stripe, refunds=(*self.stripe.refunds, refund))

    @rule(amount=st.integers(1, TOTAL))
    def refund_in_stripe(self, amount: int) -> None:
        remaining = self.intent.amount_received - self.stripe.refunded - self.stripe.withheld
        if amount <= remaining:
            refund = StripeRefund(f"re_{len(self.stripe.refunds)}", None, RefundStatus.SUCCEEDED, amount)
            self.stripe = replace(self.stripe, refunds=(*self.stripe.refunds, refund))

    @precondition(lambda self: self.stripe.refunded)
    @rule(data=st.data())
    def fail_refund(self, data: st.DataObject) -> None:
        counted = [each for each in self.stripe.refunds if each.status in refunds.REFUNDED]
        failed = data.draw(st.sampled_from(counted))
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
    def open_dispute(self) -> None:
        remaining = self.intent.amount_received - self.stripe.refunded
        if remaining > 0:
            dispute = Dispute("du_1", "needs_response", remaining, "fraudulent", withheld=remaining)
            self.stripe = replace(self.stripe, disputes=(dispute,))

    @precondition(lambda self: any(each.is_open for each in self.stripe.disputes))
    @rule(won=st.booleans())
    def close_dispute(self, won: bool) -> None:
        [dispute] = self.stripe.disputes
        decided = replace(dispute, status="won", withheld=0) if won else replace(dispute, status="lost")
        self.stripe = replace(self.stripe, disputes=(decided,))

    # Invariants

    @invariant()
    def the_ledger_matches_the_payment(self) -> None:
        assert all(sum(line.amount for line in entry.lines) == 0 for entry in self.shop.ledger)
        assert balances(self.shop.ledger) == expected(self.shop.payment)

    @invariant()
    def captures_never_exceed_what_is_due_or_authorized(self) -> None:
        received = self.intent.amount_received
        assert 0 <= received <= TOTAL
        if self.capture is CaptureMethod.MANUAL and self.intent.multicapture:
            assert received <= self.due
        elif self.capture is CaptureMethod.MANUAL and received:
            assert received == TOTAL or self.shop.payment.captures.fully_shipped, (
                "every fulfilment is captured"
            )

    @invariant()
    def refunds_add_up(self) -> None:
        rows = self.shop.rows.values()
        payment = self.shop.payment
        assert payment.refunds.refunded == sum(
            each.amount for each in rows if each.status in refunds.REFUNDED
        )
        assert payment.refunds.reserved == sum(
            each.amount for each in rows if each.status is not RefundStatus.FAILED
        )
        assert len({each.provider_id for each in rows if each.provider_id}) == sum(
            1 for each in rows if each.provider_id
        )

    @invariant()
    def events_are_published_at_most_once(self) -> None:
        for kind in ("payment.authorized", "payment.succeeded", "payment.voided"):
            assert self.shop.published.count(kind) <= 1, self.shop.published

    def teardown(self) -> None:
        """After two syncs the payment matches Stripe, however many workers were interrupted."""
        for worker in [worker for worker in self.workers if worker.seen]:
            self.write(worker)
        self.sync()
        self.sync()
        payment = self.shop.payment
        assert (payment.captures.captured, payment.authorization.capturable) == (
            self.intent.amount_received,
            self.intent.amount_capturable,
        )
        assert payment.refunds.refunded == self.stripe.refunded
        assert payment.disputes.withheld + payment.disputes.lost == self.stripe.withheld
        assert (payment.status is Status.DISPUTED) == any(
            each.is_open or each.is_lost for each in self.stripe.disputes
        )
        assert ("payment.succeeded" in self.shop.published) == (payment.captures.captured > 0)
        assert self.shop.published.count("payment.captured") <= len(self.captures_sent)
        if not follow_ups.has_work(payment) and payment.authorization.capturable:
            assert follow_ups.due_at(payment, LATER), "an open authorization always has a follow-up"


class ManualCaptureLifecycle(PaymentLifecycle):
    capture = CaptureMethod.MANUAL


TestPaymentLifecycle = PaymentLifecycle.TestCase
TestPaymentLifecycle.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestManualCaptureLifecycle = ManualCaptureLifecycle.TestCase
TestManualCaptureLifecycle.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
