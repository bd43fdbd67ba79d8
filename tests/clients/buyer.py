"""Purchases of guests through the generated Python client, the package `tillstack_client`."""

import time
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

import httpx
from tillstack_client import AuthenticatedClient, Client
from tillstack_client.api.cart import add_item, quote_cart
from tillstack_client.api.catalog import list_products
from tillstack_client.api.orders import get_order, place_order
from tillstack_client.api.payments import open_payment
from tillstack_client.api.users import start_as_guest
from tillstack_client.models.add_cart_item import AddCartItem
from tillstack_client.models.cart import Cart
from tillstack_client.models.open_payment import OpenPayment
from tillstack_client.models.opened_payment import OpenedPayment
from tillstack_client.models.order import Order
from tillstack_client.models.order_status import OrderStatus
from tillstack_client.models.out_of_stock_problem import OutOfStockProblem
from tillstack_client.models.place_order import PlaceOrder
from tillstack_client.models.product_page import ProductPage
from tillstack_client.models.quote import Quote
from tillstack_client.models.request_quote import RequestQuote
from tillstack_client.models.shipping_address_input import ShippingAddressInput
from tillstack_client.models.short_item import ShortItem
from tillstack_client.models.tokens import Tokens
from tillstack_client.models.variant import Variant

TIMEOUT = httpx.Timeout(60)  # a function's first request on the local cloud takes seconds
ADDRESS = ShippingAddressInput(
    name="Grace Hopper", line1="1 Harbour Street", city="Bristol", postal_code="BS1 4RN", country="GB"
)

View = TypeVar("View")


def buy(base_url: str, pay: Callable[[OpenedPayment], None], email: str) -> Order:
    """Buy one piece of a product that is in stock, and return the order once it is paid.

    `pay` confirms the payment at Stripe.
    """
    variant = variant_in_stock(base_url)
    with new_guest(base_url) as guest:
        cart = expect(Cart, add_item.sync(client=guest, body=AddCartItem(sku=variant.sku, quantity=1)))
        assert [(item.sku, item.unit_price) for item in cart.items] == [(variant.sku, variant.price)]
        quote = expect(Quote, quote_cart.sync(client=guest, body=RequestQuote(shipping_address=ADDRESS)))

        body = PlaceOrder(quote_token=quote.quote_token, email=email)
        placed = expect(Order, place_order.sync(client=guest, body=body, idempotency_key=str(uuid4())))
        assert (placed.status, placed.total) == (OrderStatus.AWAITING_PAYMENT, quote.total)
        payment = open_payment.sync(
            client=guest, body=OpenPayment(order_id=placed.order_id), idempotency_key=str(uuid4())
        )
        pay(expect(OpenedPayment, payment))

        order, end = placed, time.monotonic() + 60
        while order.status != OrderStatus.PAID:
            assert time.monotonic() < end, f"the order is still {order.status}"
            time.sleep(0.3)
            order = expect(Order, get_order.sync(placed.order_id, client=guest))
        return order


def order_too_many(base_url: str, email: str) -> ShortItem:
    """Order more pieces than are in stock, and return the line with what is available."""
    variant = variant_in_stock(base_url)
    with new_guest(base_url) as guest:
        expect(Cart, add_item.sync(client=guest, body=AddCartItem(sku=variant.sku, quantity=9999)))
        body = PlaceOrder(shipping_address=ADDRESS, email=email)
        response = place_order.sync(client=guest, body=body, idempotency_key=str(uuid4()))
    (item,) = expect(OutOfStockProblem, response).items
    assert item.sku == variant.sku
    return item


def variant_in_stock(base_url: str) -> Variant:
    """Return a variant that costs enough to be paid by card."""
    with Client(base_url=base_url, timeout=TIMEOUT) as client:
        page = expect(ProductPage, list_products.sync(client=client, in_stock=True, limit=100))
    variants = [variant for product in page.items for variant in product.variants]
    return next(variant for variant in variants if variant.available and variant.price.amount >= 100)


def new_guest(base_url: str) -> AuthenticatedClient:
    """Return a client with the access token of a new guest."""
    with Client(base_url=base_url, timeout=TIMEOUT) as client:
        tokens = expect(Tokens, start_as_guest.sync(client=client))
    return AuthenticatedClient(base_url=base_url, token=tokens.access_token, timeout=TIMEOUT)


def expect(kind: type[View], response: object) -> View:
    """Return the response if it has the expected type; the client returns problems as values."""
    assert isinstance(response, kind), response
    return response
