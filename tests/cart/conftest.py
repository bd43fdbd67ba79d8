"""Fakes of catalog's and users' command functions, events for cart, and fixtures."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cart.app.consume import consume
from cart.service import carts
from cart.tables.rows import CartTableRow
from shared.contracts.commands.products import DescribeProducts, ListProducts, ProductPage, Products
from shared.contracts.commands.users import Guest, IdentifyGuest
from shared.contracts.events.catalog import ProductChanged, ProductData
from shared.contracts.events.orders import OrderData, OrderLineData, OrderPlaced
from shared.dynamodb.rows import connection_of
from shared.errors import Invalid
from shared.messaging import rpc
from shared.runtime import clock
from shared.values.money import Money
from tests.cart.requests import put_shipping_method
from tests.support import deliver


def product_data(sku: str, price: int = 1000, **changes: Any) -> ProductData:
    """Return a product with 50 pieces in stock; `price` is in pence."""
    data: dict[str, Any] = {
        "product_id": f"prd_{sku}",
        "sku": sku,
        "title": f"The {sku}",
        "unit_price": Money(amount=price, currency=changes.pop("currency", "GBP")),
        "available": 50,
        "active": True,
        "version": 1,
    }
    return ProductData(**data | changes)


def product_changed(product: ProductData) -> ProductChanged:
    event = ProductChanged.of(product, subject=product.sku, version=product.version, at=clock.now())
    assert isinstance(event, ProductChanged)
    return event


def receive(*products: ProductData) -> None:
    """Deliver a ProductChanged event for each product."""
    assert deliver(consume, *(product_changed(product) for product in products)) == []


def order(
    order_id: str = "ord_1", user_id: str = "usr_1", coupon: str | None = None, **lines: int
) -> OrderData:
    """Return an order with these quantities by SKU; all amounts are zero."""
    zero = Money.zero("GBP")
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
                unit_price=zero,
                line_total=zero,
            )
            for sku, quantity in lines.items()
        ],
        subtotal=zero,
        discount=zero,
        shipping=zero,
        tax=zero,
        total=zero,
        placed_at=clock.now(),
        coupon=coupon,
    )


def placed(order_id: str = "ord_1", user_id: str = "usr_1", version: int = 1, **data: Any) -> OrderPlaced:
    event = OrderPlaced.of(
        order(order_id, user_id, **data), subject=order_id, version=version, at=clock.now()
    )
    assert isinstance(event, OrderPlaced)
    return event


class Catalog:
    """A fake of catalog's command function; `described` records the SKUs of each call."""

    def __init__(self) -> None:
        self.products: dict[str, ProductData] = {}
        self.described: list[list[str]] = []
        self.down = False
        self.commands = rpc.Commands()
        self.commands.on(DescribeProducts)(self.describe)
        self.commands.on(ListProducts)(self.page)

    def sells(self, *products: ProductData) -> None:
        self.products |= {product.sku: product for product in products}

    def describe(self, command: DescribeProducts) -> Products:
        self.described.append(command.skus)
        return Products(products=[self.products[sku] for sku in command.skus if sku in self.products])

    def page(self, command: ListProducts) -> ProductPage:
        """Return two products per page, ordered by SKU."""
        start = command.after["sku"] if command.after else ""
        remaining = sorted(sku for sku in self.products if sku > start)
        after = {"sku": remaining[1]} if len(remaining) > 2 else None
        return ProductPage(products=[self.products[sku] for sku in remaining[:2]], after=after)


class Users:
    """A fake of users' command function; a guest's token is `token of <user id>`."""

    def __init__(self) -> None:
        self.down = False
        self.commands = rpc.Commands()
        self.commands.on(IdentifyGuest)(self.identify)

    def identify(self, command: IdentifyGuest) -> Guest:
        if not command.token.startswith("token of gst_"):
            raise Invalid("This is not a guest's token.")
        return Guest(user_id=command.token.removeprefix("token of "))


class Lambda:
    """A fake of the Lambda client that invokes the fakes; moto runs functions in Docker only."""

    def __init__(self, catalog: Catalog, users: Users) -> None:
        self.functions: dict[str, Catalog | Users] = {
            "tillstack-test-catalog-commands": catalog,
            "tillstack-test-users-commands": users,
        }

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        function = self.functions[FunctionName]
        if function.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        result = function.commands.handle(json.loads(Payload), None)
        return {"Payload": io.BytesIO(json.dumps(result).encode())}


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def catalog(cloud: None, users: Users, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    fake = Catalog()
    monkeypatch.setattr(rpc, "client", lambda *_, **__: Lambda(fake, users))
    return fake


@pytest.fixture
def shop(catalog: Catalog) -> Catalog:
    """A catalog, the shipping method post at 395, and a cart with 2 x A (tea) at 999 and 1 x B at 501."""
    put_shipping_method("post", (0, 395))
    receive(product_data("A", 999, category_ids=["tea"]), product_data("B", 501))
    carts.add_item("usr_1", "A", 2)
    carts.add_item("usr_1", "B", 1)
    return catalog


@pytest.fixture
def calls(cloud: None) -> Iterator[list[str]]:
    """The names of the DynamoDB operations that were sent, in order."""
    operations: list[str] = []

    def record(model: Any, **_: Any) -> None:
        operations.append(model.name)

    events = connection_of(CartTableRow).client.meta.events
    events.register("before-call.dynamodb", record)
    yield operations
    events.unregister("before-call.dynamodb", record)
