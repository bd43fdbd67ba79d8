"""Routes of orders that only staff may use."""

from datetime import date, timedelta
from urllib.parse import quote

import pytest

from localstack.demo.shopper import ship_order
from tests.journeys.calls import cancel, get_order
from tests.journeys.conftest import new_key


def test_shoppers_cannot_use_staffs_routes_or_others_orders(staff, shopper, guest, place_paid_order):
    buyer, other = shopper(), shopper()
    order = place_paid_order(buyer)
    path, sku = f"/orders/{order['order_id']}", order["lines"][0]["sku"]
    ship_order(staff, order)
    body = {"lines": [{"sku": sku, "quantity": 1}], "reason": "mine now"}
    assert other.shop.call("POST", f"{path}/returns", body, **new_key()).status == 404
    assert guest.shop.call("POST", f"{path}/returns", body, **new_key()).status == 403
    fulfilment = {"carrier": "DPD", "tracking": "1"}
    for reader in (buyer, other, guest):
        assert reader.shop.call("POST", f"{path}/fulfilments", fulfilment, **new_key()).status == 403
        assert reader.shop.call("PUT", f"{path}/status", {"status": "delivered"}).status == 403
        assert reader.shop.call("GET", "/admin/orders").status == 403
    return_ = buyer.request_return(order, {sku: 1}, "too small")
    return_path = f"{path}/returns/{return_['return_id']}"
    assert buyer.shop.call("PUT", return_path, {"status": "approved"}).status == 403
    assert get_order(buyer, order)["returns"][0]["status"] == "requested"


@pytest.fixture
def three_orders(shopper, place_order, place_paid_order):
    """The ids of a shopper's three orders: paid, cancelled and awaiting payment."""
    buyer = shopper()
    first, second = place_paid_order(buyer), place_order(buyer)
    assert cancel(buyer, second).status == 200
    return [order["order_id"] for order in (first, second, place_order(buyer))]


def test_staff_search_orders(staff, three_orders):
    first, second, third = three_orders
    orders = {order_id: staff.expect(200, "GET", f"/orders/{order_id}") for order_id in three_orders}
    user_id = orders[first]["user_id"]

    def find(query):
        page = staff.expect(200, "GET", f"/admin/orders?{query}")
        return [order["order_id"] for order in page["items"]]

    assert find(f"user_id={user_id}") == [third, second, first]
    assert find(f"user_id={user_id}&status=paid") == [first]
    assert find(f"user_id={user_id}&status=cancelled") == [second]
    assert find(f"number={orders[second]['number']}") == [second]
    for order_id, status in ((first, "paid"), (second, "cancelled"), (third, "awaiting_payment")):
        since = quote(orders[order_id]["placed_at"])
        assert order_id in find(f"status={status}&from={since}&limit=100")
        assert order_id in find(f"from={since}&to={since}&limit=100")
    today = date.fromisoformat(orders[first]["placed_at"][:10])
    yesterday = today - timedelta(days=1)
    assert find(f"user_id={user_id}&from={yesterday}&to={today + timedelta(days=1)}") == [
        third,
        second,
        first,
    ]
    assert find(f"user_id={user_id}&to={yesterday}") == []
    assert staff.call("GET", f"/admin/orders?from={today}&to={yesterday}").status == 422
    assert staff.call("GET", "/admin/orders?status=lost").status == 422

    page = staff.expect(200, "GET", f"/admin/orders?user_id={user_id}&limit=2")
    rest = staff.expect(200, "GET", f"/admin/orders?user_id={user_id}&limit=2&cursor={page['next_cursor']}")
    assert [o["order_id"] for o in [*page["items"], *rest["items"]]] == [third, second, first]
    assert rest["next_cursor"] is None
