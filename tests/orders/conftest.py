"""A shop around orders: catalog and cart that can be asked over Lambda's wire, and time that can be set."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from orders.app import api
from orders.tables import rows as tables
from shared.contracts import quotes
from shared.contracts.commands import QuoteCart, Reserve, Reserved
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
    """As the catalog says it."""


class CartEmpty(Conflict):
    """As the cart says it."""


class OtherServices:
    """The command functions of catalog and cart, as far as orders asks them.

    `held` are the reservations, idempotent by order id as the catalog's are. `refuse` and `cart` are what
    they say next; `down` breaks the line before the call, `lost` after it.
    """

    def __init__(self) -> None:
        self.held: dict[str, list[tuple[str, int]]] = {}
        self.asked: list[str] = []
        self.reject: Exception | None = None
        self.cart: Callable[[QuoteCart], Quote] = lambda asked: quote(
            user_id=asked.user_id, at=clock.now(), country=asked.country
        ).model_copy(update={"shipping_address": asked.shipping_address})
        self.down = self.lost = False
        self.catalog_commands, self.cart_commands = rpc.Commands(), rpc.Commands()
        self.catalog_commands.on(Reserve)(self.reserve)
        self.cart_commands.on(QuoteCart)(lambda asked: self.cart(asked))

    def reserve(self, question: Reserve) -> Reserved:
        if self.reject:
            raise self.reject
        self.held.setdefault(question.order_id, [(line.sku, line.quantity) for line in question.lines])
        return Reserved(order_id=question.order_id)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        self.asked.append(FunctionName)
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        commands = self.cart_commands if "cart" in FunctionName else self.catalog_commands
        answer = commands.handle(json.loads(Payload), None)
        if self.lost:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def shop(cloud: None, monkeypatch: pytest.MonkeyPatch) -> OtherServices:
    neighbours = OtherServices()
    # moto runs Lambda functions in Docker only.
    monkeypatch.setattr(rpc, "client", lambda *_, **__: neighbours)
    return neighbours


class Time:
    """The shop's clock, which stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = clock.now()

    def __call__(self) -> datetime:
        return self.moment

    def goes_on(self, **delta: int) -> None:
        self.moment += timedelta(**delta)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moved = Time()
    monkeypatch.setattr(clock, "now", moved)
    return moved


@pytest.fixture
def calls(cloud: None) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """DynamoDB's operations on the wire, in order, each with its parameters."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(model: Any, params: dict[str, Any], **_: Any) -> None:
        seen.append((model.name, json.loads(params["body"])))

    events = connection_of(tables.OrderRow).client.meta.events
    events.register("before-call.dynamodb", note)
    yield seen
    events.unregister("before-call.dynamodb", note)


def token(made: Quote | None = None, **changes: Any) -> str:
    """A quote of three lines, as cart signs it now."""
    return quotes.sign(made or quote(at=clock.now(), **changes), KEY)


def place(body: Mapping[str, Any], key: str | None = None, caller: Identity = SHOPPER) -> Reply:
    return call(api, "POST", "/orders", body=body, caller=caller, headers=idempotency_headers(key))


def read(order_id: str, caller: Identity = SHOPPER) -> Reply:
    return call(api, "GET", f"/orders/{order_id}", caller=caller)


def rows() -> list[tables.OrderRow]:
    """Every order there is, seen or not."""
    return list(tables.OrderRow.scan())


def declined(slug: str) -> Exception:
    """A refusal of a neighbour."""
    return {
        "out-of-stock": OutOfStock(
            "There is not enough.", items=[{"sku": "SKU-0000", "requested": 1, "available": 0}]
        ),
        "cart-empty": CartEmpty("The cart is empty."),
        "invalid": Invalid(
            "The shop does not deliver there.",
            errors=[{"pointer": "/shipping_address/country", "detail": "The shop does not deliver there."}],
        ),
    }[slug]
