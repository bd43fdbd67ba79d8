"""Payments, refunds and the ledger against Stripe; orders against all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.books import Books
from ops.checks.tally import Tally, same, unless
from ops.records import Order, Payment

Object = Mapping[str, Any]

# https://docs.stripe.com/payments/paymentintents/lifecycle
BY_INTENT = {
    "requires_payment_method": "requires_payment",
    "requires_confirmation": "requires_payment",
    "requires_action": "requires_payment",
    "processing": "processing",
    "requires_capture": "authorized",
    "canceled": "cancelled",
}
# https://docs.stripe.com/api/refunds/object#refund_object-status
BY_REFUND = {"requires_action": "pending", "canceled": "failed"}
BACK = {"pending", "succeeded", "requires_action"}
# https://docs.stripe.com/api/disputes/object#dispute_object-status: `warning_…` takes no money
OPEN_DISPUTES = {"needs_response", "under_review"}
LIVE = {"requires_payment", "processing", "authorized"}


def payments_are_as_stripe_says(books: Books, tally: Tally) -> None:
    """Each payment is its PaymentIntent as it is now, and each PaymentIntent of ours is a payment's."""
    known = {payment.provider_id for payment in books.payments.values()}
    for payment in books.payments.values():
        tally.look(payment.payment_id, *_against_stripe(books, payment))
    foreign = 0
    for intent in books.intents.values():
        ours = intent["metadata"].get("payment_id") or intent["metadata"].get("order_id")
        foreign += not ours
        if ours and intent["id"] not in known:
            tally.look(
                intent["id"],
                f"belongs to no payment; says it is of {ours}, received {intent['amount_received']}",
            )
    if foreign:
        tally.notes.append(f"{foreign} PaymentIntents of this Stripe account are not the shop's")


def _against_stripe(books: Books, payment: Payment) -> Iterator[str | None]:
    if payment.provider_id is None:
        if payment.captured or payment.refunded:
            yield f"has {payment.captured} captured and no PaymentIntent"
        return
    intent = books.intents.get(payment.provider_id)
    if intent is None:
        yield f"Stripe does not know {payment.provider_id}"
        return
    yield same("order", payment.order_id, intent["metadata"].get("order_id"))
    yield same("amount", payment.amount, intent["amount"])
    yield same("currency", payment.currency.lower(), intent["currency"])
    yield same("captured", payment.captured, intent["amount_received"])
    yield same("refunded", payment.refunded, back(books, payment.provider_id))
    yield same("status", payment.status, _status(books, intent))


def back(books: Books, intent_id: str) -> int:
    """What of a PaymentIntent has gone back or is on its way, in minor units."""
    return sum(each["amount"] for each in books.refunds.get(intent_id, ()) if each["status"] in BACK)


def _status(books: Books, intent: Object) -> str:
    disputes = {each["status"] for each in books.disputes.get(intent["id"], ())}
    if disputes & (OPEN_DISPUTES | {"lost"}):
        return "disputed"
    captured, refunded = intent["amount_received"], back(books, intent["id"])
    if not captured:
        return BY_INTENT.get(intent["status"]) or str(intent["status"])
    if not refunded:
        return "succeeded"
    return "refunded" if refunded >= captured else "partially_refunded"


def refunds_are_as_stripe_says(books: Books, tally: Tally) -> None:
    """Each refund is Stripe's object, each of Stripe's is a refund here, and none is left unasked."""
    for payment in books.payments.values():
        at_stripe = {each["id"]: each for each in books.refunds.get(payment.provider_id or "", ())}
        for refund in payment.refunds:
            subject = f"{payment.payment_id} {refund.refund_id}"
            if refund.provider_id is None:
                frozen = payment.status == "disputed"
                late = refund.status == "requested" and not frozen and books.is_old(refund.updated_at)
                tally.look(
                    subject, unless(not late, f"{refund.amount} is requested and never reached Stripe")
                )
                continue
            known = at_stripe.pop(refund.provider_id, None)
            if known is None:
                tally.look(subject, f"Stripe does not know {refund.provider_id}")
                continue
            status = BY_REFUND.get(known["status"], known["status"])
            tally.look(
                subject,
                same("amount", refund.amount, known["amount"]),
                same("status", refund.status, status),
            )
        for provider_id, each in at_stripe.items():
            tally.look(
                f"{payment.payment_id} {provider_id}", f"gave back {each['amount']} and is no refund here"
            )


