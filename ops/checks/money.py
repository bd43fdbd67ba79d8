"""Checks of payments, refunds and the ledger against Stripe, and of orders against payments."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.checks.results import CheckResult, expect, expect_equal
from ops.records import Order, Payment
from ops.snapshot import Snapshot

Object = Mapping[str, Any]

# https://docs.stripe.com/payments/paymentintents/lifecycle
PAYMENT_STATUSES = {
    "requires_payment_method": "requires_payment",
    "requires_confirmation": "requires_payment",
    "requires_action": "requires_payment",
    "processing": "processing",
    "requires_capture": "authorized",
    "canceled": "cancelled",
}
# https://docs.stripe.com/api/refunds/object#refund_object-status
REFUND_STATUSES = {"requires_action": "pending", "canceled": "failed"}
REFUNDED = {"pending", "succeeded", "requires_action"}
# https://docs.stripe.com/api/disputes/object#dispute_object-status: `warning_…` withholds no money
OPEN_DISPUTES = {"needs_response", "under_review"}
OPEN = {"requires_payment", "processing", "authorized"}


def payments_match_stripe(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each payment matches its PaymentIntent, and each of the shop's PaymentIntents has one."""
    known = {payment.provider_id for payment in snapshot.payments.values()}
    for payment in snapshot.payments.values():
        result.add(payment.payment_id, *_payment_problems(snapshot, payment))
    foreign = 0
    for intent in snapshot.intents.values():
        ours = intent["metadata"].get("payment_id") or intent["metadata"].get("order_id")
        foreign += not ours
        if ours and intent["id"] not in known:
            result.add(
                intent["id"],
                f"has no payment here; its metadata names {ours}, it received {intent['amount_received']}",
            )
    if foreign:
        result.notes.append(f"{foreign} PaymentIntents of this Stripe account are not the shop's")


def _payment_problems(snapshot: Snapshot, payment: Payment) -> Iterator[str | None]:
    if payment.provider_id is None:
        if payment.captured or payment.refunded:
            yield f"has {payment.captured} captured and no PaymentIntent"
        return
    intent = snapshot.intents.get(payment.provider_id)
    if intent is None:
        yield f"has the PaymentIntent {payment.provider_id}, which Stripe does not have"
        return
    yield expect_equal("order", payment.order_id, intent["metadata"].get("order_id"))
    yield expect_equal("amount", payment.amount, intent["amount"])
    yield expect_equal("currency", payment.currency.lower(), intent["currency"])
    yield expect_equal("captured", payment.captured, intent["amount_received"])
    yield expect_equal("refunded", payment.refunded, _refunded(snapshot, payment.provider_id))
    yield expect_equal("status", payment.status, _payment_status(snapshot, intent))


def _refunded(snapshot: Snapshot, intent_id: str) -> int:
    """Return the refunded amount of a PaymentIntent in minor units, including pending refunds."""
    return sum(each["amount"] for each in snapshot.refunds.get(intent_id, ()) if each["status"] in REFUNDED)


def _payment_status(snapshot: Snapshot, intent: Object) -> str:
    disputes = {each["status"] for each in snapshot.disputes.get(intent["id"], ())}
    if disputes & (OPEN_DISPUTES | {"lost"}):
        return "disputed"
    captured, refunded = intent["amount_received"], _refunded(snapshot, intent["id"])
    if not captured:
        return PAYMENT_STATUSES.get(intent["status"]) or str(intent["status"])
    if not refunded:
        return "succeeded"
    return "refunded" if refunded >= captured else "partially_refunded"


