"""Checks of orders on their own: timelines, deadlines and invoices."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ops.checks.money import OPEN
from ops.checks.results import CheckResult, expect
from ops.records import Order
from ops.snapshot import Snapshot

STATUSES_AFTER = {
    "order.placed": {"awaiting_payment"},
    "order.paid": {"paid"},
    "order.rejected": {"cancelled"},
    "order.cancelled": {"cancelled"},
    "order.expired": {"expired"},
    "order.shipped": {"partially_shipped", "shipped"},
    "order.delivered": {"delivered"},
    "order.refunded": {"refunded"},
}
AT_MOST_ONCE = (
    "order.placed",
    "order.paid",
    "order.invoiced",
    "order.expired",
    "order.delivered",
    "order.refunded",
)


def timelines_match_orders(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each order's status, fulfilments and returns match its timeline."""
    for order in snapshot.orders.values():
        result.add(order.order_id, *_timeline_problems(order))


def _timeline_problems(order: Order) -> Iterator[str | None]:
    kinds = [entry.kind for entry in order.timeline]
    last = next((kind for kind in reversed(kinds) if kind in STATUSES_AFTER), None)
    allowed = STATUSES_AFTER[last] if last else {"pending"}
    yield expect(order.status in allowed, f"is {order.status} after {last}")
    counts = Counter(kinds)
    for kind in AT_MOST_ONCE:
        yield expect(counts[kind] <= 1, f"has {counts[kind]} times {kind} in its timeline")
    times = [entry.at for entry in order.timeline]
    yield expect(times == sorted(times), "has a timeline that is not in order of time")
    ordered = Counter(order.pieces)
    shipped = _sum(pieces for _, pieces in order.fulfilments)
    returned = _sum(each.pieces for each in order.returns if each.status == "received")
    yield expect(shipped <= ordered, f"has {dict(shipped)} shipped of {dict(ordered)} ordered")
    yield expect(returned <= shipped, f"has {dict(returned)} returned of {dict(shipped)} shipped")
    recorded = {entry.ref for entry in order.timeline if entry.kind == "order.shipped"}
    yield expect(
        recorded == {fulfilment_id for fulfilment_id, _ in order.fulfilments},
        "has other fulfilments than its timeline",
    )
    if order.status in ("partially_shipped", "shipped", "delivered"):
        fully_shipped = shipped == ordered
        yield expect(
            fully_shipped == (order.status != "partially_shipped"),
            f"is {order.status}, with {dict(shipped)} shipped",
        )


def _sum(quantities: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in quantities:
        total.update(each)
    return total


def nothing_is_overdue(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that no order is past its deadline, and that open payments belong to orders that await one."""
    for order in snapshot.orders.values():
        overdue = order.expires_at is not None and snapshot.is_old(order.expires_at)
        result.add(
            order.order_id, expect(not overdue, f"is {order.status}, but expired at {order.expires_at}")
        )
    for payment in snapshot.payments.values():
        paid = snapshot.orders.get(payment.order_id)
        if payment.status in OPEN and paid and snapshot.is_old(max(paid.changed_at, payment.updated_at)):
            awaited = paid.status == "awaiting_payment" or (
                paid.payment_id == payment.payment_id and not paid.was_released
            )
            renewal = payment.status != "processing" and paid.payment_id is not None and not paid.was_released
            result.add(
                payment.payment_id,
                expect(
                    awaited or (renewal and payment.capture == "manual"),
                    f"is {payment.status}, so it can still be paid, but its order is {paid.status}",
                ),
            )


def invoices_are_complete(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each paid order has one invoice with its file, and that a year's numbers have no gap."""
    numbers: dict[str, list[str]] = {}
    files = {name.rpartition("/")[2] for name in snapshot.invoice_files}
    for order in snapshot.orders.values():
        if not (order.invoice or order.has("order.paid")):
            continue
        paid = next((entry.at for entry in order.timeline if entry.kind == "order.paid"), order.changed_at)
        if order.invoice is None:
            result.add(order.order_id, expect(not snapshot.is_old(paid), "was paid and has no invoice"))
            continue
        numbers.setdefault(order.invoice, []).append(order.order_id)
        name = f"{order.invoice}-{order.order_id}.pdf"
        result.add(
            order.order_id,
            expect(name in files or not snapshot.is_old(paid), f"has no invoice file {name}"),
        )
    for counter, last in snapshot.counters.items():
        if counter.startswith("invoices#"):
            year = counter.removeprefix("invoices#")
            used = {number for number in numbers if number.startswith(f"{year}-")}
            expected = {f"{year}-{n:06}" for n in range(1, last + 1)}
            missing, unexpected = sorted(expected - used), sorted(used - expected)
            result.add(
                counter,
                expect(not missing, f"has {len(missing)} missing numbers: {', '.join(missing[:5])}"),
                expect(not unexpected, f"is below the numbers {', '.join(unexpected[:5])}"),
            )
    for number, order_ids in numbers.items():
        if len(order_ids) > 1:
            result.add(number, f"is the number of {len(order_ids)} invoices: {', '.join(order_ids)}")
