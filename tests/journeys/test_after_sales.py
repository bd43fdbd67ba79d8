"""Orders after payment: cancellation, invoices, fulfilments, delivery and returns."""

import urllib.request

from localstack.demo import cards
from localstack.demo.shopper import ship_order, until
from localstack.mail.sent import count_by_kind
from tests.journeys.calls import ILLEGAL, cancel, decide_return, get_order, problem_of, set_status, timeline
from tests.journeys.conftest import (
    after_pause,
    new_key,
    pay_and_wait,
    stock_of,
    stripe_refunds,
    wait_for_messages,
)


def _read(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_cancelling_a_paid_order_releases_stock_and_coupon_and_refunds_it(
    local, staff, shopper, create_product, create_coupon
):
    buyer, sku, code = shopper(), create_product(stock=5, price=999), create_coupon(usage_limit=1)
    buyer.add(sku, 3)
    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    order = pay_and_wait(buyer, buyer.order(buyer.quote()))
    assert (order["coupon"], order["discount"]["amount"]) == (code, 300)
    total = order["total"]["amount"]
    assert stock_of(staff, sku) == (2, 0, 2)

    cancelled = cancel(buyer, order)
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert problem_of(cancel(buyer, order)) == ILLEGAL
    until(lambda: stock_of(staff, sku) == (5, 0, 5), "the stock to be released")
    wait_for_messages(buyer, "cancelled", "refunded")
    until(lambda: get_order(buyer, order)["refunded"]["amount"] == total, "the order to record its refund")
    assert after_pause(lambda: stripe_refunds(local, buyer, order)) == [total]
    once = dict.fromkeys(("welcome", "confirmed", "invoice", "cancelled", "refunded"), 1)
    assert count_by_kind(local, buyer.email) == once
    assert get_order(buyer, order)["status"] == "cancelled"
    assert timeline(buyer, order) == [
        "order.placed",
        "order.paid",
        "order.invoiced",
        "order.cancelled",
        "refund.due",
        "refund.made",
    ]

    until(
        lambda: staff.expect(200, "GET", f"/coupons/{code}")["used"] == 0, "the coupon's use to be released"
    )
    next_buyer = shopper()
    next_buyer.add(sku, 1)
    next_buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    assert next_buyer.order(next_buyer.quote())["coupon"] == code


def test_an_order_ships_in_two_fulfilments_and_is_returned_in_two_parts(
    local, staff, shopper, create_product
):
    buyer, other = shopper(), shopper()
    mug, plate = create_product(stock=3, price=999), create_product(stock=2, price=1250)
    buyer.add(mug, 3)
    buyer.add(plate, 2)
    placed = buyer.order(buyer.quote())
    invoice = f"/orders/{placed['order_id']}/invoice"
    assert buyer.shop.call("GET", invoice).status == 404
    assert problem_of(set_status(staff, placed, "shipped")) == ILLEGAL
    order = pay_and_wait(buyer, placed)
    total, goods_total = order["total"]["amount"], 3 * 999 + 2 * 1250
    assert total == goods_total + order["shipping"]["amount"]

    issued = buyer.shop.expect(200, "GET", invoice)
    assert issued["invoice_number"] == order["invoice_number"]
    kind, pdf = _read(issued["url"])
    assert (kind, pdf[:5]) == ("application/pdf", b"%PDF-")
    kind, page = _read(issued["html_url"])
    assert kind.startswith("text/html")
    assert issued["invoice_number"] in page.decode()
    assert order["number"] in page.decode()
    assert other.shop.call("GET", invoice).status == 404

    assert problem_of(set_status(staff, order, "delivered")) == ILLEGAL
    first = ship_order(staff, order, {mug: 2})
    assert first["status"] == "partially_shipped"
    assert {line["sku"]: line["fulfilled"] for line in first["lines"]} == {mug: 2, plate: 0}
    assert problem_of(cancel(buyer, order)) == ILLEGAL
    assert problem_of(set_status(staff, order, "cancelled")) == ILLEGAL
    assert problem_of(set_status(staff, order, "delivered")) == ILLEGAL
    too_many = {"carrier": "DPD", "tracking": "1", "lines": [{"sku": mug, "quantity": 2}]}
    refused = staff.call("POST", f"/orders/{order['order_id']}/fulfilments", too_many, **new_key())
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/lines/0/quantity")
    second = ship_order(staff, order)
    assert second["status"] == "shipped"
    assert [fulfilment["lines"] for fulfilment in second["fulfilments"]] == [
        [{"sku": mug, "quantity": 2}],
        [{"sku": mug, "quantity": 1}, {"sku": plate, "quantity": 2}],
    ]
    wait_for_messages(buyer, "shipped", "shipped")
    assert set_status(staff, order, "delivered").body["status"] == "delivered"
    assert problem_of(set_status(staff, order, "delivered")) == ILLEGAL
    wait_for_messages(buyer, "delivered")

    part = buyer.request_return(order, {mug: 1}, "a chip in the rim")
    assert problem_of(decide_return(staff, order, part["return_id"], status="received")) == ILLEGAL
    assert decide_return(staff, order, part["return_id"], status="approved").body["status"] == "approved"
    wait_for_messages(buyer, "return approved")
    received = decide_return(staff, order, part["return_id"], status="received", restock=True).body
    assert (received["status"], received["refund"]["amount"]) == ("received", 999)
    until(lambda: get_order(buyer, order)["refunded"]["amount"] == 999, "the first refund")
    assert get_order(buyer, order)["status"] == "delivered"
    beyond = {"lines": [{"sku": mug, "quantity": 3}], "reason": "all of them"}
    refused = buyer.shop.call("POST", f"/orders/{order['order_id']}/returns", beyond, **new_key())
    assert refused.status == 422

    rest = buyer.request_return(order, {mug: 2, plate: 2}, "we have enough")
    decide_return(staff, order, rest["return_id"], status="approved")
    wait_for_messages(buyer, "return approved", "return approved")
    received = decide_return(staff, order, rest["return_id"], status="received", restock=True).body
    assert received["refund"]["amount"] == total - 999, "the last return also refunds the delivery"
    whole = buyer.wait_for_order(order["order_id"], "refunded")
    assert whole["refunded"]["amount"] == total
    assert [line["returned"] for line in whole["lines"]] == [3, 2]
    again = {"lines": [{"sku": mug, "quantity": 1}], "reason": "once more"}
    refused = buyer.shop.call("POST", f"/orders/{order['order_id']}/returns", again, **new_key())
    assert problem_of(refused) == ILLEGAL
    until(lambda: stock_of(staff, mug) == (3, 0, 3), "the mugs to be restocked")
    until(lambda: stock_of(staff, plate) == (2, 0, 2), "the plates to be restocked")
    wait_for_messages(buyer, *["return received", "refunded"] * 2)
    assert after_pause(lambda: stripe_refunds(local, buyer, order)) == [999, total - 999]
    assert count_by_kind(local, buyer.email) == {
        "welcome": 1,
        "confirmed": 1,
        "invoice": 1,
        "shipped": 2,
        "delivered": 1,
        "return approved": 2,
        "return received": 2,
        "refunded": 2,
    }
    assert timeline(buyer, order) == [
        "order.placed",
        "order.paid",
        "order.invoiced",
        "order.shipped",
        "order.shipped",
        "order.delivered",
        *["return.requested", "return.approved", "return.received", "refund.due", "refund.made"] * 2,
        "order.refunded",
    ]


def test_a_rejected_return_refunds_nothing_and_worn_goods_less(local, staff, shopper, place_paid_order):
    buyer = shopper()
    order = place_paid_order(buyer, quantity=4, stock=4, price=1000)
    sku = order["lines"][0]["sku"]
    ship_order(staff, order)
    first = buyer.request_return(order, {sku: 2}, "changed my mind")
    assert decide_return(staff, order, first["return_id"], status="rejected").body["status"] == "rejected"
    assert problem_of(decide_return(staff, order, first["return_id"], status="approved")) == ILLEGAL
    wait_for_messages(buyer, "return rejected")

    worn = buyer.request_return(order, {sku: 4}, "worn once")
    decide_return(staff, order, worn["return_id"], status="approved")
    wait_for_messages(buyer, "return approved")
    above = {"amount": order["total"]["amount"] + 1, "currency": "GBP"}
    assert (
        decide_return(staff, order, worn["return_id"], status="received", restock=False, refund=above).status
        == 422
    )
    half = {"amount": 2000, "currency": "GBP"}
    received = decide_return(
        staff, order, worn["return_id"], status="received", restock=False, refund=half
    ).body
    assert (received["restock"], received["refund"]["amount"]) == (False, 2000)
    until(lambda: get_order(buyer, order)["refunded"]["amount"] == 2000, "the refund")
    wait_for_messages(buyer, "return received", "refunded")
    assert after_pause(lambda: stripe_refunds(local, buyer, order)) == [2000]
    assert stock_of(staff, sku) == (0, 0, 0)
    assert get_order(buyer, order)["status"] == "shipped"
    payment = buyer.shop.expect(200, "GET", f"/payments/{order['payment_id']}")
    assert payment["status"] == "partially_refunded"


def test_returns_of_discounted_goods_refund_exactly_what_was_paid(
    local, staff, shopper, create_product, create_coupon
):
    buyer, sku = shopper(), create_product(price=333)
    buyer.add(sku, 3)
    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": create_coupon()})
    order = pay_and_wait(buyer, buyer.order(buyer.quote()))
    assert order["discount"]["amount"] == 100  # of 999: no piece's share is a whole number of pence
    ship_order(staff, order)
    refunds = []
    for _ in range(3):
        return_ = buyer.request_return(order, {sku: 1}, "one at a time")
        decide_return(staff, order, return_["return_id"], status="approved")
        received = decide_return(staff, order, return_["return_id"], status="received")
        refunds.append(received.body["refund"]["amount"])
    assert sum(refunds) == order["total"]["amount"]
    assert {amount - 300 for amount in refunds[:2]} <= {-1, 0}
    assert buyer.wait_for_order(order["order_id"], "refunded")["refunded"] == order["total"]
    assert sorted(stripe_refunds(local, buyer, order)) == sorted(refunds)


def test_a_refund_made_in_stripes_dashboard_is_not_made_again(local, staff, shopper, place_paid_order):
    buyer = shopper()
    order = place_paid_order(buyer, quantity=1, stock=1, price=1000)
    total, sku = order["total"]["amount"], order["lines"][0]["sku"]
    payment = buyer.shop.expect(200, "GET", f"/payments/{order['payment_id']}")
    params = f"payment_intent={payment['provider_id']}&amount=300".encode()
    assert cards.stripe(local, "POST", "/v1/refunds", data=params)["status"] == "succeeded"
    until(lambda: get_order(buyer, order)["refunded"]["amount"] == 300, "the order to record it")
    assert get_order(buyer, order)["status"] == "paid"
    assert cancel(buyer, order).body["status"] == "cancelled"
    until(lambda: get_order(buyer, order)["refunded"]["amount"] == total, "the rest to be refunded")
    until(lambda: stock_of(staff, sku) == (1, 0, 1), "the stock to be released")
    wait_for_messages(buyer, "cancelled", "refunded", "refunded")
    assert after_pause(lambda: stripe_refunds(local, buyer, order)) == [300, total - 300]
