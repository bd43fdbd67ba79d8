"""After the payment: cancelled, shipped, delivered, invoiced, sent back."""

import urllib.request

from localstack.demo import cards
from localstack.demo.shopper import ship_order, until
from localstack.mail.templates import letters
from tests.journeys.calls import ILLEGAL, cancel, order_now, refusal, set_status, settle, timeline
from tests.journeys.conftest import await_letters, new_key, paid_for, refunds_of, settled, stock_of


def _read(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_a_paid_order_that_is_cancelled_gives_back_stock_money_and_coupon(
    local, staff, shopper, goods, coupon
):
    buyer, sku, code = shopper(), goods(stock=5, price=999), coupon(usage_limit=1)
    buyer.add(sku, 3)
    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    order = paid_for(buyer, buyer.order(buyer.quote()))
    assert (order["coupon"], order["discount"]["amount"]) == (code, 300)
    total = order["total"]["amount"]
    assert stock_of(staff, sku) == (2, 0, 2)

    cancelled = cancel(buyer, order)
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert refusal(cancel(buyer, order)) == ILLEGAL
    until(lambda: stock_of(staff, sku) == (5, 0, 5), "the stock to come back")
    await_letters(buyer, "cancelled", "refunded")
    until(lambda: order_now(buyer, order)["refunded"]["amount"] == total, "the order to know of its refund")
    assert settled(lambda: refunds_of(local, buyer, order)) == [total]
    once = dict.fromkeys(("welcome", "confirmed", "invoice", "cancelled", "refunded"), 1)
    assert letters(local, buyer.email) == once
    assert order_now(buyer, order)["status"] == "cancelled"
    assert timeline(buyer, order) == [
        "order.placed",
        "order.paid",
        "order.invoiced",
        "order.cancelled",
        "refund.due",
        "refund.made",
    ]

    until(lambda: staff.expect(200, "GET", f"/coupons/{code}")["used"] == 0, "the coupon's use to come back")
    next_buyer = shopper()
    next_buyer.add(sku, 1)
    next_buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    assert next_buyer.order(next_buyer.quote())["coupon"] == code


def test_an_order_goes_out_in_two_parcels_and_comes_back_in_two(local, staff, shopper, goods):
    buyer, stranger = shopper(), shopper()
    mug, plate = goods(stock=3, price=999), goods(stock=2, price=1250)
    buyer.add(mug, 3)
    buyer.add(plate, 2)
    placed = buyer.order(buyer.quote())
    invoice = f"/orders/{placed['order_id']}/invoice"
    assert buyer.shop.call("GET", invoice).status == 404
    assert refusal(set_status(staff, placed, "shipped")) == ILLEGAL
    order = paid_for(buyer, placed)
    total, goods_alone = order["total"]["amount"], 3 * 999 + 2 * 1250
    assert total == goods_alone + order["shipping"]["amount"]

    issued = buyer.shop.expect(200, "GET", invoice)
    assert issued["invoice_number"] == order["invoice_number"]
    kind, pdf = _read(issued["url"])
    assert (kind, pdf[:5]) == ("application/pdf", b"%PDF-")
    kind, page = _read(issued["html_url"])
    assert kind.startswith("text/html")
    assert issued["invoice_number"] in page.decode()
    assert order["number"] in page.decode()
    assert stranger.shop.call("GET", invoice).status == 404

    assert refusal(set_status(staff, order, "delivered")) == ILLEGAL
    first = ship_order(staff, order, {mug: 2})
    assert first["status"] == "partially_shipped"
    assert {line["sku"]: line["fulfilled"] for line in first["lines"]} == {mug: 2, plate: 0}
    assert refusal(cancel(buyer, order)) == ILLEGAL
    assert refusal(set_status(staff, order, "cancelled")) == ILLEGAL
    assert refusal(set_status(staff, order, "delivered")) == ILLEGAL
    too_many = {"carrier": "DPD", "tracking": "1", "lines": [{"sku": mug, "quantity": 2}]}
    refused = staff.call("POST", f"/orders/{order['order_id']}/fulfilments", too_many, **new_key())
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/lines/0/quantity")
    second = ship_order(staff, order)
    assert second["status"] == "shipped"
    assert [parcel["lines"] for parcel in second["fulfilments"]] == [
        [{"sku": mug, "quantity": 2}],
        [{"sku": mug, "quantity": 1}, {"sku": plate, "quantity": 2}],
    ]
    await_letters(buyer, "shipped", "shipped")
    assert set_status(staff, order, "delivered").body["status"] == "delivered"
    assert refusal(set_status(staff, order, "delivered")) == ILLEGAL
    await_letters(buyer, "delivered")

    part = buyer.request_return(order, {mug: 1}, "a chip in the rim")
    assert refusal(settle(staff, order, part["return_id"], status="received")) == ILLEGAL
    assert settle(staff, order, part["return_id"], status="approved").body["status"] == "approved"
    await_letters(buyer, "return approved")
    received = settle(staff, order, part["return_id"], status="received", restock=True).body
    assert (received["status"], received["refund"]["amount"]) == ("received", 999)
    until(lambda: order_now(buyer, order)["refunded"]["amount"] == 999, "the first refund")
    assert order_now(buyer, order)["status"] == "delivered"
    beyond = {"lines": [{"sku": mug, "quantity": 3}], "reason": "all of them"}
    asked = buyer.shop.call("POST", f"/orders/{order['order_id']}/returns", beyond, **new_key())
    assert asked.status == 422

    rest = buyer.request_return(order, {mug: 2, plate: 2}, "we have enough")
    settle(staff, order, rest["return_id"], status="approved")
    await_letters(buyer, "return approved", "return approved")
    received = settle(staff, order, rest["return_id"], status="received", restock=True).body
    assert received["refund"]["amount"] == total - 999, "with the last piece, delivery is paid back too"
    whole = buyer.wait_for_order(order["order_id"], "refunded")
    assert whole["refunded"]["amount"] == total
    assert [line["returned"] for line in whole["lines"]] == [3, 2]
    again = {"lines": [{"sku": mug, "quantity": 1}], "reason": "once more"}
    asked = buyer.shop.call("POST", f"/orders/{order['order_id']}/returns", again, **new_key())
    assert refusal(asked) == ILLEGAL
    until(lambda: stock_of(staff, mug) == (3, 0, 3), "the mugs to be on sale again")
    until(lambda: stock_of(staff, plate) == (2, 0, 2), "the plates to be on sale again")
    await_letters(buyer, *["return received", "refunded"] * 2)
    assert settled(lambda: refunds_of(local, buyer, order)) == [999, total - 999]
    assert letters(local, buyer.email) == {
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


def test_a_rejected_return_brings_nothing_and_worn_goods_bring_less(local, staff, shopper, paid):
    buyer = shopper()
    order = paid(buyer, quantity=4, stock=4, price=1000)
    sku = order["lines"][0]["sku"]
    ship_order(staff, order)
    first = buyer.request_return(order, {sku: 2}, "changed my mind")
    assert settle(staff, order, first["return_id"], status="rejected").body["status"] == "rejected"
    assert refusal(settle(staff, order, first["return_id"], status="approved")) == ILLEGAL
    await_letters(buyer, "return rejected")

    worn = buyer.request_return(order, {sku: 4}, "worn once")
    settle(staff, order, worn["return_id"], status="approved")
    await_letters(buyer, "return approved")
    above = {"amount": order["total"]["amount"] + 1, "currency": "GBP"}
    assert (
        settle(staff, order, worn["return_id"], status="received", restock=False, refund=above).status == 422
    )
    half = {"amount": 2000, "currency": "GBP"}
    received = settle(staff, order, worn["return_id"], status="received", restock=False, refund=half).body
    assert (received["restock"], received["refund"]["amount"]) == (False, 2000)
    until(lambda: order_now(buyer, order)["refunded"]["amount"] == 2000, "the refund")
    await_letters(buyer, "return received", "refunded")
    assert settled(lambda: refunds_of(local, buyer, order)) == [2000]
    assert stock_of(staff, sku) == (0, 0, 0)
    assert order_now(buyer, order)["status"] == "shipped"
    payment = buyer.shop.expect(200, "GET", f"/payments/{order['payment_id']}")
    assert payment["status"] == "partially_refunded"


def test_discounted_goods_that_come_back_one_by_one_bring_what_was_paid(local, staff, shopper, goods, coupon):
    buyer, sku = shopper(), goods(price=333)
    buyer.add(sku, 3)
    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": coupon()})
    order = paid_for(buyer, buyer.order(buyer.quote()))
    assert order["discount"]["amount"] == 100  # of 999: no piece's share is a whole number of pence
    ship_order(staff, order)
    back = []
    for _ in range(3):
        made = buyer.request_return(order, {sku: 1}, "one at a time")
        settle(staff, order, made["return_id"], status="approved")
        received = settle(staff, order, made["return_id"], status="received")
        back.append(received.body["refund"]["amount"])
    assert sum(back) == order["total"]["amount"]
    assert {amount - 300 for amount in back[:2]} <= {-1, 0}
    assert buyer.wait_for_order(order["order_id"], "refunded")["refunded"] == order["total"]
    assert sorted(refunds_of(local, buyer, order)) == sorted(back)


def test_what_went_back_by_hand_at_stripe_does_not_go_back_again(local, staff, shopper, paid):
    buyer = shopper()
    order = paid(buyer, quantity=1, stock=1, price=1000)
    total, sku = order["total"]["amount"], order["lines"][0]["sku"]
    payment = buyer.shop.expect(200, "GET", f"/payments/{order['payment_id']}")
    by_hand = f"payment_intent={payment['provider_id']}&amount=300".encode()
    assert cards.stripe(local, "POST", "/v1/refunds", data=by_hand)["status"] == "succeeded"
    until(lambda: order_now(buyer, order)["refunded"]["amount"] == 300, "the order to hear of it")
    assert order_now(buyer, order)["status"] == "paid"
    assert cancel(buyer, order).body["status"] == "cancelled"
    until(lambda: order_now(buyer, order)["refunded"]["amount"] == total, "the rest to go back")
    until(lambda: stock_of(staff, sku) == (1, 0, 1), "the stock to come back")
    await_letters(buyer, "cancelled", "refunded", "refunded")
    assert settled(lambda: refunds_of(local, buyer, order)) == [300, total - 300]