def refunds_match_stripe(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each refund matches Stripe's and the reverse, and that each requested one reached Stripe."""
    for payment in snapshot.payments.values():
        at_stripe = {each["id"]: each for each in snapshot.refunds.get(payment.provider_id or "", ())}
        for refund in payment.refunds:
            subject = f"{payment.payment_id} {refund.refund_id}"
            if refund.provider_id is None:
                frozen = payment.status == "disputed"
                overdue = refund.status == "requested" and not frozen and snapshot.is_old(refund.updated_at)
                result.add(
                    subject, expect(not overdue, f"requests {refund.amount}, but never reached Stripe")
                )
                continue
            known = at_stripe.pop(refund.provider_id, None)
            if known is None:
                result.add(subject, f"has the id {refund.provider_id}, which Stripe does not have")
                continue
            status = REFUND_STATUSES.get(known["status"], known["status"])
            result.add(
                subject,
                expect_equal("amount", refund.amount, known["amount"]),
                expect_equal("status", refund.status, status),
            )
        for provider_id, each in at_stripe.items():
            result.add(
                f"{payment.payment_id} {provider_id}", f"refunded {each['amount']}, but has no refund here"
            )


def the_ledger_balances(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each ledger entry sums to zero, and that the entries of a payment sum to its amounts."""
    for payment in snapshot.payments.values():
        if payment.captured or payment.ledger:
            result.add(payment.payment_id, *_ledger_problems(snapshot, payment))


def _ledger_problems(snapshot: Snapshot, payment: Payment) -> Iterator[str | None]:
    balances: Counter[str] = Counter()
    for entry in payment.ledger:
        total = sum(amount for _, amount in entry.lines)
        yield expect(total == 0, f"has the entry {entry.key} ({entry.kind}), which sums to {total}")
        yield expect(entry.currency == payment.currency, f"has the entry {entry.key} in {entry.currency}")
        for account, amount in entry.lines:
            balances[account] += amount
    keys = [entry.key for entry in payment.ledger]
    yield expect(len({*keys}) == len(keys), "has an entry twice")
    withheld, lost = _disputed_amounts(snapshot, payment)
    captured, refunded = payment.captured, payment.refunded
    expected = {
        "stripe": captured - refunded - withheld - lost,
        "sales": -captured,  # income is negative in double-entry bookkeeping
        "refunds": refunded,
        "disputes": withheld,
        "chargebacks": lost,
    }
    for account, amount in expected.items():
        yield expect_equal(f"the balance of {account}", balances[account], amount, source="the payment")


def _disputed_amounts(snapshot: Snapshot, payment: Payment) -> tuple[int, int]:
    """Return the amounts withheld for open disputes and lost to others, in minor units."""
    withheld = lost = 0
    for dispute in snapshot.disputes.get(payment.provider_id or "", ()):
        amount = -sum(transaction["amount"] for transaction in dispute["balance_transactions"])
        if dispute["status"] == "lost":
            lost += amount
        else:
            withheld += amount
    return withheld, lost


def orders_match_payments(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that paid orders are paid once and in full, others keep no money, and due refunds were made."""
    payments_by_order: dict[str, list[Payment]] = {}
    for payment in snapshot.payments.values():
        payments_by_order.setdefault(payment.order_id, []).append(payment)
    for order in snapshot.orders.values():
        result.add(order.order_id, *_order_problems(order, payments_by_order.pop(order.order_id, [])))
    for order_id, payments in payments_by_order.items():
        payment_ids = ", ".join(each.payment_id for each in payments)
        result.add(order_id, f"has the payments {payment_ids}, but the order does not exist")


def _order_problems(order: Order, payments: Sequence[Payment]) -> Iterator[str | None]:
    by_id = {payment.payment_id: payment for payment in payments}
    paid_by = by_id.get(order.payment_id or "")
    if order.has("order.paid") and order.total and paid_by is None:
        yield f"is paid by {order.payment_id}, which is not one of its payments"
    if paid_by and not order.was_released:
        yield from _amount_problems(order, paid_by)
    for payment in payments:
        recorded = order.refunded_by_payment.get(payment.payment_id, 0)
        yield expect_equal(
            f"refunded of {payment.payment_id}", recorded, payment.refunded, source="the payment"
        )
        retained = payment.captured - payment.refunded
        disputed = payment.status == "disputed"
        if payment is not paid_by or order.was_released:
            yield expect(
                retained == 0 or disputed,
                f"is {order.status}, paid by {order.payment_id}: keeps {retained} of {payment.payment_id}",
            )
        due = sum(each.amount for each in order.dues if each.payment_id == payment.payment_id)
        owed = min(due, payment.captured) - payment.refunded
        yield expect(owed <= 0 or disputed, f"still owes a refund of {owed} of {payment.payment_id}")
    for each in order.dues:
        yield expect(
            each.payment_id in by_id, f"owes a refund of {each.payment_id}, which is not one of its payments"
        )


def _amount_problems(order: Order, payment: Payment) -> Iterator[str | None]:
    """Yield wrong amounts. With manual capture, the amount is authorized and captured as the order ships."""
    captured = f"has {payment.captured} captured of {order.total}"
    if payment.capture == "manual" and order.status in {"paid", "partially_shipped", "refunded"}:
        yield expect(payment.captured <= order.total, captured)
        yield expect(payment.amount == order.total, f"has {payment.amount} authorized of {order.total}")
    else:
        yield expect(payment.captured == order.total, captured)
