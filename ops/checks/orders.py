"""Orders by themselves: their histories, their deadlines, their invoices."""

from collections import Counter
from collections.abc import Iterator

from ops.books import Books
from ops.checks.money import LIVE
from ops.checks.tally import Tally, unless
from ops.records import Order

STATUS_AFTER = {
    "order.placed": {"awaiting_payment"},
    "order.paid": {"paid"},
    "order.rejected": {"cancelled"},
    "order.cancelled": {"cancelled"},
    "order.expired": {"expired"},
    "order.shipped": {"partially_shipped", "shipped"},
    "order.delivered": {"delivered"},
    "order.refunded": {"refunded"},
}
ONCE = ("order.placed", "order.paid", "order.invoiced", "order.expired", "order.delivered", "order.refunded")


def histories_lead_to_where_orders_are(books: Books, tally: Tally) -> None:
    """An order's status is what its timeline says last; nothing that happens once happened twice."""
    for order in books.orders.values():
        tally.look(order.order_id, *_history(order))


def _history(order: Order) -> Iterator[str | None]:
    kinds = [entry.kind for entry in order.timeline]
    last = next((kind for kind in reversed(kinds) if kind in STATUS_AFTER), None)
    allowed = STATUS_AFTER[last] if last else {"pending"}
    yield unless(order.status in allowed, f"is {order.status} after {last}")
    counted = Counter(kinds)
    for kind in ONCE:
        yield unless(counted[kind] <= 1, f"{kind} happened {counted[kind]} times")
    times = [entry.at for entry in order.timeline]
    yield unless(times == sorted(times), "its timeline goes back in time")
    shipped = _pieces(pieces for _, pieces in order.parcels)
    back = _pieces(each.pieces for each in order.returns if each.status == "received")
    yield unless(shipped <= Counter(order.pieces), f"{dict(shipped)} were shipped of {dict(order.pieces)}")
    yield unless(back <= shipped, f"{dict(back)} came back of {dict(shipped)}")
    told = {entry.ref for entry in order.timeline if entry.kind == "order.shipped"}
    yield unless(told == {parcel for parcel, _ in order.parcels}, "its parcels are not those of its timeline")
    all_left = shipped == Counter(order.pieces)
    if order.status in ("partially_shipped", "shipped", "delivered"):
        yield unless(
            all_left == (order.status != "partially_shipped"), f"{order.status}: {dict(shipped)} left"
        )


def _pieces(parts: Iterator[object]) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in parts:
        found.update(part)  # type: ignore[call-overload]
    return found


def nothing_waits_for_ever(books: Books, tally: Tally) -> None:
    """No order is past its deadline, and no payment is open whose order waits for none."""
    for order in books.orders.values():
        late = order.expires_at is not None and books.is_old(order.expires_at)
        tally.look(
            order.order_id, unless(not late, f"is {order.status}, though its time ended {order.expires_at}")
        )
    for payment in books.payments.values():
        paid = books.orders.get(payment.order_id)
        if payment.status in LIVE and paid and books.is_old(max(paid.changed_at, payment.updated_at)):
            waits = paid.status == "awaiting_payment" or (
                paid.payment_id == payment.payment_id and not paid.was_given_up
            )
            again = payment.status != "processing" and paid.payment_id is not None and not paid.was_given_up
            tally.look(
                payment.payment_id,
                unless(
                    waits or (again and payment.capture == "manual"),
                    f"is {payment.status}, and its order {paid.status}: it can still be paid",
                ),
            )


def invoices_have_no_gap(books: Books, tally: Tally) -> None:
    """Who paid has one invoice, with its files; a year's numbers are 1 to the last that was given."""
    numbers: dict[str, list[str]] = {}
    files = {name.rpartition("/")[2] for name in books.invoice_files}
    for order in books.orders.values():
        if not (order.invoice or order.has("order.paid")):
            continue
        paid = next((entry.at for entry in order.timeline if entry.kind == "order.paid"), order.changed_at)
        if order.invoice is None:
            tally.look(order.order_id, unless(not books.is_old(paid), "was paid and has no invoice"))
            continue
        numbers.setdefault(order.invoice, []).append(order.order_id)
        name = f"{order.invoice}-{order.order_id}.pdf"
        tally.look(
            order.order_id, unless(name in files or not books.is_old(paid), f"the file {name} is not kept")
        )
    for counter, last in books.counters.items():
        if counter.startswith("invoices#"):
            year = counter.removeprefix("invoices#")
            given = {number for number in numbers if number.startswith(f"{year}-")}
            wanted = {f"{year}-{n:06}" for n in range(1, last + 1)}
            missing, strange = sorted(wanted - given), sorted(given - wanted)
            tally.look(
                counter,
                unless(not missing, f"{len(missing)} numbers are missing: {', '.join(missing[:5])}"),
                unless(not strange, f"beyond the last: {', '.join(strange[:5])}"),
            )
    for number, holders in numbers.items():
        if len(holders) > 1:
            tally.look(number, f"was given to {', '.join(holders)}")