def the_ledger_adds_up(books: Books, tally: Tally) -> None:
    """Each entry sums to zero, and all of a payment's entries come to what Stripe says of it."""
    for payment in books.payments.values():
        if payment.captured or payment.ledger:
            tally.look(payment.payment_id, *_ledger_of(books, payment))


def _ledger_of(books: Books, payment: Payment) -> Iterator[str | None]:
    balances: Counter[str] = Counter()
    for entry in payment.ledger:
        total = sum(amount for _, amount in entry.lines)
        yield unless(total == 0, f"{entry.key} ({entry.kind}) sums to {total}")
        yield unless(entry.currency == payment.currency, f"{entry.key} is in {entry.currency}")
        for account, amount in entry.lines:
            balances[account] += amount
    keys = [entry.key for entry in payment.ledger]
    yield unless(len({*keys}) == len(keys), "has an entry twice")
    withheld, lost = _disputed(books, payment)
    captured, refunded = payment.captured, payment.refunded
    wanted = {
        "stripe": captured - refunded - withheld - lost,
        "sales": -captured,  # in double entry, what the shop earns stands with a minus
        "refunds": refunded,
        "disputes": withheld,
        "chargebacks": lost,
    }
    for account, amount in wanted.items():
        yield same(account, balances[account], amount, of="the payment")


def _disputed(books: Books, payment: Payment) -> tuple[int, int]:
    """What banks withhold of it for now, and what they took for good, in minor units: what left Stripe's
    balance for its disputes and did not come back."""
    withheld = lost = 0
    for each in books.disputes.get(payment.provider_id or "", ()):
        gone = -sum(moved["amount"] for moved in each["balance_transactions"])
        if each["status"] == "lost":
            lost += gone
        else:
            withheld += gone
    return withheld, lost


def orders_keep_what_they_were_paid(books: Books, tally: Tally) -> None:
    """Each paid order is paid once and in full, each other keeps nothing, and what is due back is back."""
    of_order: dict[str, list[Payment]] = {}
    for payment in books.payments.values():
        of_order.setdefault(payment.order_id, []).append(payment)
    for order in books.orders.values():
        tally.look(order.order_id, *_order(order, of_order.pop(order.order_id, [])))
    for order_id, payments in of_order.items():
        tally.look(order_id, f"is no order, and has {[each.payment_id for each in payments]}")


def _order(order: Order, payments: Sequence[Payment]) -> Iterator[str | None]:
    by_id = {payment.payment_id: payment for payment in payments}
    paid_by = by_id.get(order.payment_id or "")
    if order.has("order.paid") and order.total and paid_by is None:
        yield f"was paid by {order.payment_id}, which is no payment of it"
    if paid_by and not order.was_given_up:
        yield from _paid_in_full(order, paid_by)
    for payment in payments:
        heard = order.refunded_by_payment.get(payment.payment_id, 0)
        yield same(f"given back of {payment.payment_id}", heard, payment.refunded, of="the payment")
        keeps = payment.captured - payment.refunded
        lost = payment.status == "disputed"
        if payment is not paid_by or order.was_given_up:
            why = "gave it up" if payment is paid_by else f"is paid by {order.payment_id}"
            yield unless(keeps == 0 or lost, f"{order.status}: keeps {keeps} of {payment.payment_id}, {why}")
        due = sum(each.amount for each in order.dues if each.payment_id == payment.payment_id)
        owed = min(due, payment.captured) - payment.refunded
        yield unless(owed <= 0 or lost, f"owes {owed} of {payment.payment_id} still")
    for each in order.dues:
        yield unless(each.payment_id in by_id, f"owes money of {each.payment_id}, which is none of its")


def _paid_in_full(order: Order, payment: Payment) -> Iterator[str | None]:
    """With manual capture the money is held until goods leave."""
    if payment.capture == "manual" and order.status in {"paid", "partially_shipped", "refunded"}:
        yield unless(payment.captured <= order.total, f"{payment.captured} of {order.total} was captured")
        yield unless(payment.amount == order.total, f"{payment.amount} of {order.total} was authorized")
    else:
        yield unless(payment.captured == order.total, f"{payment.captured} of {order.total} was captured")
