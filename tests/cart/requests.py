"""API requests for coupons, quotes, shipping methods and tax rates."""

from typing import Any

from cart.app.api import api
from tests.support import Reply, call, customer, staff

SHOPPER = customer()
TEN_PERCENT = {"kind": "percentage", "value": 10}
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
KEY = "a test key, 32 bytes or more: cart-quote"


def gbp(amount: int, currency: str = "GBP") -> dict:
    return {"amount": amount, "currency": currency}


def put_shipping_method(method: str, *tiers: tuple[int, int], countries=("GB",), **request: Any) -> Reply:
    body = {
        "name": method.capitalize(),
        "countries": list(countries),
        "rates": [{"min_subtotal": gbp(start), "price": gbp(price)} for start, price in tiers],
    }
    return call(api, "PUT", f"/shipping-methods/{method}", body=body, **({"caller": staff()} | request))


def put_tax(country: str, rate_bp: object, inclusive: object = True, **request) -> Reply:
    body = {"rate_bp": rate_bp, "inclusive": inclusive}
    return call(api, "PUT", f"/tax-rates/{country}", body=body, **({"caller": staff()} | request))


def create_coupon(code: str = "SPRING", **request: Any) -> Reply:
    terms = request.pop("terms", None) or TEN_PERCENT
    body = {"code": code} | terms | request.pop("more", {})
    return call(api, "POST", "/coupons", body=body, **({"caller": staff()} | request))


def coupon(code: str, method: str = "GET", **request: Any) -> Reply:
    return call(api, method, f"/coupons/{code}", **({"caller": staff()} | request))


def put_coupon(code: str = "SPRING", **request: Any) -> Reply:
    return call(api, "PUT", "/cart/coupon", body={"code": code}, **({"caller": SHOPPER} | request))


def remove_coupon(**request: Any) -> Reply:
    return call(api, "DELETE", "/cart/coupon", caller=SHOPPER, **request)


def cart(caller=SHOPPER) -> Any:
    return call(api, "GET", "/cart", caller=caller).json


def quote(**body: Any) -> Any:
    return call(api, "POST", "/cart/quote", body=body or {"country": "GB"}, caller=SHOPPER).json
