"""Requests, commands and events that tests send to the catalog, and the resulting state."""

from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from catalog.app.api import api
from catalog.app.commands import commands
from catalog.app.consume import consume
from catalog.settings import settings
from catalog.tables import stock
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import (
    LineQuantity,
    OrderCancelled,
    OrderData,
    OrderExpired,
    OrderPaid,
    OrderReturned,
    ReturnData,
)
from shared.values.money import Money
from tests.support import ACCOUNT, REGION, call, deliver, staff

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def variant(sku: str, stock: int = 10, price: int = 500, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": {"amount": price, "currency": "GBP"}, "stock": stock, **more}


def body(*variants: dict[str, Any], title: str = "A mug", **more: Any) -> dict[str, Any]:
    return {"title": title, "status": "active", "variants": list(variants), **more}


def create_product(*variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Create an active product as staff."""
    response = call(api, "POST", "/products", body=body(*variants, **more), caller=staff())
    assert response.status == 201, response.text
    product: dict[str, Any] = response.json
    return product


def replace_product(product: dict[str, Any], new: dict[str, Any], version: int | None = None) -> Any:
    """Replace the product as staff, with If-Match if `version` is given."""
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    path = f"/products/{product['product_id']}"
    return call(api, "PUT", path, body=new, caller=staff(), headers=headers)


def create_category(name: str, **more: Any) -> str:
    """Create a category as staff and return its id."""
    response = call(api, "POST", "/categories", body={"name": name, **more}, caller=staff())
    assert response.status == 201, response.text
    return str(response.json["category_id"])


def line(product: dict[str, Any], sku: str, quantity: int = 1, price: int = 500) -> dict[str, Any]:
    """Return an order's line."""
    return {
        "sku": sku,
        "product_id": product["product_id"],
        "title": "A mug",
        "quantity": quantity,
        "unit_price": {"amount": price, "currency": "GBP"},
        "line_total": {"amount": price * quantity, "currency": "GBP"},
    }


def send(command: str, **values: Any) -> dict[str, Any]:
    """Send a command to the Lambda handler, as another service does, and return its response."""
    response: dict[str, Any] = commands({"command": command, "input": values, "request_id": "req_1"}, None)
    return response


def reserve(order_id: str, *lines: dict[str, Any]) -> dict[str, Any]:
    return send("reserve", order_id=order_id, lines=list(lines))


def release(order_id: str) -> None:
    assert "problem" not in send("release", order_id=order_id)


def consume_all(*events: Event) -> None:
    """Deliver order events to the consumer; all of them must succeed."""
    assert deliver(consume, *events) == []


def problem_type(response: dict[str, Any]) -> str | None:
    """Return the type of the problem with which a command was rejected."""
    return str(response["problem"]["type"]) if "problem" in response else None


def levels(sku: str) -> tuple[int, int]:
    """Return (available, reserved) of a SKU."""
    found = call(api, "GET", f"/stock/{sku}", caller=staff()).json
    assert found["on_hand"] == found["available"] + found["reserved"]
    return found["available"], found["reserved"]


def reservation_state(order_id: str) -> str | None:
    """Return the state of the order's reservation; None if it has none."""
    rows = stock.find_reservation(order_id)
    return str(rows[stock.HEAD].state) if rows else None


def all_rows() -> list[dict[str, Any]]:
    """Return every row of the table as a stream image, read from moto's memory because a Scan is slow."""
    table = dynamodb_backends[ACCOUNT][REGION].tables[settings().catalog_table]
    return [item.to_json()["Attributes"] for part in table.items.values() for item in part.values()]


def event(kind: type[Event], order_id: str, version: int = 2) -> Event:
    """Return an event of an order; the catalog uses only the order's id."""
    nothing = Money.zero("GBP")
    order = OrderData(
        number="7K4M2-9QX2D",
        order_id=order_id,
        user_id="usr_1",
        email="ada@example.com",
        status="any",
        lines=[],
        subtotal=nothing,
        discount=nothing,
        shipping=nothing,
        tax=nothing,
        total=nothing,
        placed_at=NOON,
    )
    return kind.of(order, subject=order_id, version=version, at=NOON)


def paid(order_id: str) -> Event:
    return event(OrderPaid, order_id)


def cancelled(order_id: str) -> Event:
    return event(OrderCancelled, order_id, version=3)


def expired(order_id: str) -> Event:
    return event(OrderExpired, order_id)


def returned(
    return_id: str, *lines: dict[str, Any], restock: bool = True, order_id: str = "ord_1", version: int = 5
) -> Event:
    """Return the event of a received return with the given order lines."""
    data = ReturnData(
        order_id=order_id,
        number="7K4M2-9QX2D",
        user_id="usr_1",
        email="ada@example.com",
        return_id=return_id,
        status="received",
        lines=[LineQuantity.model_validate(line) for line in lines],
        restock=restock,
        refund=Money.zero("GBP"),
        reason="too red",
    )
    return OrderReturned.of(data, subject=order_id, version=version, at=NOON)
