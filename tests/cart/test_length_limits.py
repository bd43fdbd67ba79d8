"""Names in paths and bodies that are too long for a key never reach DynamoDB."""

import pytest

from cart.app.api import api
from tests.cart.requests import TEN_PERCENT, gbp
from tests.support import call, staff

LONG = "s" * 3_000
METHOD = {"name": "Post", "countries": ["GB"], "rates": [{"min_subtotal": gbp(0), "price": gbp(1)}]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"/cart/items/{LONG}", {"quantity": 1}),
        ("GET", f"/coupons/{LONG}", None),
        ("PUT", f"/coupons/{LONG}", TEN_PERCENT),
        ("DELETE", f"/coupons/{LONG}", None),
        ("GET", f"/tax-rates/{LONG}", None),
    ],
)
def test_a_resource_with_an_overlong_name_is_not_found(cloud, calls, method, path, body):
    reply = call(api, method, path, body=body, caller=staff())
    assert (reply.status, reply.json["type"]) == (404, "/problems/not-found")
    assert calls == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/shipping-methods/{LONG}", METHOD),
        (f"/tax-rates/{LONG}", {"rate_bp": 1, "inclusive": True}),
        ("/cart/coupon", {"code": "s" * 101}),
    ],
)
def test_an_overlong_name_cannot_be_created(cloud, calls, path, body):
    assert call(api, "PUT", path, body=body, caller=staff()).status == 422
    assert calls == []
