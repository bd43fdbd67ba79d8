"""What must be true of a shop where nothing is under way: told from its rows, its mails and Stripe alone."""

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
from tests.notify.mailbox import mails
from tests.simulator import tables
from tests.simulator.simulator import Simulator
from tests.support import ENVIRONMENT

PAID = {"paid", "partially_shipped", "shipped", "delivered", "refunded"}
STATUSES = PAID | {"pending", "awaiting_payment", "cancelled", "expired"}
TO_LEAVE = {"paid", "partially_shipped"}
OPEN_INTENTS = {"requires_payment_method", "requires_confirmation", "requires_action"}


def check(simulator: Simulator, on_hand: Mapping[str, int], *, twice_told: bool = False) -> None:
    """Every account that must balance. `on_hand`: what lay on the shelves at first, and what was put there
    since. `twice_told`: a mail may have gone out twice, as its sender died before it wrote that down."""
    wrong = [
        *money(simulator),
        *promises(simulator),
        *stock(on_hand),
        *moves(),
        *invoices(simulator),
        *coupons(),
    ]
    wrong += [*letters(twice_told), *left(simulator)]
    assert not wrong, "\n".join(wrong)


def check_sequences(simulator: Simulator) -> None:
    """What orders said is complete, and nothing was said in two ways."""
    wrong = [*sequences(simulator)]
    assert not wrong, "\n".join(wrong)


def orders() -> list[Any]:
    """Every order, whether its owner sees it or not."""
    return [to_order(OrderRow.from_raw_data(row)) for row in tables.rows(ENVIRONMENT["ORDERS_TABLE"])]


def money(simulator: Simulator) -> Iterator[str]:
    """Stripe holds of each order what the order says that it keeps; payments and their ledger agree."""
    known = {order.order_id: order for order in orders()}
    paid = {payment.provider_id: payment for payment in payments() if payment.provider_id}
    held: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for refund in simulator.stripe_objects("refund"):
        if refund["status"] in ("succeeded", "pending"):
            back[refund["payment_intent"]] += refund["amount"]
    for intent in simulator.stripe_objects("payment_intent"):
        payment, order = paid.get(intent["id"]), known.get(intent["metadata"]["order_id"])
        if payment is None or order is None:
            yield f"{intent['id']} belongs to no payment, or no order"
            continue
        held[order.order_id] += intent["amount_received"] - back[intent["id"]]
        yield from _of_one_mind(intent, back[intent["id"]], payment, order)
        yield from _no_hold_too_many(intent, payment, order)
        yield from _disputes(simulator, intent["id"], payment)
    for order in known.values():
        if held[order.order_id] != kept(order):
            yield f"{order.order_id} keeps {kept(order)}, Stripe holds {held[order.order_id]} of it"
    for row in tables.rows(ENVIRONMENT["PAYMENTS_INBOX_TABLE"]):
        if "status" in row and row["status"]["S"] not in (EventStatus.APPLIED, EventStatus.IGNORED):
            yield f"Stripe's {row['type']['S']} {row['pk']['S']} is {row['status']['S']}"


def _of_one_mind(intent: Any, back: int, payment: Payment, order: Any) -> Iterator[str]:
    """Stripe, the payment, its ledger and its order: what came in by it, and what went back."""
    heard, entries = order.totals_of(payment.payment_id), ledger(payment.payment_id)
    says = {
        "Stripe": (intent["amount_received"], back),
        "the payment": (payment.captured, payment.refunded),
        "the order": (heard.captured, heard.refunded),
    }
    if len(set(says.values())) > 1:
        yield f"{payment.payment_id} of {order.order_id} (captured, refunded): {says}"
    if balances(entries) != expected(payment):
        yield f"{payment.payment_id}: the ledger comes to {balances(entries)}"
    yield from (
        f"{payment.payment_id}: the entry of version {entry.version} does not sum to zero"
        for entry in entries
        if sum(line.amount for line in entry.lines)
    )
    if payment.capturable != intent["amount_capturable"]:
        yield f"{payment.payment_id} holds {payment.capturable}, at Stripe {intent['amount_capturable']}"


