"""An order of six hundred lines, from the cart to the invoice."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from localstack.cloud.shop import Shop
from localstack.demo.shopper import Shopper, ship_order, until
from tests.journeys.conftest import pay_and_wait, stock_of

LINES, VARIANTS, GUESTS = 600, 45, 4


@pytest.fixture
def guests(local, url, anonymous):
    tokens = [anonymous.expect(201, "POST", "/users/guest")["access_token"] for _ in range(GUESTS)]
    return [Shopper(local, Shop(url, token), f"guest.{uuid4().hex[:10]}@example.com") for token in tokens]


def test_an_order_of_six_hundred_lines_is_paid_shipped_and_invoiced(staff, shopper, guests):
    """Each call adds one line and a cart accepts one call at a time. So four guests each fill a quarter,
    and their carts are merged."""
    run = uuid4().hex[:8]
    skus = [f"L-{run}-{number:03}" for number in range(LINES)]
    prices = {sku: 100 + number for number, sku in enumerate(skus)}

    def make(first):
        variants = [
            {"sku": sku, "title": sku[-3:], "price": {"amount": prices[sku], "currency": "GBP"}, "stock": 5}
            for sku in skus[first : first + VARIANTS]
        ]
        body = {"title": f"Button box {first}", "category_ids": [], "status": "active", "variants": variants}
        staff.expect(201, "POST", "/products", body)

    def fill(guest, wanted):
        for sku in wanted:
            guest.add(sku, 2)

    buyer = shopper()
    with ThreadPoolExecutor(GUESTS) as pool:
        list(pool.map(make, range(0, LINES, VARIANTS)))
        list(pool.map(fill, guests, [skus[part::GUESTS] for part in range(GUESTS)]))
    for guest in guests:
        buyer.shop.expect(200, "POST", "/cart/merge", {"guest_token": guest.shop.token})
    quote = buyer.quote()
    assert quote["subtotal"]["amount"] == sum(2 * price for price in prices.values())
    placed = buyer.order(quote)
    assert len(placed["lines"]) == LINES
    order = pay_and_wait(buyer, placed)
    until(lambda: _stock_levels(staff, skus) == {(3, 0, 3)}, "every piece to be committed")

    shipped = ship_order(staff, order)
    assert shipped["status"] == "shipped"
    assert {line["sku"]: line["fulfilled"] for line in shipped["lines"]} == dict.fromkeys(skus, 2)
    issued = buyer.shop.expect(200, "GET", f"/orders/{order['order_id']}/invoice")
    with urllib.request.urlopen(issued["html_url"], timeout=30) as file:
        page = file.read().decode()
    assert [sku for sku in skus if sku not in page] == []
    with urllib.request.urlopen(issued["url"], timeout=30) as file:
        assert file.read(5) == b"%PDF-"


def _stock_levels(staff, skus):
    with ThreadPoolExecutor(GUESTS) as pool:
        return set(pool.map(lambda sku: stock_of(staff, sku), skus))
