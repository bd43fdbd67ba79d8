"""HTTP in."""

from cart import service
from cart.schemas import (
    AddItem,
    CartView,
    PutShippingMethod,
    PutTaxRate,
    QuoteView,
    RequestQuote,
    SetItem,
    ShippingMethodView,
    TaxRateView,
)
from shared.http import Routes
from shared.identity import GUEST, STAFF, Caller
from shared.paging import Cursors, Page, PageQuery

routes = Routes()
# The quotes' key serves: a cursor's audience is its list, a quote's is orders: neither passes for the other.
cursors = Cursors(service.signing_key)
METHODS = "shipping-methods"


@routes.get("/cart", role=GUEST)
def read_cart(caller: Caller) -> CartView:
    return CartView.of(service.read_cart(caller.user_id))


@routes.delete("/cart", role=GUEST)
def clear_cart(caller: Caller, if_match: int | None) -> None:
    service.clear_cart(caller.user_id, if_match)


@routes.post("/cart/items", role=GUEST)
def add_item(caller: Caller, body: AddItem) -> CartView:
    return CartView.of(service.add_item(caller.user_id, body.sku, body.quantity))


@routes.put("/cart/items/{sku}", role=GUEST)
def set_item(caller: Caller, sku: str, body: SetItem, if_match: int | None) -> CartView:
    if body.quantity == 0:
        return CartView.of(service.remove_item(caller.user_id, sku, if_match))
    return CartView.of(service.set_item(caller.user_id, sku, body.quantity, if_match))


@routes.delete("/cart/items/{sku}", role=GUEST, status=200)
def remove_item(caller: Caller, sku: str, if_match: int | None) -> CartView:
    return CartView.of(service.remove_item(caller.user_id, sku, if_match))


# Harmless to repeat, and its answer is a signed promise that holds an address: it is not kept.
@routes.post("/cart/quote", role=GUEST, repeatable=True)
def quote_cart(caller: Caller, body: RequestQuote) -> QuoteView:
    priced = service.quote(caller.user_id, body.destination, body.shipping_address, body.shipping_method)
    return QuoteView.of(priced, service.signed(priced.quote))


@routes.get("/shipping-methods")
def list_shipping_methods(query: PageQuery) -> Page[ShippingMethodView]:
    after = (cursors.read(query.cursor, METHODS) or {"method": ""})["method"]
    found = [method for method in service.shipping_methods() if method.method > after]
    shown = found[: query.limit]
    more = {"method": shown[-1].method} if len(found) > len(shown) else None
    return Page(
        items=[ShippingMethodView.of(method) for method in shown], next_cursor=cursors.write(more, METHODS)
    )


@routes.get("/shipping-methods/{method}")
def read_shipping_method(method: str) -> ShippingMethodView:
    return ShippingMethodView.of(service.shipping_method(method))


@routes.put("/shipping-methods/{method}", role=STAFF)
def put_shipping_method(method: str, body: PutShippingMethod, if_match: int | None) -> ShippingMethodView:
    return ShippingMethodView.of(
        service.put_shipping_method(method, body.name, body.countries, body.rates, if_match)
    )


@routes.get("/tax-rates/{country}")
def read_tax_rate(country: str) -> TaxRateView:
    return TaxRateView.of(service.tax_rate(country))


@routes.put("/tax-rates/{country}", role=STAFF)
def put_tax_rate(country: str, body: PutTaxRate, if_match: int | None) -> TaxRateView:
    return TaxRateView.of(service.put_tax_rate(country, body.rate_bp, body.inclusive, if_match))
