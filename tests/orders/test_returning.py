"""Returns and their refunds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.app.api import api
from orders.domain import fulfilling, paying, placing, returning
from orders.domain.orders import Order, RefundKey
from orders.domain.terms import agree
from orders.tables import orders
from orders.tables.rows import OrderRow
from shared.runtime import clock, observability
from shared.values.money import Money
from tests.orders.conftest import place, read, token
from tests.orders.paid_orders import (
    decide_return,
    delivered,
    fulfil,
    paid,
    pay,
    receive_return,
    request_return,
)
from tests.orders.samples import ADDRESS, NOW, discounted, gbp, line, payment_update, quote
from tests.support import call, customer, guest, idempotency_headers


def dues(order: dict) -> dict:
    return OrderRow.get("usr_1", order["order_id"]).refunds_due or {}


def test_a_received_return_makes_its_price_due_for_refund(shop):
    order = delivered()
    reply = request_return(order, ("SKU-0001", 1))
    assert (reply.status, reply.json["status"]) == (201, "requested")
    assert reply.json["return_id"].startswith("ret_")
    approved = decide_return(order, reply.json, status="approved")
    assert (approved.status, approved.json["status"]) == (200, "approved")
    assert dues(order) == {}
    received = decide_return(order, reply.json, status="received", restock=False).json
    assert (received["status"], received["restock"], received["refund"]["amount"]) == (
        "received",
        False,
        1_100,
    )
    assert dues(order) == {received["return_id"]: ["pay_1", 1_100, "GBP", "goods_returned"]}
    shown = read(order["order_id"]).json
    assert [line["returned"] for line in shown["lines"]] == [0, 1, 0]
    assert shown["returns"] == [received]


def test_of_equal_decisions_in_one_millisecond_only_one_succeeds(shop, monkeypatch):
    order = delivered()
    return_ = request_return(order, ("SKU-0001", 1)).json
    decide_return(order, return_, status="approved")
    now, save, first = clock.now(), orders.save, []

    def save_second(changed):
        monkeypatch.setattr(orders, "save", save)
        request_id = observability.request_id()
        first.append(decide_return(order, return_, status="received").status)
        observability.begin(request_id)
        save(changed)

    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr(orders, "save", save_second)
    second = decide_return(order, return_, status="received")
    assert (first, second.status) == ([200], 409), second.text


def test_the_last_piece_refunds_the_shipping_price_too(shop):
    order = delivered()
    parts = [("SKU-0000", 1)], [("SKU-0001", 2), ("SKU-0002", 1)], [("SKU-0002", 2)]
    refunded = [receive_return(order, *lines)["refund"]["amount"] for lines in parts]
    assert sum(refunded) == order["total"]["amount"]
    assert refunded[-1] == 2 * 1_101 + 395


def test_staff_can_refund_less_than_the_price_but_not_more(shop):
    order = delivered()
    return_ = request_return(order, ("SKU-0001", 2)).json
    decide_return(order, return_, status="approved")
    for refund in ({"amount": 2_201, "currency": "GBP"}, {"amount": 1, "currency": "EUR"}):
        assert decide_return(order, return_, status="received", refund=refund).status == 422
    more = decide_return(order, return_, status="received", refund={"amount": 2_201, "currency": "GBP"})
    assert more.json["errors"][0]["detail"] == "At most £22.00 can be refunded for this return."
    less = decide_return(order, return_, status="received", refund={"amount": 500, "currency": "GBP"})
    assert less.json["refund"]["amount"] == 500
    assert sum(due[1] for due in dues(order).values()) == 500


@pytest.mark.parametrize("lines", [[("SKU-0001", 3)], [("SKU-0001", 1), ("SKU-0001", 2)], [("SKU-9999", 1)]])
def test_no_more_can_be_returned_than_was_shipped(shop, lines):
    assert request_return(delivered(), *lines).status == 422


def test_pieces_in_an_open_return_cannot_be_returned_again(shop):
    order = delivered()
    first = request_return(order, ("SKU-0002", 2)).json
    assert request_return(order, ("SKU-0002", 2)).status == 422
    decide_return(order, first, status="rejected")
    assert request_return(order, ("SKU-0002", 3)).status == 201


def test_only_shipped_pieces_can_be_returned(shop):
    order = paid()
    assert request_return(order, ("SKU-0001", 1)).json["type"] == "/problems/illegal-transition"
    fulfil(order, lines=[{"sku": "SKU-0001", "quantity": 1}])
    assert request_return(order, ("SKU-0002", 1)).status == 422
    assert receive_return(order, ("SKU-0001", 1))["refund"]["amount"] == 1_100
    assert fulfil(order).json["status"] == "shipped"


def test_returns_are_accepted_for_thirty_days_after_delivery(shop, time):
    order = delivered()
    time.advance(days=30)
    return_ = request_return(order, ("SKU-0000", 1)).json
    time.advance(seconds=1)
    assert request_return(order, ("SKU-0001", 1)).json["type"] == "/problems/return-window-closed"
    assert decide_return(order, return_, status="approved").status == 200, (
        "a return requested in time can be approved"
    )


@pytest.mark.parametrize(
    ("statuses", "rejected"),
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
def test_a_return_allows_legal_transitions_only(shop, statuses, rejected):
    order = delivered()
    return_ = request_return(order, ("SKU-0002", 3)).json
    for status in statuses:
        assert decide_return(order, return_, status=status).status == 200
    reply = decide_return(order, return_, status=rejected)
    assert (reply.status, reply.json["type"]) == (409, "/problems/illegal-transition")
    assert len(dues(order)) == ("received" in statuses)


def test_customers_request_returns_and_staff_decide(shop):
    order = delivered()
    assert request_return(order, ("SKU-0000", 1), who=customer("usr_2")).status == 404
    assert request_return(order, ("SKU-0000", 1), who=guest()).status == 403
    return_ = request_return(order, ("SKU-0000", 1)).json
    assert decide_return(order, return_, who=customer(), status="approved").status == 403
    assert decide_return(order, {"return_id": "ret_none"}, status="approved").status == 404
    assert decide_return(order, return_, status="approved", restock=True).status == 422
    assert decide_return(order, return_, status="requested").status == 422


def test_a_repeated_request_creates_one_return(shop):
    order = delivered()
    first = request_return(order, ("SKU-0002", 1), key="k")
    again = request_return(order, ("SKU-0002", 1), key="k")
    assert (again.text, again.header("Idempotent-Replayed")) == (first.text, "true")
    assert len(read(order["order_id"]).json["returns"]) == 1


def test_concurrent_returns_never_refund_more_than_was_paid(shop):
    order = delivered()
    returns = [request_return(order, ("SKU-0002", 1)).json for _ in range(3)]
    returns += [request_return(order, ("SKU-0000", 1), ("SKU-0001", 2)).json]
    for each in returns:
        decide_return(order, each, status="approved")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda each: decide_return(order, each, status="received"), returns * 2))
    assert sorted(reply.status for reply in replies) == [200] * 4 + [409] * 4
    assert sum(due[1] for due in dues(order).values()) == order["total"]["amount"]


def test_the_limit_of_returns_does_not_block_shipping(shop):
    quoted = quote(1, at=clock.now())
    only = line("SKU-0000", 200, 100)
    sums = {"subtotal": only.line_total, "tax": only.tax, "shipping": gbp(0), "shipping_tax": None}
    quoted = quoted.model_copy(update={"lines": [only], "total": only.line_total, **sums})
    order = pay(place({"quote_token": token(quoted)}).json)
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 100}])
    replies = [request_return(order, ("SKU-0000", 1)) for _ in range(51)]
    assert [reply.status for reply in replies] == [201] * 50 + [409]
    assert replies[-1].json["type"] == "/problems/too-many-parts"
    assert fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 10}]).json["status"] == "partially_shipped"
    assert fulfil(order).json["status"] == "shipped"


def test_a_return_reason_has_a_maximum_length(shop):
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
def test_refunds_of_partial_returns_add_up_to_the_total(discounts, inclusive, order_of_pieces, together):
    quoted = discounted(discounts, inclusive=inclusive)
    terms = agree(quoted, ADDRESS, "a@example.com", NOW, timedelta(minutes=30))
    placed = placing.place(placing.open_order("ord_1", "usr_1", NOW), terms)
    order = paying.apply_payment(placed, payment_update(terms.total.amount), NOW)
    order = fulfilling.ship(order, "ful_1", None, None, None, "staff", NOW)
    refunded = []
    for at in range(0, 6, together):
        pieces = [(f"SKU-{place:04}", 1) for place in order_of_pieces[at : at + together]]
        order, amount = return_all(order, f"ret_{at}", pieces)
        refunded.append(amount)
    assert all(amount >= 0 for amount in refunded)
    assert sum(refunded) == terms.total.amount
    assert order.refundable == 0


def return_all(order: Order, name: str, pieces: list[tuple[str, int]]) -> tuple[Order, int]:
    order = returning.request(order, name, pieces, "no", timedelta(days=30), NOW)
    order = returning.decide(order, name, True, "staff", NOW)
    order = returning.receive(order, name, True, None, "staff", NOW)
    due = order.refunds_due.get(RefundKey(name))
    assert due is None or isinstance(due.amount, Money)
    return order, due.amount.amount if due else 0