def _disputes(simulator: Simulator, intent_id: str, payment: Payment) -> Iterator[str]:
    """What banks ask back, and what they hold of it, is known."""
    there = {
        dispute["id"]: (dispute["status"], -sum(move["amount"] for move in dispute["balance_transactions"]))
        for dispute in simulator.stripe_objects("dispute")
        if dispute["payment_intent"] == intent_id
    }
    here = {each.dispute_id: (each.status, each.withheld) for each in payment.disputes}
    if here != there:
        yield f"{payment.payment_id} knows of the disputes {here}, Stripe of {there}"


def _no_hold_too_many(intent: Any, payment: Payment, order: Any) -> Iterator[str]:
    """What can still be paid is awaited, or pays anew; what is held is held for goods that are to leave."""
    renews = order.status.value == "paid" and not order.captured
    if intent["status"] in OPEN_INTENTS and order.status.value != "awaiting_payment" and not renews:
        yield f"{intent['id']} can still be paid, though {order.order_id} is {order.status}"
    awaited = order.payment_id == payment.payment_id and order.status.value in TO_LEAVE
    if payment.capturable and not awaited:
        yield f"{payment.payment_id} is held for {order.order_id}, which is {order.status}"


def kept(order: Any) -> int:
    """What the order keeps of what came in for it, in minor units."""
    return int(order.captured) - int(order.refunded)


def promises(simulator: Simulator) -> Iterator[str]:
    """What an order says must not stay has gone back, as far as it came in and banks let it; staff may have
    given more. What left is paid for."""
    known = {payment.payment_id: payment for payment in payments()}
    failed: Counter[str] = Counter()
    for refund in simulator.stripe_objects("refund"):
        failed[refund["payment_intent"]] += refund["amount"] if refund["status"] == "failed" else 0
    for order in orders():
        due: Counter[str] = Counter()
        for each in order.refunds_due.values():
            due[each.payment_id] += each.amount.amount
        for payment_id, amount in due.items():
            heard, payment = order.totals_of(payment_id), known[payment_id]
            can_go = min(amount, heard.captured - payment.lost) - failed[payment.provider_id or ""]
            if heard.refunded < can_go and not payment.is_frozen:
                yield f"{order.order_id}: of {payment_id} {amount} are due, {heard} was heard"
        if order.fulfilments and order.payment_id:
            owed = order.agreed.paid_for(fulfilled(order))
            if order.captured < owed and not order.has(TimelineEvent.CAPTURE_FAILED):
                yield f"{order.order_id}: {owed} is due for what left, {order.captured} came in"


def payments() -> list[Payment]:
    rows = tables.rows(ENVIRONMENT["PAYMENTS_TABLE"])
    return [payment for row in rows if (payment := payment_of(row))]


def ledger(payment_id: str) -> list[Entry]:
    """The payment's entries, oldest first."""
    return page(payment_id, 1_000, None)[0]


def given_up(order: Any) -> bool:
    """Also what was refunded in full before anything left the shelf."""
    return any(entry.type == "order.cancelled" for entry in order.timeline)


def stock(on_hand: Mapping[str, int]) -> Iterator[str]:
    """What is on the shelves and what is sold is what there was; what is reserved, open orders wait for."""
    sold: Counter[str] = Counter()
    awaited: Counter[str] = Counter()
    pending = set()
    for order in orders():
        if order.status == "pending":
            pending.add(order.order_id)
        for line in order.terms.lines if order.terms else ():
            sold[line.sku] += line.quantity if order.status in PAID and not given_up(order) else 0
            awaited[line.sku] += line.quantity if order.status == "awaiting_payment" else 0
        for returned in order.returns:
            if returned.status == "received" and returned.restock:
                sold.subtract(returned.pieces)
    shelves = {}
    for row in tables.rows(ENVIRONMENT["CATALOG_TABLE"]):
        if row["pk"]["S"].startswith("product#") and "available" in row:
            shelves[row["sku"]["S"]] = (int(row["available"]["N"]), int(row["reserved"]["N"]))
        if row["pk"]["S"].removeprefix("reservation#") in pending and row["state"]["S"] == "held":
            for _, sku, pieces in json.loads(row["lines"]["S"]):
                awaited[sku] += pieces
    for sku, first in on_hand.items():
        available, reserved = shelves[sku]
        if available < 0 or available + reserved + sold[sku] != first:
            yield f"{sku}: of {first}, {available} are free, {reserved} reserved, {sold[sku]} sold"
        if reserved != awaited[sku]:
            yield f"{sku}: {reserved} are reserved, {awaited[sku]} are waited for"
    yield from _replica(shelves)


