"""The invariants of an idle shop, checked on its rows, its emails and Stripe."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from orders.domain.fulfilling import fulfilled
from orders.domain.timeline import TimelineEvent
from orders.domain.transitions import TRANSITIONS
from orders.tables.packing import to_order
from orders.tables.rows import OrderRow
from payments.domain.inbox import EventStatus
from payments.domain.ledger import Entry, balances, expected
from payments.domain.payments import Payment
from payments.tables.ledger import page
from payments.tables.payments import payment_of
from shared.values.ids import derived_id
from tests.notify import mailbox
from tests.simulator import tables
from tests.simulator.simulator import Simulator
from tests.support import ENVIRONMENT

PAID = {"paid", "partially_shipped", "shipped", "delivered", "refunded"}
STATUSES = PAID | {"pending", "awaiting_payment", "cancelled", "expired"}
NOT_SHIPPED = {"paid", "partially_shipped"}
OPEN_INTENTS = {"requires_payment_method", "requires_confirmation", "requires_action"}
NOBODY_CAN_PAY = ("requires_payment_method", "canceled")  # without its secret


def check(simulator: Simulator, on_hand: Mapping[str, int], *, duplicate_emails: bool = False) -> None:
    """Check every invariant but `sequences`.

    `on_hand`: the initial stock per SKU, and the stock added since. `duplicate_emails`: an email may have
    been sent twice, because its sender was killed before it recorded that.
    """
    wrong = [
        *money(simulator),
        *refunds(simulator),
        *stock(on_hand),
        *transitions(),
        *invoices(simulator),
        *coupons(),
    ]
    wrong += [*emails(duplicate_emails), *failures(simulator)]
    assert not wrong, "\n".join(wrong)


def check_sequences(simulator: Simulator) -> None:
    """Check that the events of orders are complete and that repeated events are identical."""
    wrong = [*sequences(simulator)]
    assert not wrong, "\n".join(wrong)


def orders() -> list[Any]:
    """Return every order, including those hidden from their owners."""
    return [to_order(OrderRow.from_raw_data(row)) for row in tables.rows(ENVIRONMENT["ORDERS_TABLE"])]


def money(simulator: Simulator) -> Iterator[str]:
    """Check that Stripe, payments, ledgers and orders agree on the captured and refunded amounts."""
    known = {order.order_id: order for order in orders()}
    paid = {payment.stripe.intent_id: payment for payment in payments() if payment.stripe.intent_id}
    held: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for refund in simulator.stripe_objects("refund"):
        if refund["status"] in ("succeeded", "pending"):
            refunded[refund["payment_intent"]] += refund["amount"]
    for intent in simulator.stripe_objects("payment_intent"):
        payment, order = paid.get(intent["id"]), known.get(intent["metadata"]["order_id"])
        if payment is None and order and intent["status"] in NOBODY_CAN_PAY:
            yield from _check_unknown(intent, order)
            continue
        if payment is None or order is None:
            yield f"{intent['id']} has no payment or no order"
            continue
        held[order.order_id] += intent["amount_received"] - refunded[intent["id"]]
        yield from _check_totals(intent, refunded[intent["id"]], payment, order)
        yield from _check_authorization(intent, payment, order)
        yield from _check_disputes(simulator, intent["id"], payment)
    for order in known.values():
        if held[order.order_id] != retained(order):
            yield f"{order.order_id} retains {retained(order)}, Stripe holds {held[order.order_id]}"
    for row in tables.rows(ENVIRONMENT["PAYMENTS_INBOX_TABLE"]):
        if "status" in row and row["status"]["S"] not in (EventStatus.APPLIED, EventStatus.IGNORED):
            yield f"Stripe's {row['type']['S']} {row['pk']['S']} is {row['status']['S']}"


def _check_unknown(intent: Any, order: Any) -> Iterator[str]:
    """Check an intent whose process died before it wrote the id: nobody has its secret, and it is cancelled
    after its order has ended."""
    if intent["status"] != "canceled" and order.status.value != "awaiting_payment":
        yield f"{intent['id']} is unknown and not cancelled, though {order.order_id} is {order.status}"


def _check_totals(intent: Any, refunded: int, payment: Payment, order: Any) -> Iterator[str]:
    """Check that Stripe, the payment, its ledger and its order have the same amounts."""
    recorded, entries = order.totals_of(payment.payment_id), ledger(payment.payment_id)
    totals = {
        "Stripe": (intent["amount_received"], refunded),
        "the payment": (payment.captures.captured, payment.refunds.refunded),
        "the order": (recorded.captured, recorded.refunded),
    }
    if len(set(totals.values())) > 1:
        yield f"{payment.payment_id} of {order.order_id} (captured, refunded): {totals}"
    if balances(entries) != expected(payment):
        yield f"{payment.payment_id}: the ledger balances are {balances(entries)}"
    yield from (
        f"{payment.payment_id}: the entry of version {entry.version} does not sum to zero"
        for entry in entries
        if sum(line.amount for line in entry.lines)
    )
    capturable = payment.authorization.capturable
    if capturable != intent["amount_capturable"]:
        yield f"{payment.payment_id} can capture {capturable}, Stripe {intent['amount_capturable']}"


def _check_disputes(simulator: Simulator, intent_id: str, payment: Payment) -> Iterator[str]:
    """Check that the payment has its disputes and the amounts that they withhold."""
    at_stripe = {
        dispute["id"]: (
            dispute["status"],
            -sum(transaction["amount"] for transaction in dispute["balance_transactions"]),
        )
        for dispute in simulator.stripe_objects("dispute")
        if dispute["payment_intent"] == intent_id
    }
    in_payment = {each.dispute_id: (each.status, each.withheld) for each in payment.disputes.items}
    if in_payment != at_stripe:
        yield f"{payment.payment_id} has the disputes {in_payment}, Stripe {at_stripe}"


def _check_authorization(intent: Any, payment: Payment, order: Any) -> Iterator[str]:
    """Check that open PaymentIntents and authorizations belong to orders that await payment or shipping."""
    renewable = order.status.value == "paid" and not order.captured
    if intent["status"] in OPEN_INTENTS and order.status.value != "awaiting_payment" and not renewable:
        yield f"{intent['id']} can still be paid, though {order.order_id} is {order.status}"
    awaited = order.payment_id == payment.payment_id and order.status.value in NOT_SHIPPED
    if payment.authorization.capturable and not awaited:
        yield f"{payment.payment_id} is authorized for {order.order_id}, which is {order.status}"


def retained(order: Any) -> int:
    """Return the captured minus the refunded amount of the order, in minor units."""
    return int(order.captured) - int(order.refunded)


def refunds(simulator: Simulator) -> Iterator[str]:
    """Check that due refunds were made unless a dispute blocks them, and that shipped lines were captured.

    Staff may have refunded more than is due.
    """
    known = {payment.payment_id: payment for payment in payments()}
    failed: Counter[str] = Counter()
    for refund in simulator.stripe_objects("refund"):
        failed[refund["payment_intent"]] += refund["amount"] if refund["status"] == "failed" else 0
    for order in orders():
        due: Counter[str] = Counter()
        for each in order.refunds_due.values():
            due[each.payment_id] += each.amount.amount
        for payment_id, amount in due.items():
            recorded, payment = order.totals_of(payment_id), known[payment_id]
            intent_id = payment.stripe.intent_id or ""
            refundable = min(amount, recorded.captured - payment.disputes.lost) - failed[intent_id]
            if recorded.refunded < refundable and not payment.disputes.any_open:
                yield f"{order.order_id}: {amount} of {payment_id} is due, recorded: {recorded}"
        if order.fulfilments and order.payment_id:
            owed = order.agreed_terms.price_of(fulfilled(order))
            if order.captured < owed and not order.has(TimelineEvent.CAPTURE_FAILED):
                yield f"{order.order_id}: {owed} is due for shipped lines, {order.captured} was captured"


def payments() -> list[Payment]:
    rows = tables.rows(ENVIRONMENT["PAYMENTS_TABLE"])
    return [payment for row in rows if (payment := payment_of(row))]


def ledger(payment_id: str) -> list[Entry]:
    """Return the payment's ledger entries, oldest first."""
    return [*page(payment_id, 1_000, None).items]


