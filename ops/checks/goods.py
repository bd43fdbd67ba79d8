"""What is on the shelves, promised, and used up: stock, the carts' view of it, coupons."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from ops.books import Books
from ops.checks.tally import Tally, same, unless
from ops.records import Order, Row

MARKS_KEPT = timedelta(days=14)  # the catalog remembers for 15 that it put a return on the shelf
TOLD_BELOW = 100  # above so many pieces nobody is told of each


def reservations_follow_orders(books: Books, tally: Tally) -> None:
    """What an order holds of the stock is what its status says; nobody else holds any."""
    for order in books.orders.values():
        if order.status != "pending" and books.is_old(order.changed_at):
            tally.look(order.order_id, *_reservation(order, books.reservations.get(order.order_id, [])))
    for order_id in books.reservations.keys() - books.orders.keys():
        tally.look(order_id, "holds stock and is no order")


def _reservation(order: Order, rows: Sequence[Row]) -> Iterator[str | None]:
    wanted = "held" if order.status == "awaiting_payment" else "committed"
    if order.was_given_up:
        wanted = "released"
    states = {row["state"] for row in rows} or {"none"}
    yield unless(states == {wanted}, f"is {order.status}, its reservation {', '.join(sorted(states))}")
    held: Counter[str] = Counter()
    for row in rows:
        for _, sku, quantity in _lines(row):
            held[sku] += quantity
    if wanted != "released":
        yield same("ordered", dict(order.pieces), dict(held), of="the catalog")


def _lines(row: Row) -> list[tuple[str, str, int]]:
    """(product, SKU, pieces)"""
    return [tuple(line) for line in json.loads(row.get("lines") or "[]")]


def shelves_hold_what_is_reserved(books: Books, tally: Tally) -> None:
    """Of each SKU as much is reserved as orders hold, and what can be had is not below nothing."""
    held: Counter[str] = Counter()
    for rows in books.reservations.values():
        for row in rows:
            for _, sku, quantity in _lines(row):
                held[sku] += quantity if row["state"] == "held" else 0
    for sku, variant in books.variants.items():
        tally.look(
            sku,
            same("reserved", variant["reserved"], held.pop(sku, 0), of="the sum of reservations"),
            unless(variant["available"] >= 0, f"{variant['available']} are available"),
        )
    for sku, quantity in (+held).items():
        tally.look(sku, f"{quantity} are reserved of what is not in the catalog")


def returned_goods_are_on_the_shelf(books: Books, tally: Tally) -> None:
    """What came back to be sold again was put on the shelf."""
    marked = {mark.rpartition(".")[0].removeprefix("event#") for mark in books.restocked}
    for order in books.orders.values():
        for made in order.returns:
            received = next(
                (e.at for e in order.timeline if e.kind == "return.received" and e.ref == made.return_id),
                None,
            )
            if received and made.restock and books.now - MARKS_KEPT < received and books.is_old(received):
                tally.look(
                    made.return_id, unless(made.return_id in marked, f"of {order.order_id} is on no shelf")
                )


def carts_know_the_products(books: Books, tally: Tally) -> None:
    """The carts' copy of a product shows what the catalog has."""
    for row in books.carts:
        if row["pk"].startswith("product#"):
            variant = books.variants.get(row["sku"])
            if variant is None:
                tally.look(row["sku"], unless(not row["active"], "is on sale in carts, not in the catalog"))
                continue
            few = variant["available"] < TOLD_BELOW
            tally.look(
                row["sku"],
                same("price", row["unit_price"], variant["price"], of="the catalog"),
                same("on sale", row["active"], variant["active"], of="the catalog"),
                same("available", row["available"], variant["available"], of="the catalog") if few else None,
            )


def coupons_are_counted(books: Books, tally: Tally) -> None:
    """A coupon is used as often as orders hold it that were not given up, in both services' counts."""
    held = Counter(counter for order in books.orders.values() for counter in order.redeemed)
    for counter, used in books.counters.items():
        if counter.startswith("coupon#"):
            tally.look(counter, same("used", used, held.pop(counter, 0), of="the sum of orders"))
    for counter, orders in (+held).items():
        tally.look(counter, f"is held by {orders} orders and not counted")
    uses: Counter[str] = Counter()
    for order in books.orders.values():
        if order.coupon and order.has("order.placed") and not order.was_given_up:
            uses.update((f"uses#{order.coupon}", f"uses#{order.coupon}#{order.user_id}"))
    for row in books.carts:
        if row["pk"].startswith("uses#"):
            tally.look(row["pk"], same("used", row["used"], uses.pop(row["pk"], 0), of="the sum of orders"))
    for key, orders in (+uses).items():
        tally.look(key, f"is held by {orders} orders and not counted")
