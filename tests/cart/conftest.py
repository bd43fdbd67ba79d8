"""A shop around the cart: a catalog that can be asked over Lambda's wire, and news of products."""

import io
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.core.botocore_stubber import BotocoreStubber

from cart import tables
from cart.app import consume
from shared import clock, invoke
from shared.events import ProductChanged, ProductFacts
from shared.money import Money
from shared.questions import DescribeProducts, Products
from shared.rows import connection_of
from tests.support import deliver


def facts(sku: str, price: int = 1000, **changes: Any) -> ProductFacts:
    """A product as the catalog tells of it, 50 pieces in stock, priced in pence."""
    known: dict[str, Any] = {
        "product_id": f"prd_{sku}",
        "sku": sku,
        "title": f"The {sku}",
        "unit_price": Money(amount=price, currency=changes.pop("currency", "GBP")),
        "available": 50,
        "active": True,
        "version": 1,
    }
    return ProductFacts(**known | changes)


def changed(product: ProductFacts) -> ProductChanged:
    event = ProductChanged.about(product, subject=product.sku, version=product.version, at=clock.now())
    assert isinstance(event, ProductChanged)
    return event


def hear(*products: ProductFacts) -> None:
    """The catalog's news reaches the cart."""
    assert deliver(consume, *(changed(product) for product in products)) == []


class Catalog:
    """The catalog's command function, as far as the cart asks it; counts how often."""

    def __init__(self) -> None:
        self.products: dict[str, ProductFacts] = {}
        self.asked: list[list[str]] = []
        self.down = False
        self.commands = invoke.Commands()
        self.commands.on(DescribeProducts)(self.describe)

    def sells(self, *products: ProductFacts) -> None:
        self.products |= {product.sku: product for product in products}

    def describe(self, question: DescribeProducts) -> Products:
        self.asked.append(question.skus)
        return Products(products=[self.products[sku] for sku in question.skus if sku in self.products])

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        assert FunctionName == "tillstack-test-catalog-commands"
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        answer = self.commands.handle(json.loads(Payload), None)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def catalog(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    known = Catalog()
    # moto runs Lambda functions in Docker only.
    monkeypatch.setattr(invoke, "client", lambda *_, **__: known)
    return known


@pytest.fixture
def calls(cloud: None) -> Iterator[list[str]]:
    """The DynamoDB operations on the wire, in order."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    events = connection_of(tables.CartTableRow).client.meta.events
    events.register("before-call.dynamodb", note)
    yield seen
    events.unregister("before-call.dynamodb", note)


@pytest.fixture
def atomic(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call to DynamoDB is atomic, which moto's threads are not; between calls they race as they like."""
    lock, answer = threading.Lock(), BotocoreStubber.__call__

    def one_at_a_time(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return answer(self, *args, **kwargs)

    monkeypatch.setattr(BotocoreStubber, "__call__", one_at_a_time)