def was_cancelled(order: Any) -> bool:
    """Return whether the order was cancelled, which includes full refunds before shipping."""
    return any(entry.type == "order.cancelled" for entry in order.timeline)


def stock(on_hand: Mapping[str, int]) -> Iterator[str]:
    """Check that available, reserved and sold pieces sum to the initial stock."""
    sold: Counter[str] = Counter()
    awaited: Counter[str] = Counter()
    pending = set()
    for order in orders():
        if order.status == "pending":
            pending.add(order.order_id)
        for line in order.terms.lines if order.terms else ():
            sold[line.sku] += line.quantity if order.status in PAID and not was_cancelled(order) else 0
            awaited[line.sku] += line.quantity if order.status == "awaiting_payment" else 0
        for returned in order.returns:
            if returned.status == "received" and returned.restock:
                sold.subtract(returned.pieces)
    inventory = {}
    for row in tables.rows(ENVIRONMENT["CATALOG_TABLE"]):
        if row["pk"]["S"].startswith("product#") and "available" in row:
            inventory[row["sku"]["S"]] = (int(row["available"]["N"]), int(row["reserved"]["N"]))
        if row["pk"]["S"].removeprefix("reservation#") in pending and row["state"]["S"] == "held":
            for _, sku, pieces in json.loads(row["lines"]["S"]):
                awaited[sku] += pieces
    for sku, initial in on_hand.items():
        available, reserved = inventory[sku]
        if available < 0 or available + reserved + sold[sku] != initial:
            yield f"{sku}: of {initial}, {available} are available, {reserved} reserved, {sold[sku]} sold"
        if reserved != awaited[sku]:
            yield f"{sku}: {reserved} are reserved, open orders have {awaited[sku]}"
    yield from _replica(inventory)


