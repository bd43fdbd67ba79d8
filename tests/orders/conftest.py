"""Fixtures of orders' tests: catalog and cart as invokable functions, and a clock that can be set."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from orders.app.api import api
from orders.tables import rows as tables
from shared.contracts import quotes
from shared.contracts.commands.cart import QuoteCart
from shared.contracts.commands.stock import Reserve, Reserved
from shared.contracts.quotes import Quote
from shared.dynamodb.rows import connection_of
from shared.errors import Conflict, Invalid
from shared.messaging import rpc
from shared.runtime import clock
from tests.orders.samples import quote
from tests.support import Identity, Reply, call, customer, idempotency_headers

KEY = "a test key, 32 bytes or more: cart-quote"
SHOPPER = customer()


class OutOfStock(Conflict):
    """Catalog's problem."""


class CartEmpty(Conflict):
    """Cart's problem."""


class OtherServices:
    """The command functions of catalog and cart, as far as orders calls them.

    `reserved` are the reservations, idempotent by order id. `rejection` is what catalog raises, `cart` prices
    carts. `unreachable` fails calls before they are handled, `response_lost` after.
    """

    def __init__(self) -> None:
        self.reserved: dict[str, list[tuple[str, int]]] = {}
        self.invoked: list[str] = []
        self.rejection: Exception | None = None
        self.cart: Callable[[QuoteCart], Quote] = lambda command: quote(
            user_id=command.user_id, at=clock.now(), country=command.country
        ).model_copy(update={"shipping_address": command.shipping_address})
        self.unreachable = self.response_lost = False
        self.catalog_commands, self.cart_commands = rpc.Commands(), rpc.Commands()
        self.catalog_commands.on(Reserve)(self.reserve)
        self.cart_commands.on(QuoteCart)(lambda command: self.cart(command))

    def reserve(self, command: Reserve) -> Reserved:
        if self.rejection:
            raise self.rejection
        self.reserved.setdefault(command.order_id, [(line.sku, line.quantity) for line in command.lines])
        return Reserved(order_id=command.order_id)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        self.invoked.append(FunctionName)
        if self.unreachable:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        commands = self.cart_commands if "cart" in FunctionName else self.catalog_commands
        output = commands.handle(json.loads(Payload), None)
        if self.response_lost:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        return {"Payload": io.BytesIO(json.dumps(output).encode())}


@pytest.fixture
def shop(cloud: None, monkeypatch: pytest.MonkeyPatch) -> OtherServices:
    services = OtherServices()
    # moto runs Lambda functions in Docker only.
    monkeypatch.setattr(rpc, "client", lambda *_, **__: services)
    return services


class Time:
    """The shop's clock, which stands still until it is advanced."""

    def __init__(self) -> None:
        self.moment = clock.now()

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **delta: int) -> None:
        self.moment += timedelta(**delta)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    known = Time()
    monkeypatch.setattr(clock, "now", known)
    return known


@pytest.fixture
def calls(cloud: None) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The calls of DynamoDB in order, as (operation, parameters)."""
    recorded: list[tuple[str, dict[str, Any]]] = []

    def note(model: Any, params: dict[str, Any], **_: Any) -> None:
        recorded.append((model.name, json.loads(params["body"])))

    events = connection_of(tables.OrderRow).client.meta.events
    events.register("before-call.dynamodb", note)
    yield recorded
    events.unregister("before-call.dynamodb", note)


def token(quoted: Quote | None = None, **changes: Any) -> str:
    """Return a signed quote, by default of three lines."""
    return quotes.sign(quoted or quote(at=clock.now(), **changes), KEY)


def place(body: Mapping[str, Any], key: str | None = None, caller: Identity = SHOPPER) -> Reply:
    return call(api, "POST", "/orders", body=body, caller=caller, headers=idempotency_headers(key))


def read(order_id: str, caller: Identity = SHOPPER) -> Reply:
    return call(api, "GET", f"/orders/{order_id}", caller=caller)


def rows() -> list[tables.OrderRow]:
    """Return the rows of all orders, placed or not."""
    return list(tables.OrderRow.scan())


def problem_of(slug: str) -> Exception:
    """Return a problem with which cart or catalog rejects a command."""
    return {
        "out-of-stock": OutOfStock(
            "There is not enough.", items=[{"sku": "SKU-0000", "requested": 1, "available": 0}]
        ),
        "cart-empty": CartEmpty("The cart is empty."),
        "invalid": Invalid(
            "The shop does not ship to this country.",
            errors=[
                {
                    "pointer": "/shipping_address/country",
                    "detail": "The shop does not ship to this country.",
                }
            ],
        ),
    }[slug]
