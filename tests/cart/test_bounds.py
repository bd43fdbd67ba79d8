"""The largest possible cart, and the largest shipping methods, fit a DynamoDB item."""

from cart.app.api import api
from cart.domain.carts import Cart
from cart.service.rates import MAX_METHODS
from cart.tables import carts, rates
from cart.tables.rows import CartRow
from shared.dynamodb.sizes import MAX_ROW, size_of
from shared.runtime import clock
from shared.values.money import Money
from tests.cart.conftest import product_data, receive
from tests.cart.requests import gbp
from tests.support import call, guest, staff


def test_the_largest_cart_fits_an_item_and_shows_changes(catalog):
    products = [
        product_data(
            f"{number:04}".ljust(64, "x"),
            10**9 - 1,
            product_id="prd_" + "0" * 26,
            title="漢" * 200,
            available=10**6,
        )
        for number in range(1000)
    ]
    full = Cart("gst_" + "0" * 26, "GBP", coupon="X" * 40)
    for product in products:
        full = full.put(product, 100)
    carts.write(full.next_version(clock.now()))
    stored = CartRow.get(f"cart#{full.owner}").serialize()
    assert size_of(stored) < MAX_ROW
    receive(products[0].model_copy(update={"unit_price": Money(amount=10**9, currency="GBP")}))
    catalog.down = True
    shown = call(api, "GET", "/cart", caller=guest(full.owner)).json
    assert shown["item_count"] == 100_000
    assert [item["title"] for item in shown["items"][:2]] == ["漢" * 200, "漢" * 80]
    assert [item["change"] for item in shown["items"][:2]] == ["price_up", None]


def test_the_largest_shipping_methods_fit_an_item(cloud):
    body = {
        "name": "😀" * 100,
        "countries": ["GB"] * 250,
        "rates": [{"min_subtotal": gbp(10**9 - n), "price": gbp(99_999_999)} for n in range(20)],
    }
    assert call(api, "PUT", f"/shipping-methods/{0:040}", body=body, caller=staff()).status == 200
    [largest] = rates.shipping_methods()[1]
    methods = [largest.model_copy(update={"method": f"{n:040}"}) for n in range(MAX_METHODS)]
    rates.save_shipping_methods(methods, after=1)
    assert len(call(api, "GET", "/shipping-methods?limit=100").json["items"]) == MAX_METHODS