def _replica(inventory: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Check that the cart's replica has the available stock."""
    for row in tables.rows(ENVIRONMENT["CART_TABLE"]):
        if row["pk"]["S"].startswith("product#"):
            sku = row["pk"]["S"].removeprefix("product#")
            if int(row["available"]["N"]) != inventory[sku][0] < 100:
                yield f"the cart has {row['available']['N']} available of {sku}, not {inventory[sku][0]}"


def transitions() -> Iterator[str]:
    """Check that each change of an order increments its version and is a legal transition."""
    legal = {
        before.value: {transition.value for transition in found.values()}
        for before, found in TRANSITIONS.items()
    }
    # One write may make two transitions: an order that costs nothing is placed and paid at once.
    legal |= {before: after.union(*(legal[name] for name in after)) for before, after in legal.items()}
    for change in tables.changes(ENVIRONMENT["ORDERS_TABLE"]):
        old, new = change.get("OldImage", {}), change.get("NewImage", {})
        name = (new or old)["order_id"]["S"]
        before, after = (image.get("status", {}).get("S") for image in (old, new))
        versions = [int(image.get("version", {}).get("N", 0)) for image in (old, new)]
        if versions[1] != versions[0] + 1:
            yield f"{name} went from version {versions[0]} to {versions[1]}"
        if after not in STATUSES or (before != after and after not in legal.get(before or "", {"pending"})):
            yield f"{name} went from {before} to {after}"


def sequences(simulator: Simulator) -> Iterator[str]:
    """Check that an order's sequence numbers start at 1 without a gap, and that each has one event."""
    published: dict[str, dict[int, dict[str, str]]] = {}
    for event in simulator.published("orders"):
        subject = published.setdefault(event["subject"], {})
        text = json.dumps(event, sort_keys=True)
        first = subject.setdefault(event["sequence"], {}).setdefault(event["id"], text)
        if first != text:
            yield f"{event['id']} was published with different contents: {first} and {text}"
    for order_id, numbers in published.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield f"{order_id} has published the sequence numbers {sorted(numbers)}"
        for number, ids in numbers.items():
            if len(ids) > 1:
                yield f"{order_id} published different events as number {number}: {sorted(ids)}"


def invoices(simulator: Simulator) -> Iterator[str]:
    """Check that each paid order has an invoice with its file, and that the numbers are consecutive."""
    numbers = []
    files = "\n".join(simulator.files(ENVIRONMENT["ORDERS_INVOICES_BUCKET"]))
    for order in orders():
        if order.was_paid and not order.invoice:
            yield f"{order.order_id} was paid and has no invoice"
        if order.invoice:
            numbers.append(order.invoice.number)
            if f"{order.invoice.number}-{order.order_id}.pdf" not in files:
                yield f"invoice {order.invoice.number} has no file"
    if sorted(numbers) != [f"{simulator.now.year}-{n:06}" for n in range(1, len(numbers) + 1)]:
        yield f"the invoice numbers are {sorted(numbers)}"


def coupons() -> Iterator[str]:
    """Check that a coupon's counter is the number of orders that use it."""
    used_by_orders = Counter(counter for order in orders() for counter in order.redeemed)
    for row in tables.rows(ENVIRONMENT["ORDERS_COUNTERS_TABLE"]):
        name, used = row["pk"]["S"], int(row["value"]["N"])
        if name.startswith("coupon#") and used != used_by_orders[name]:
            yield f"{name} is used {used} times, by {used_by_orders[name]} orders"


def emails(duplicate_emails: bool) -> Iterator[str]:
    """Check that each email was sent once and recorded, and that each paid order has a confirmation."""
    sent = Counter(email.headers["X-Notification-Id"] for email in mailbox.emails())
    rows = tables.rows(ENVIRONMENT["NOTIFY_TABLE"])
    notifications = [row for row in rows if row["pk"]["S"].startswith("ntf_")]
    yield from (
        f"incomplete row: {row}" for row in notifications if not {"channel", "status", "at"} <= row.keys()
    )
    statuses = {
        row["pk"]["S"]: row.get("status", {}).get("S")
        for row in notifications
        if row.get("channel") == {"S": "email"}
    }
    for notification_id, status in statuses.items():
        times = sent.pop(notification_id, 0)
        if status not in ("sent", "suppressed") or times != (status == "sent"):
            if not (duplicate_emails and times):
                yield f"the email {notification_id} is {status} and was sent {times} times"
    yield from (f"the email {notification_id} has no notification" for notification_id in sent)
    by_id = {row["pk"]["S"]: row for row in notifications}
    for order in orders():
        confirmation = by_id.get(derived_id("ntf", "order_confirmation", order.order_id, "email"), {})
        if order.payment_id and not confirmation:
            yield f"{order.order_id} was paid and has no confirmation"
        if order.invoice:
            number = order.invoice.number
            alone = derived_id("ntf", "invoice", f"{order.order_id}.{number}", "email") in by_id
            attached = confirmation.get("invoice_number") == {"S": number}
            if alone == (attached and confirmation.get("cause") != {"S": "superseded"}):
                yield f"the invoice {number} was sent {'twice' if alone else 'never'}"


def failures(simulator: Simulator) -> Iterator[str]:
    """Check that there are no dead letters, and that no role denied a call."""
    yield from sorted(set(simulator.transport.denied))
    yield from (f"dead letter: {message}" for message in simulator.dead_letters)
