"""Whatever happens to orders, in whatever order and however often: no piece is made, lost or sold twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from moto.dynamodb.models import dynamodb_backends

from catalog import domain
from catalog.app import api, consume
from catalog.tables.rows import ReservationRow, VariantRow
from tests.catalog.catalog_driver import (
    cancelled,
    expired,
    line,
    make,
    paid,
    refused_as,
    release,
    reserve,
    returned,
    rows,
    variant,
)
from tests.support import ACCOUNT, REGION, call, deliver, idempotency_headers, staff

SKUS = ("A", "B", "C")
ORDERS = tuple(f"ord_{n}" for n in range(5))
orders = st.sampled_from(ORDERS)
returns = st.sampled_from(("ret_1", "ret_2", "ret_3"))
wishes = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=4)


class Shelves(RuleBasedStateMachine):
    """Few orders and few pieces, so that they meet; a plain account of what must be there beside them."""

    @initialize(first=st.tuples(*(st.integers(0, 8) for _ in SKUS)))
    def open(self, first):
        for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
            table.items.clear()
        self.on_hand = dict(zip(SKUS, first, strict=True))
        self.product = make(*(variant(sku, stock=pieces) for sku, pieces in self.on_hand.items()))
        self.state = dict.fromkeys(ORDERS, "none")
        self.holds = {order: dict.fromkeys(SKUS, 0) for order in ORDERS}
        self.news = {}

    def reserved(self, sku):
        return sum(self.holds[order][sku] for order in ORDERS if self.state[order] == "held")

    @rule(order=orders, wanted=wishes)
    def reserve(self, order, wanted):
        answer = reserve(order, *(line(self.product, sku, pieces) for sku, pieces in wanted))
        pieces = {sku: sum(n for wish, n in wanted if wish == sku) for sku in SKUS}
        # A large order is let go of when it is refused, and may not ask again; a small one may.
        large = sum(map(bool, pieces.values())) > domain.MAX_LINES
        if self.state[order] == "released":
            assert refused_as(answer) == "/problems/reservation-released"
        elif self.state[order] != "none":
            assert refused_as(answer) is None
        elif lacking := [sku for sku in SKUS if pieces[sku] > self.on_hand[sku] - self.reserved(sku)]:
            assert refused_as(answer) == "/problems/out-of-stock"
            told = {item["sku"] for item in answer["problem"]["items"]}
            assert told <= set(lacking) if large else told == set(lacking)
            self.state[order] = "released" if large else "none"
        else:
            assert refused_as(answer) is None
            self.state[order], self.holds[order] = "held", pieces

    @rule(order=orders, times=st.integers(1, 2))
    def pay(self, order, times):
        assert deliver(consume, *[paid(order)] * times) == []
        if self.state[order] == "held":
            self.state[order] = "committed"
            for sku in SKUS:
                self.on_hand[sku] -= self.holds[order][sku]

    @rule(order=orders, end=st.sampled_from([cancelled, expired, None]), times=st.integers(1, 2))
    def give_up(self, order, end, times):
        for _ in range(times):
            if end:
                assert deliver(consume, end(order)) == []
            else:
                release(order)
        if self.state[order] == "committed":
            for sku in SKUS:
                self.on_hand[sku] += self.holds[order][sku]
        self.state[order] = "released"

    @rule(order=orders, name=returns, sellable=st.booleans(), times=st.integers(1, 2))
    def come_back(self, order, name, sellable, times):
        """All that an order bought, before or after its payment was heard; a return says ever the same."""
        if name not in self.news:
            if self.state[order] not in {"held", "committed"}:
                return
            pieces = {sku: n for sku, n in self.holds[order].items() if n}
            lines = [line(self.product, sku, n) for sku, n in pieces.items()]
            self.news[name] = returned(name, *lines, restock=sellable, order_id=order)
            for sku, n in pieces.items() if sellable else ():
                self.on_hand[sku] += n
        assert deliver(consume, *[self.news[name]] * times) == []

    @rule(sku=st.sampled_from(SKUS), delta=st.integers(-6, 6), key=st.uuids(), times=st.integers(1, 2))
    def adjust(self, sku, delta, key, times):
        sent = {
            "body": {"delta": delta, "reason": "counted"},
            "caller": staff(),
            "headers": idempotency_headers(str(key)),
        }
        answers = {call(api, "POST", f"/stock/{sku}/adjustments", **sent).status for _ in range(times)}
        possible = self.on_hand[sku] + delta >= self.reserved(sku)
        assert answers == {200 if possible else 409}
        self.on_hand[sku] += delta if possible else 0

    @invariant()
    def the_account_is_right(self):
        found = rows()
        variants = [VariantRow.from_raw_data(row) for row in found if row["pk"]["S"].startswith("product#")]
        shelves = {row.sku: (row.available, row.reserved) for row in variants if row.sk != "product"}
        assert all(pieces >= 0 for levels in shelves.values() for pieces in levels)
        assert {sku: sum(levels) for sku, levels in shelves.items()} == self.on_hand
        assert {sku: reserved for sku, (_, reserved) in shelves.items()} == {
            sku: self.reserved(sku) for sku in SKUS
        }
        held = dict.fromkeys(SKUS, 0)
        for row in map(ReservationRow.from_raw_data, found):
            if row.pk.startswith("reservation#") and row.state == "held":
                for _, sku, pieces in row.lines or []:
                    held[sku] += pieces
        assert held == {sku: reserved for sku, (_, reserved) in shelves.items()}


def test_no_piece_is_made_lost_or_sold_twice(cloud, hurried):
    run_state_machine_as_test(Shelves, settings=settings(max_examples=15, stateful_step_count=15))


def test_nor_is_it_where_orders_are_held_in_chunks(cloud, hurried, monkeypatch):
    monkeypatch.setattr(domain, "MAX_LINES", 1)
    run_state_machine_as_test(Shelves, settings=settings(max_examples=15, stateful_step_count=15))
