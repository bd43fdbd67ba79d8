"""The largest possible cart fits a DynamoDB item."""

from typing import Any

from cart.app.api import api
from cart.domain.carts import Cart
from cart.tables import carts
from cart.tables.rows import CartRow
from shared.runtime import clock
from shared.values.money import Money
from tests.cart.conftest import product_data, receive
from tests.support import call, guest


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
    assert _item_size({"M": stored}) < 400 * 1024
    receive(products[0].model_copy(update={"unit_price": Money(amount=10**9, currency="GBP")}))
    catalog.down = True
    shown = call(api, "GET", "/cart", caller=guest(full.owner)).json
    assert shown["item_count"] == 100_000
    assert [item["title"] for item in shown["items"][:2]] == ["漢" * 200, "漢" * 80]
    assert [item["change"] for item in shown["items"][:2]] == ["price_up", None]


def _item_size(value: Any) -> int:
    """Return the size of a value by DynamoDB's rules: UTF-8, two digits per byte, container overhead."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _item_size(part) for name, part in content.items())
    if kind == "L":
        return 3 + sum(1 + _item_size(part) for part in content)
    return len(content) // 2 + 2 if kind == "N" else len(content.encode())
