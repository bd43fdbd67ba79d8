"""Products to sell, orders that want them, and a look at what is left."""

from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from catalog.app import api, commands
from catalog.settings import settings
from catalog.tables import stock
from shared.contracts.events import (
    Event,
    LineQuantity,
    OrderCancelled,
    OrderData,
    OrderExpired,
    OrderPaid,
    OrderReturned,
    ReturnData,
)
from shared.values.money import Money
from tests.support import ACCOUNT, REGION, call, staff

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def variant(sku: str, stock: int = 10, price: int = 500, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": {"amount": price, "currency": "GBP"}, "stock": stock, **more}


def body(*variants: dict[str, Any], title: str = "A mug", **more: Any) -> dict[str, Any]:
    return {"title": title, "status": "active", "variants": list(variants), **more}


def make(*variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A product that staff puts on sale."""
    answer = call(api, "POST", "/products", body=body(*variants, **more), caller=staff())
    assert answer.status == 201, answer.text
    product: dict[str, Any] = answer.json
    return product


def put(product: dict[str, Any], wanted: dict[str, Any], version: int | None = None) -> Any:
    """Replace the product; at `version` where one is named."""
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    path = f"/products/{product['product_id']}"
    return call(api, "PUT", path, body=wanted, caller=staff(), headers=headers)


def category(name: str, **more: Any) -> str:
    """A category that staff makes; its id."""
    answer = call(api, "POST", "/categories", body={"name": name, **more}, caller=staff())
    assert answer.status == 201, answer.text
    return str(answer.json["category_id"])


def line(product: dict[str, Any], sku: str, quantity: int = 1, price: int = 500) -> dict[str, Any]:
    """A line as an order asks for it."""
    return {
        "sku": sku,
        "product_id": product["product_id"],
        "title": "A mug",
        "quantity": quantity,
        "unit_price": {"amount": price, "currency": "GBP"},
        "line_total": {"amount": price * quantity, "currency": "GBP"},
    }


def ask(command: str, **question: Any) -> dict[str, Any]:
    """A question through the Lambda handler, as another service asks it."""
    answer: dict[str, Any] = commands({"command": command, "input": question, "request_id": "req_1"}, None)
    return answer


def reserve(order_id: str, *lines: dict[str, Any]) -> dict[str, Any]:
    return ask("reserve", order_id=order_id, lines=list(lines))


def release(order_id: str) -> None:
    assert "problem" not in ask("release", order_id=order_id)


def refused_as(answer: dict[str, Any]) -> str | None:
    return str(answer["problem"]["type"]) if "problem" in answer else None


def levels(sku: str) -> tuple[int, int]:
    """(available, reserved) of a SKU, as staff sees it."""
    found = call(api, "GET", f"/stock/{sku}", caller=staff()).json
    assert found["on_hand"] == found["available"] + found["reserved"]
    return found["available"], found["reserved"]


def state(order_id: str) -> str | None:
    """The state of the order's reservation."""
    rows = stock.find_reservation(order_id)
    return str(rows[stock.HEAD].state) if rows else None


def rows() -> list[dict[str, Any]]:
    """Every row of the table as streams show it, without asking over the wire: that is slow in process."""
    table = dynamodb_backends[ACCOUNT][REGION].tables[settings().catalog_table]
    return [item.to_json()["Attributes"] for part in table.items.values() for item in part.values()]


def event(kind: type[Event], order_id: str, version: int = 2) -> Event:
    """What orders says of an order; the catalog needs to know no more of it than its id."""
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
    """What orders says when the goods of a return arrived; `lines` as orders ask for them."""
    facts = ReturnData(
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
    return OrderReturned.of(facts, subject=order_id, version=version, at=NOON)
