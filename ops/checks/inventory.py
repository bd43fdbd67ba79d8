"""Checks of reservations, stock, restocked returns, the cart's replica and coupon counters."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from ops.checks.results import CheckResult, expect, expect_equal
from ops.records import Order, Row
from ops.snapshot import Snapshot

RESTOCKS_KEPT = timedelta(days=14)  # catalog keeps the row of a handled return for 15 days
REPORTED_BELOW = 100  # catalog publishes each change of stock only below this


def reservations_match_orders(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each order's reservation has the state and the lines that the order's status requires."""
    for order in snapshot.orders.values():
        if order.status != "pending" and snapshot.is_old(order.changed_at):
            rows = snapshot.reservations.get(order.order_id, [])
            result.add(order.order_id, *_reservation_problems(order, rows))
    for order_id in snapshot.reservations.keys() - snapshot.orders.keys():
        result.add(order_id, "has a reservation, but the order does not exist")


def _reservation_problems(order: Order, rows: Sequence[Row]) -> Iterator[str | None]:
    required = "held" if order.status == "awaiting_payment" else "committed"
    if order.was_released:
        required = "released"
    states = {row["state"] for row in rows} or {"none"}
    yield expect(
        states == {required}, f"is {order.status}, but its reservation is {', '.join(sorted(states))}"
    )
    reserved: Counter[str] = Counter()
    for row in rows:
        for _, sku, quantity in _lines(row):
            reserved[sku] += quantity
    if required != "released":
        yield expect_equal("the quantity per SKU", dict(order.pieces), dict(reserved), source="the catalog")


def _lines(row: Row) -> list[tuple[str, str, int]]:
    """Return the reservation's lines as (product id, SKU, quantity)."""
    return [tuple(line) for line in json.loads(row.get("lines") or "[]")]


def stock_matches_reservations(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that reserved quantities are the sums of held reservations, and available ones not negative."""
    held: Counter[str] = Counter()
    for rows in snapshot.reservations.values():
        for row in rows:
            for _, sku, quantity in _lines(row):
                held[sku] += quantity if row["state"] == "held" else 0
    for sku, variant in snapshot.variants.items():
        result.add(
            sku,
            expect_equal("reserved", variant["reserved"], held.pop(sku, 0), source="the reservations"),
            expect(variant["available"] >= 0, f"available is {variant['available']}, below zero"),
        )
    for sku, quantity in (+held).items():
        result.add(sku, f"has {quantity} reserved, but is not in the catalog")


def received_returns_are_restocked(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each received return that is to be restocked was added to the stock."""
    restocked = {pk.rpartition(".")[0].removeprefix("event#") for pk in snapshot.restocked}
    for order in snapshot.orders.values():
        for return_ in order.returns:
            received = next(
                (e.at for e in order.timeline if e.kind == "return.received" and e.ref == return_.return_id),
                None,
            )
            if not (received and return_.restock):
                continue
            if snapshot.now - RESTOCKS_KEPT < received and snapshot.is_old(received):
                result.add(
                    return_.return_id,
                    expect(return_.return_id in restocked, f"of {order.order_id} was not restocked"),
                )


def the_carts_replica_is_current(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that the cart's replica has the price, status and available quantity of each product."""
    for row in snapshot.carts:
        if row["pk"].startswith("product#"):
            variant = snapshot.variants.get(row["sku"])
            if variant is None:
                result.add(row["sku"], expect(not row["active"], "is active in the cart, not in the catalog"))
                continue
            problems = [
                expect_equal("price", row["unit_price"], variant["price"], source="the catalog"),
                expect_equal("active", row["active"], variant["active"], source="the catalog"),
            ]
            if variant["available"] < REPORTED_BELOW:
                problems.append(
                    expect_equal("available", row["available"], variant["available"], source="the catalog")
                )
            result.add(row["sku"], *problems)


def coupon_counters_match_orders(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that the counters of orders and of cart are the number of orders with the coupon."""
    redeemed = Counter(counter for order in snapshot.orders.values() for counter in order.redeemed)
    for counter, used in snapshot.counters.items():
        if counter.startswith("coupon#"):
            result.add(counter, expect_equal("used", used, redeemed.pop(counter, 0), source="the orders"))
    for counter, orders in (+redeemed).items():
        result.add(counter, f"is used by {orders} orders and has no counter")
    uses: Counter[str] = Counter()
    for order in snapshot.orders.values():
        if order.coupon and order.has("order.placed") and not order.was_released:
            uses.update((f"uses#{order.coupon}", f"uses#{order.coupon}#{order.user_id}"))
    for row in snapshot.carts:
        if row["pk"].startswith("uses#"):
            result.add(
                row["pk"], expect_equal("used", row["used"], uses.pop(row["pk"], 0), source="the orders")
            )
    for key, orders in (+uses).items():
        result.add(key, f"is used by {orders} orders and has no counter")
