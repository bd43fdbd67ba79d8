"""Goods that come back, and the money that they bring."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.app import api
from orders.domain import fulfilling, paying, placing, returning
from orders.domain.orders import Order, RefundKey
from orders.domain.terms import agree
from orders.tables.rows import OrderRow
from shared.runtime import clock
from shared.values.money import Money
from tests.orders.conftest import place, read, token
from tests.orders.paid_orders import delivered, fulfil, paid, pay, received, send_back, settle
from tests.orders.samples import ADDRESS, NOW, discounted, gbp, line, quote, told
from tests.support import call, customer, guest, idempotency_headers


def dues(order: dict) -> dict:
    return OrderRow.get("usr_1", order["order_id"]).refunds_due or {}


def test_goods_come_back_and_bring_what_was_paid_for_them(shop):
    order = delivered()
    asked = send_back(order, ("SKU-0001", 1))
    assert (asked.status, asked.json["status"]) == (201, "requested")
    assert asked.json["return_id"].startswith("ret_")
    approved = settle(order, asked.json, status="approved")
    assert (approved.status, approved.json["status"]) == (200, "approved")
    assert dues(order) == {}
    back = settle(order, asked.json, status="received", restock=False).json
    assert (back["status"], back["restock"], back["refund"]["amount"]) == ("received", False, 1_100)
    assert dues(order) == {back["return_id"]: ["pay_1", 1_100, "GBP", "goods_returned"]}
    shown = read(order["order_id"]).json
    assert [line["returned"] for line in shown["lines"]] == [0, 1, 0]
    assert shown["returns"] == [back]


def test_the_last_piece_brings_the_delivery_back_too(shop):
    order = delivered()
    parts = [("SKU-0000", 1)], [("SKU-0001", 2), ("SKU-0002", 1)], [("SKU-0002", 2)]
    brought = [received(order, *lines)["refund"]["amount"] for lines in parts]
    assert sum(brought) == order["total"]["amount"]
    assert brought[-1] == 2 * 1_101 + 395


def test_worn_goods_bring_less_and_never_more(shop):
    order = delivered()
    made = send_back(order, ("SKU-0001", 2)).json
    settle(order, made, status="approved")
    for refund in ({"amount": 2_201, "currency": "GBP"}, {"amount": 1, "currency": "EUR"}):
        assert settle(order, made, status="received", refund=refund).status == 422
    more = settle(order, made, status="received", refund={"amount": 2_201, "currency": "GBP"})
    assert more.json["errors"][0]["detail"] == "At most £22.00 can be refunded for this return."
    less = settle(order, made, status="received", refund={"amount": 500, "currency": "GBP"})
    assert less.json["refund"]["amount"] == 500
    assert sum(due[1] for due in dues(order).values()) == 500


@pytest.mark.parametrize("lines", [[("SKU-0001", 3)], [("SKU-0001", 1), ("SKU-0001", 2)], [("SKU-9999", 1)]])
def test_no_more_comes_back_than_was_shipped(shop, lines):
    assert send_back(delivered(), *lines).status == 422


def test_what_is_on_its_way_back_is_not_asked_for_again(shop):
    order = delivered()
    first = send_back(order, ("SKU-0002", 2)).json
    assert send_back(order, ("SKU-0002", 2)).status == 422
    settle(order, first, status="rejected")
    assert send_back(order, ("SKU-0002", 3)).status == 201


def test_of_a_part_shipped_order_only_that_part_comes_back(shop):
    order = paid()
    assert send_back(order, ("SKU-0001", 1)).json["type"] == "/problems/illegal-transition"
    fulfil(order, lines=[{"sku": "SKU-0001", "quantity": 1}])
    assert send_back(order, ("SKU-0002", 1)).status == 422
    assert received(order, ("SKU-0001", 1))["refund"]["amount"] == 1_100
    assert fulfil(order).json["status"] == "shipped"


def test_returns_are_taken_for_thirty_days(shop, time):
    order = delivered()
    time.goes_on(days=30)
    made = send_back(order, ("SKU-0000", 1)).json
    time.goes_on(seconds=1)
    assert send_back(order, ("SKU-0001", 1)).json["type"] == "/problems/return-window-closed"
    assert settle(order, made, status="approved").status == 200, "what was asked for in time goes on"


@pytest.mark.parametrize(
    ("moves", "refused"),
    [
        ([], "received"),
        (["approved"], "approved"),
        (["rejected"], "approved"),
        (["rejected"], "received"),
        (["approved", "rejected"], "received"),
        (["approved", "received"], "received"),
        (["approved", "received"], "rejected"),
    ],
)
def test_a_return_makes_legal_moves_only(shop, moves, refused):
    order = delivered()
    made = send_back(order, ("SKU-0002", 3)).json
    for move in moves:
        assert settle(order, made, status=move).status == 200
    reply = settle(order, made, status=refused)
    assert (reply.status, reply.json["type"]) == (409, "/problems/illegal-transition")
    assert len(dues(order)) == ("received" in moves)


def test_customers_ask_and_staff_decide(shop):
    order = delivered()
    assert send_back(order, ("SKU-0000", 1), who=customer("usr_2")).status == 404
    assert send_back(order, ("SKU-0000", 1), who=guest()).status == 403
    made = send_back(order, ("SKU-0000", 1)).json
    assert settle(order, made, who=customer(), status="approved").status == 403
    assert settle(order, {"return_id": "ret_none"}, status="approved").status == 404
    assert settle(order, made, status="approved", restock=True).status == 422
    assert settle(order, made, status="requested").status == 422


def test_a_return_is_asked_for_once_a_request(shop):
    order = delivered()
    first = send_back(order, ("SKU-0002", 1), key="k")
    again = send_back(order, ("SKU-0002", 1), key="k")
    assert (again.text, again.header("Idempotent-Replayed")) == (first.text, "true")
    assert len(read(order["order_id"]).json["returns"]) == 1


def test_returns_received_at_once_never_bring_more_than_was_paid(shop):
    order = delivered()
    made = [send_back(order, ("SKU-0002", 1)).json for _ in range(3)]
    made += [send_back(order, ("SKU-0000", 1), ("SKU-0001", 2)).json]
    for each in made:
        settle(order, each, status="approved")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda each: settle(order, each, status="received"), made * 2))
    assert sorted(reply.status for reply in replies) == [200] * 4 + [409] * 4
    assert sum(due[1] for due in dues(order).values()) == order["total"]["amount"]


def test_many_returns_keep_nobody_from_shipping_the_rest(shop):
    made = quote(1, at=clock.now())
    only = line("SKU-0000", 200, 100)
    sums = {"subtotal": only.line_total, "tax": only.tax, "shipping": gbp(0), "shipping_tax": None}
    made = made.model_copy(update={"lines": [only], "total": only.line_total, **sums})
    order = pay(place({"quote_token": token(made)}).json)
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 100}])
    asked = [send_back(order, ("SKU-0000", 1)) for _ in range(51)]
    assert [reply.status for reply in asked] == [201] * 50 + [409]
    assert asked[-1].json["type"] == "/problems/too-many-parts"
    assert fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 10}]).json["status"] == "partially_shipped"
    assert fulfil(order).json["status"] == "shipped"


def test_a_reason_has_room_for_words_and_not_for_books(shop):
    order = delivered()
    path = f"/orders/{order['order_id']}/returns"
    for reason, status in (("\U0001f642" * 250, 201), ("\U0001f642" * 251, 422), ("a\x00b", 422)):
        body = {"lines": [{"sku": "SKU-0002", "quantity": 1}], "reason": reason}
        assert (
            call(api, "POST", path, body=body, caller=customer(), headers=idempotency_headers()).status
            == status
        )


@given(
    discounts=st.tuples(*[st.integers(0, 1_099)] * 3),
    inclusive=st.booleans(),
    order_of_pieces=st.permutations([0, 1, 1, 2, 2, 2]),
    together=st.integers(1, 6),
)
def test_whatever_comes_back_in_whatever_parts_the_parts_add_up(
    discounts, inclusive, order_of_pieces, together
):
    made = discounted(discounts, inclusive=inclusive)
    terms = agree(made, ADDRESS, "a@example.com", NOW, timedelta(minutes=30))
    placed = placing.place(placing.open_order("ord_1", "usr_1", NOW), terms)
    order = paying.apply_payment(placed, told(terms.total.amount), NOW)
    order = fulfilling.ship(order, "ful_1", None, None, None, "staff", NOW)
    brought = []
    for at in range(0, 6, together):
        pieces = [(f"SKU-{place:04}", 1) for place in order_of_pieces[at : at + together]]
        order, amount = came_back(order, f"ret_{at}", pieces)
        brought.append(amount)
    assert all(amount >= 0 for amount in brought)
    assert sum(brought) == terms.total.amount
    assert order.refundable == 0


def came_back(order: Order, name: str, pieces: list[tuple[str, int]]) -> tuple[Order, int]:
    order = returning.request(order, name, pieces, "no", timedelta(days=30), NOW)
    order = returning.decide(order, name, True, "staff", NOW)
    order = returning.receive(order, name, True, None, "staff", NOW)
    due = order.refunds_due.get(RefundKey(name))
    assert due is None or isinstance(due.amount, Money)
    return order, due.amount.amount if due else 0
