"""Coupons with limits: exact with concurrent orders, and released by orders that end."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from localstack.cloud.shop import Shop
from localstack.demo.shopper import Shopper, until
from tests.journeys.client import Client
from tests.journeys.conftest import expire_order, new_key, stock_of, wait_for_messages

SHOPPERS, USES = 50, 10
NOT_APPLICABLE = "/problems/coupon-not-applicable"


def test_a_coupon_for_ten_is_used_by_ten_of_fifty_shoppers(
    local, url, anonymous, staff, create_product, create_coupon
):
    sku, code = create_product(stock=SHOPPERS, price=1000), create_coupon(usage_limit=USES)

    def prepare(_):
        token = anonymous.expect(201, "POST", "/users/guest")["access_token"]
        buyer = Shopper(local, Shop(url, token), f"guest.{uuid4().hex[:10]}@example.com")
        buyer.add(sku, 1)
        buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
        quote = buyer.quote()
        assert (quote["coupon"], quote["discount"]["amount"]) == (code, 100)
        return buyer, quote["quote_token"]

    with ThreadPoolExecutor(4) as pool:
        ready = list(pool.map(prepare, range(SHOPPERS)))

    def order(job):
        buyer, token = job
        client = Client(buyer.shop, retries)
        return job, client.call("POST", "/orders", {"quote_token": token, "email": buyer.email})

    retries: Counter[str] = Counter()
    with ThreadPoolExecutor(SHOPPERS) as pool:
        answers = list(pool.map(order, ready))
    assert not retries["500"], retries
    assert Counter(answer.status for _, answer in answers) == {201: USES, 409: SHOPPERS - USES}
    losers = [job for job, answer in answers if answer.status == 409]
    winners = [(job[0], answer.body) for job, answer in answers if answer.status == 201]
    for _, answer in answers:
        if answer.status == 409:
            assert (answer.body["type"], answer.body["reason"]) == (NOT_APPLICABLE, "used_up")
    assert {placed["discount"]["amount"] for _, placed in winners} == {100}
    assert stock_of(staff, sku) == (SHOPPERS, USES, SHOPPERS - USES)
    assert not losers[0][0].shop.expect(200, "GET", "/orders")["items"]

    def used():
        return staff.expect(200, "GET", f"/coupons/{code}")["used"]

    until(lambda: used() == USES, "the coupon to be used up")
    late = losers[0][0].quote()
    assert (late["coupon"], late["coupon_reason"], late["discount"]["amount"]) == (None, "used_up", 0)

    # One order is cancelled and one expires, so two more shoppers can use the coupon.
    (canceller, cancelled), (_, unpaid) = winners[:2]
    canceller.shop.expect(200, "POST", f"/orders/{cancelled['order_id']}/cancel", **new_key())
    expire_order(local, unpaid)
    winners[1][0].wait_for_order(unpaid["order_id"], "expired")
    until(lambda: used() == USES - 2, "two uses to be released")
    later = [order(job)[1] for job in losers[:3]]
    assert [answer.status for answer in later] == [201, 201, 409]
    until(lambda: used() == USES, "the coupon to be used up again")
    until(
        lambda: stock_of(staff, sku) == (SHOPPERS, USES, SHOPPERS - USES),
        "the stock of two orders to be released",
    )


def test_a_shopper_cannot_exceed_the_limit_per_user(shopper, create_product, create_coupon):
    buyer, sku, code = shopper(), create_product(stock=10, price=1000), create_coupon(per_user_limit=1)
    buyer.add(sku, 1)
    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    first, second = buyer.quote(), buyer.quote()
    assert buyer.order(first)["discount"]["amount"] == 100
    refused = buyer.shop.call("POST", "/orders", {"quote_token": second["quote_token"]}, **new_key())
    assert (refused.status, refused.body["type"]) == (409, NOT_APPLICABLE)
    assert refused.body["reason"] == "used_by_you"

    until(
        lambda: buyer.shop.expect(200, "GET", "/cart")["item_count"] == 0,
        "the cart to drop the ordered lines",
    )
    buyer.add(sku, 1)
    again = buyer.shop.call("PUT", "/cart/coupon", {"code": code})
    assert (again.status, again.body["type"], again.body["reason"]) == (422, NOT_APPLICABLE, "used_by_you")
    other = shopper()
    other.add(sku, 1)
    other.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    assert other.order(other.quote())["coupon"] == code


def test_an_order_that_costs_nothing_needs_no_payment(staff, shopper, create_product, create_coupon):
    buyer, sku, code = shopper(), create_product(stock=4, price=3000), create_coupon(value=100)
    buyer.add(sku, 2)
    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code})
    placed = buyer.order(buyer.quote())
    assert (placed["status"], placed["total"]["amount"], placed["discount"]["amount"]) == ("paid", 0, 6000)
    payment = buyer.shop.call("POST", "/payments", {"order_id": placed["order_id"]}, **new_key())
    assert (payment.status, payment.body["type"]) == (409, "/problems/order-not-payable")
    wait_for_messages(buyer, "confirmed", "invoice")
    until(lambda: stock_of(staff, sku) == (2, 0, 2), "the stock to be committed")
    buyer.shop.expect(200, "POST", f"/orders/{placed['order_id']}/cancel", **new_key())
    wait_for_messages(buyer, "cancelled")
    until(lambda: stock_of(staff, sku) == (4, 0, 4), "the stock to be released")
