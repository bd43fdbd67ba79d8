"""Names that are longer than any key: nothing is called so, and nothing is asked."""

import pytest

from cart.app import api
from tests.cart.requests import TENTH, gbp
from tests.support import call, staff

LONG = "s" * 3_000
METHOD = {"name": "Post", "countries": ["GB"], "rates": [{"min_subtotal": gbp(0), "price": gbp(1)}]}


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("PUT", f"/cart/items/{LONG}", {"quantity": 1}),
        ("GET", f"/coupons/{LONG}", None),
        ("PUT", f"/coupons/{LONG}", TENTH),
        ("DELETE", f"/coupons/{LONG}", None),
        ("GET", f"/tax-rates/{LONG}", None),
    ],
)
def test_what_is_called_by_too_long_a_name_is_absent(cloud, calls, method, path, sent):
    answer = call(api, method, path, body=sent, caller=staff())
    assert (answer.status, answer.json["type"]) == (404, "/problems/not-found")
    assert calls == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (f"/shipping-methods/{LONG}", METHOD),
        (f"/tax-rates/{LONG}", {"rate_bp": 1, "inclusive": True}),
        ("/cart/coupon", {"code": "s" * 101}),
    ],
)
def test_nothing_is_given_too_long_a_name(cloud, calls, path, sent):
    assert call(api, "PUT", path, body=sent, caller=staff()).status == 422
    assert calls == []
