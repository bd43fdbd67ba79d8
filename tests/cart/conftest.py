"""A shop around the cart: neighbours that are asked over Lambda's wire, news of products and orders."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cart.app import consume
from cart.service import carts
from cart.tables.rows import CartTableRow
from shared.contracts.commands import (
    DescribeProducts,
    Guest,
    IdentifyGuest,
    ListProducts,
    ProductPage,
    Products,
)
from shared.contracts.events import OrderData, OrderLineData, OrderPlaced, ProductChanged, ProductData
from shared.dynamodb.rows import connection_of
from shared.errors import Invalid
from shared.messaging import rpc
from shared.runtime import clock
from shared.values.money import Money
from tests.cart.requests import put_method
from tests.support import deliver


def facts(sku: str, price: int = 1000, **changes: Any) -> ProductData:
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
    return ProductData(**known | changes)


def changed(product: ProductData) -> ProductChanged:
    event = ProductChanged.of(product, subject=product.sku, version=product.version, at=clock.now())
    assert isinstance(event, ProductChanged)
    return event


def hear(*products: ProductData) -> None:
    """The catalog's news reaches the cart."""
    assert deliver(consume, *(changed(product) for product in products)) == []


def order(
    order_id: str = "ord_1", user_id: str = "usr_1", coupon: str | None = None, **lines: int
) -> OrderData:
    """An order of so many of each SKU, as others are told of it."""
    nothing = Money.zero("GBP")
    return OrderData(
        number="7K4M2-9QX2D",
        order_id=order_id,
        user_id=user_id,
        email="ada@example.com",
        status="awaiting_payment",
        lines=[
            OrderLineData(
                sku=sku,
                product_id="prd_1",
                title=sku,
                quantity=quantity,
                unit_price=nothing,
                line_total=nothing,
            )
            for sku, quantity in lines.items()
        ],
        subtotal=nothing,
        discount=nothing,
        shipping=nothing,
        tax=nothing,
        total=nothing,
        placed_at=clock.now(),
        coupon=coupon,
    )


def placed(order_id: str = "ord_1", user_id: str = "usr_1", version: int = 1, **of: Any) -> OrderPlaced:
    facts = order(order_id, user_id, **of)
    event = OrderPlaced.of(facts, subject=order_id, version=version, at=clock.now())
    assert isinstance(event, OrderPlaced)
    return event


class Catalog:
    """The catalog's command function, as far as the cart asks it; counts how often."""

    def __init__(self) -> None:
        self.products: dict[str, ProductData] = {}
        self.asked: list[list[str]] = []
        self.down = False
        self.commands = rpc.Commands()
        self.commands.on(DescribeProducts)(self.describe)
        self.commands.on(ListProducts)(self.page)

    def sells(self, *products: ProductData) -> None:
        self.products |= {product.sku: product for product in products}

    def describe(self, question: DescribeProducts) -> Products:
        self.asked.append(question.skus)
        return Products(products=[self.products[sku] for sku in question.skus if sku in self.products])

    def page(self, question: ListProducts) -> ProductPage:
        """Two products a page, by SKU."""
        begun = question.after["sku"] if question.after else ""
        left = sorted(sku for sku in self.products if sku > begun)
        after = {"sku": left[1]} if len(left) > 2 else None
        return ProductPage(products=[self.products[sku] for sku in left[:2]], after=after)


class Users:
    """The users' command function: knows guests by tokens such as `token of gst_1`."""

    def __init__(self) -> None:
        self.down = False
        self.commands = rpc.Commands()
        self.commands.on(IdentifyGuest)(self.identify)

    def identify(self, question: IdentifyGuest) -> Guest:
        if not question.token.startswith("token of gst_"):
            raise Invalid("This is no guest's token.")
        return Guest(user_id=question.token.removeprefix("token of "))


class Lambda:
    """The neighbours' command functions on Lambda's wire: moto runs functions in Docker only."""

    def __init__(self, catalog: Catalog, users: Users) -> None:
        self.behind: dict[str, Catalog | Users] = {
            "tillstack-test-catalog-commands": catalog,
            "tillstack-test-users-commands": users,
        }

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        asked = self.behind[FunctionName]
        if asked.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        answer = asked.commands.handle(json.loads(Payload), None)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def catalog(cloud: None, users: Users, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    known = Catalog()
    monkeypatch.setattr(rpc, "client", lambda *_, **__: Lambda(known, users))
    return known


@pytest.fixture
def shop(catalog: Catalog) -> Catalog:
    """Post for 395; a cart with 2 x 999 of A (tea) and 1 x 501 of B."""
    put_method("post", (0, 395))
    hear(facts("A", 999, category_ids=["tea"]), facts("B", 501))
    carts.add_item("usr_1", "A", 2)
    carts.add_item("usr_1", "B", 1)
    return catalog


@pytest.fixture
def calls(cloud: None) -> Iterator[list[str]]:
    """The DynamoDB operations on the wire, in order."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    events = connection_of(CartTableRow).client.meta.events
    events.register("before-call.dynamodb", note)
    yield seen
    events.unregister("before-call.dynamodb", note)