def _replica(shelves: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """The cart knows what can be had."""
    for row in tables.rows(ENVIRONMENT["CART_TABLE"]):
        if row["pk"]["S"].startswith("product#"):
            sku = row["pk"]["S"].removeprefix("product#")
            if int(row["available"]["N"]) != shelves[sku][0] < 100:
                yield f"cart thinks that of {sku} there are {row['available']['N']}, not {shelves[sku][0]}"


def moves() -> Iterator[str]:
    """Each change of an order is its next version, by a legal move."""
    legal = {before.value: {move.value for move in found.values()} for before, found in TRANSITIONS.items()}
    # One write may leap over what lasts no time: placed and paid at once, as it costs nothing.
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
    """An order's events count from 1 without a gap, each number one event, said the same each time."""
    said: dict[str, dict[int, dict[str, str]]] = {}
    for event in simulator.said("orders"):
        subject = said.setdefault(event["subject"], {})
        text = json.dumps(event, sort_keys=True)
        first = subject.setdefault(event["sequence"], {}).setdefault(event["id"], text)
        if first != text:
            yield f"{event['id']} was said in two ways: {first} and {text}"
    for order_id, numbers in said.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield f"{order_id} has said {sorted(numbers)}"
        for number, ids in numbers.items():
            if len(ids) > 1:
                yield f"{order_id} said as number {number}: {sorted(ids)}"


def invoices(simulator: Simulator) -> Iterator[str]:
    """Who paid has an invoice, its files are kept, and no number is missing or given twice."""
    numbers = []
    files = "\n".join(simulator.files(ENVIRONMENT["ORDERS_INVOICES_BUCKET"]))
    for order in orders():
        if order.was_paid and not order.invoice:
            yield f"{order.order_id} was paid and has no invoice"
        if order.invoice:
            numbers.append(order.invoice.number)
            if f"{order.invoice.number}-{order.order_id}.pdf" not in files:
                yield f"invoice {order.invoice.number} is not kept"
    if sorted(numbers) != [f"{simulator.now.year}-{n:06}" for n in range(1, len(numbers) + 1)]:
        yield f"the numbers of invoices are {sorted(numbers)}"


def coupons() -> Iterator[str]:
    """A coupon is used as often as orders that were not given up hold it."""
    held = Counter(counter for order in orders() for counter in order.redeemed)
    for row in tables.rows(ENVIRONMENT["ORDERS_COUNTERS_TABLE"]):
        name, used = row["pk"]["S"], int(row["value"]["N"])
        if name.startswith("coupon#") and used != held[name]:
            yield f"{name} is used {used} times, held by {held[name]} orders"


def letters(twice_told: bool) -> Iterator[str]:
    """Each letter went out once, and was noted; who paid has a confirmation, or later news instead."""
    sent = Counter(mail.headers["X-Notification-Id"] for mail in mails())
    rows = tables.rows(ENVIRONMENT["NOTIFY_TABLE"])
    told = [row for row in rows if row["pk"]["S"].startswith("ntf_")]
    yield from (f"half a row: {row}" for row in told if not {"channel", "status", "at"} <= row.keys())
    noted = {
        row["pk"]["S"]: row.get("status", {}).get("S") for row in told if row.get("channel") == {"S": "email"}
    }
    for letter, status in noted.items():
        times = sent.pop(letter, 0)
        if status not in ("sent", "suppressed") or times != (status == "sent"):
            if not (twice_told and times):
                yield f"the mail {letter} is {status} and went out {times} times"
    yield from (f"nobody knows of the mail {letter}" for letter in sent)
    for order in orders():
        if order.payment_id and derived_id("ntf", "order_confirmation", order.order_id, "email") not in noted:
            yield f"{order.order_id} was paid and never confirmed"


def left(simulator: Simulator) -> Iterator[str]:
    """Empty was given up, and nobody did what their role does not allow."""
    yield from sorted(set(simulator.transport.refused))
    yield from (f"set aside: {message}" for message in simulator.dead)
