"""No sequence of events of orders creates, loses or sells a piece twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from moto.dynamodb.models import dynamodb_backends

from catalog import domain
from catalog.app.api import api
from catalog.tables.rows import ReservationRow, VariantRow
from tests.catalog.catalog_driver import (
    all_rows,
    cancelled,
    consume_all,
    create_product,
    expired,
    line,
    paid,
    problem_type,
    release,
    reserve,
    returned,
    variant,
)
from tests.support import ACCOUNT, REGION, call, idempotency_headers, staff

SKUS = ("A", "B", "C")
ORDERS = tuple(f"ord_{n}" for n in range(5))
orders = st.sampled_from(ORDERS)
returns = st.sampled_from(("ret_1", "ret_2", "ret_3"))
order_lines = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=4)


class Inventory(RuleBasedStateMachine):
    """Few orders of few pieces, so that they compete, and a simple model of the expected stock."""

    @initialize(first=st.tuples(*(st.integers(0, 8) for _ in SKUS)))
    def open(self, first):
        for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
            table.items.clear()
        self.on_hand = dict(zip(SKUS, first, strict=True))
        self.product = create_product(*(variant(sku, stock=pieces) for sku, pieces in self.on_hand.items()))
        self.state = dict.fromkeys(ORDERS, "none")
        self.holds = {order: dict.fromkeys(SKUS, 0) for order in ORDERS}
        self.events = {}

    def reserved(self, sku):
        return sum(self.holds[order][sku] for order in ORDERS if self.state[order] == "held")

    @rule(order=orders, lines=order_lines)
    def reserve(self, order, lines):
        response = reserve(order, *(line(self.product, sku, pieces) for sku, pieces in lines))
        pieces = {sku: sum(n for name, n in lines if name == sku) for sku in SKUS}
        # A rejected order in chunks is released and cannot reserve again; a small order can.
        large = sum(map(bool, pieces.values())) > domain.MAX_LINES
        if self.state[order] == "released":
            assert problem_type(response) == "/problems/reservation-released"
        elif self.state[order] != "none":
            assert problem_type(response) is None
        elif short := [sku for sku in SKUS if pieces[sku] > self.on_hand[sku] - self.reserved(sku)]:
            assert problem_type(response) == "/problems/out-of-stock"
            reported = {item["sku"] for item in response["problem"]["items"]}
            assert reported <= set(short) if large else reported == set(short)
            self.state[order] = "released" if large else "none"
        else:
            assert problem_type(response) is None
            self.state[order], self.holds[order] = "held", pieces

    @rule(order=orders, times=st.integers(1, 2))
    def pay(self, order, times):
        consume_all(*[paid(order)] * times)
        if self.state[order] == "held":
            self.state[order] = "committed"
            for sku in SKUS:
                self.on_hand[sku] -= self.holds[order][sku]

    @rule(order=orders, event=st.sampled_from([cancelled, expired, None]), times=st.integers(1, 2))
    def end(self, order, event, times):
        for _ in range(times):
            if event:
                consume_all(event(order))
            else:
                release(order)
        if self.state[order] == "committed":
            for sku in SKUS:
                self.on_hand[sku] += self.holds[order][sku]
        self.state[order] = "released"

    @rule(order=orders, name=returns, sellable=st.booleans(), times=st.integers(1, 2))
    def return_goods(self, order, name, sellable, times):
        """Return all pieces of an order, before or after its payment. A return's event never changes."""
        if name not in self.events:
            if self.state[order] not in {"held", "committed"}:
                return
            pieces = {sku: n for sku, n in self.holds[order].items() if n}
            lines = [line(self.product, sku, n) for sku, n in pieces.items()]
            self.events[name] = returned(name, *lines, restock=sellable, order_id=order)
            for sku, n in pieces.items() if sellable else ():
                self.on_hand[sku] += n
        consume_all(*[self.events[name]] * times)

    @rule(sku=st.sampled_from(SKUS), delta=st.integers(-6, 6), key=st.uuids(), times=st.integers(1, 2))
    def adjust(self, sku, delta, key, times):
        sent = {
            "body": {"delta": delta, "reason": "counted"},
            "caller": staff(),
            "headers": idempotency_headers(str(key)),
        }
        responses = {call(api, "POST", f"/stock/{sku}/adjustments", **sent).status for _ in range(times)}
        possible = self.on_hand[sku] + delta >= self.reserved(sku)
        assert responses == {200 if possible else 409}
        self.on_hand[sku] += delta if possible else 0

    @invariant()
    def stock_matches_the_model(self):
        found = all_rows()
        variants = [VariantRow.from_raw_data(row) for row in found if row["pk"]["S"].startswith("product#")]
        stock = {row.sku: (row.available, row.reserved) for row in variants if row.sk != "product"}
        assert all(pieces >= 0 for levels in stock.values() for pieces in levels)
        assert {sku: sum(levels) for sku, levels in stock.items()} == self.on_hand
        assert {sku: reserved for sku, (_, reserved) in stock.items()} == {
            sku: self.reserved(sku) for sku in SKUS
        }
        held = dict.fromkeys(SKUS, 0)
        for row in map(ReservationRow.from_raw_data, found):
            if row.pk.startswith("reservation#") and row.state == "held":
                for _, sku, pieces in row.lines or []:
                    held[sku] += pieces
        assert held == {sku: reserved for sku, (_, reserved) in stock.items()}


def test_no_piece_is_created_lost_or_sold_twice(cloud, without_pauses):
    run_state_machine_as_test(Inventory, settings=settings(max_examples=15, stateful_step_count=15))


def test_no_piece_is_created_lost_or_sold_twice_by_orders_in_chunks(cloud, without_pauses, monkeypatch):
    monkeypatch.setattr(domain, "MAX_LINES", 1)
    run_state_machine_as_test(Inventory, settings=settings(max_examples=15, stateful_step_count=15))
