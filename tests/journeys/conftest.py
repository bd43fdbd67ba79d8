"""Journeys go over HTTP against the shop as `sam` deployed it on a local cloud (`make journeys`)."""

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from localstack.cloud.local_cloud import Cloud
from localstack.cloud.shop import Shop
from localstack.demo.cards import stripe
from localstack.demo.shopper import Shopper, until
from localstack.mail.templates import letters


@pytest.fixture(scope="session")
def local() -> Cloud:
    """The local cloud under test: `test`, or the one that TILLSTACK_CLOUD names."""
    return Cloud.load(os.environ.get("TILLSTACK_CLOUD", "test"))


@pytest.fixture(scope="session")
def url(local: Cloud) -> str:
    return local.api_url()


@pytest.fixture(scope="session")
def stranger(url: str) -> Shop:
    return Shop(url)


@pytest.fixture(scope="session")
def staff(local: Cloud) -> Shop:
    return Shop.of(local, "staff")


@pytest.fixture
def shopper(local: Cloud, url: str) -> Callable[[], Shopper]:
    """`shopper()`: a new customer, signed in."""
    return lambda: Shopper.register(local, url, f"shopper.{uuid4().hex[:10]}@example.com", "Test Shopper")


@pytest.fixture
def guest(local: Cloud, url: str, stranger: Shop) -> Shopper:
    tokens = stranger.expect(201, "POST", "/users/guest")
    return Shopper(local, Shop(url, tokens["access_token"]), f"guest.{uuid4().hex[:10]}@example.com")


@pytest.fixture
def goods(staff: Shop) -> Callable[..., str]:
    """`goods(stock=10, price=500)`: a new product on sale; its SKU."""

    def make(stock: int = 10, price: int = 500, title: str = "Journey goods") -> str:
        sku = f"J-{uuid4().hex[:12]}"
        body = {
            "title": title,
            "category_ids": [],
            "status": "active",
            "variants": [{"sku": sku, "price": {"amount": price, "currency": "GBP"}, "stock": stock}],
        }
        staff.expect(201, "POST", "/products", body)
        return sku

    return make


@pytest.fixture
def ordered(goods: Callable[..., str]) -> Callable[..., dict[str, Any]]:
    """`ordered(shopper, quantity=2)`: a placed order of new goods."""

    def order(shopper: Shopper, quantity: int = 2, **product: Any) -> dict[str, Any]:
        shopper.add(goods(**product), quantity)
        placed: dict[str, Any] = shopper.order(shopper.quote())
        return placed

    return order


@pytest.fixture
def paid(ordered: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """`paid(shopper, quantity=2)`: an order of new goods, paid and invoiced, its shopper told of both."""

    def pay(shopper: Shopper, quantity: int = 2, **product: Any) -> dict[str, Any]:
        return paid_for(shopper, ordered(shopper, quantity, **product))

    return pay


@pytest.fixture
def coupon(staff: Shop) -> Callable[..., str]:
    """`coupon(usage_limit=10)`: a new coupon of ten per cent; its code."""

    def make(**terms: Any) -> str:
        code = f"J-{uuid4().hex[:12]}".upper()
        staff.expect(
            201, "POST", "/coupons", {"code": code, "kind": "percentage", "value": 10} | terms, **new_key()
        )
        return code

    return make


def new_key() -> dict[str, str]:
    """The headers of a request that is a new one."""
    return {"Idempotency_Key": str(uuid4())}


def paid_for(shopper: Shopper, placed: dict[str, Any]) -> dict[str, Any]:
    """The order when it is paid and invoiced and its shopper was told of both."""
    assert shopper.pay(placed)["status"] == "succeeded"
    shopper.wait_for_order(placed["order_id"], "paid")
    await_letters(shopper, "confirmed", "invoice")
    order: dict[str, Any] = shopper.shop.expect(200, "GET", f"/orders/{placed['order_id']}")
    return order


def await_letters(shopper: Shopper, *names: str) -> None:
    """Wait until the shopper got each of these, as often as it is named."""
    wanted = Counter(names)
    until(lambda: letters(shopper.cloud, shopper.email) >= wanted, f"{shopper.email} to be told: {names}")


def stock_of(staff: Shop, sku: str) -> tuple[int, int, int]:
    """On hand, reserved, available."""
    stock = staff.expect(200, "GET", f"/stock/{sku}")
    return stock["on_hand"], stock["reserved"], stock["available"]


def refunds_of(local: Cloud, shopper: Shopper, order: dict[str, Any]) -> list[int]:
    """What Stripe gave back of the order's payments, in pence, oldest first."""
    payments = shopper.shop.expect(200, "GET", f"/payments?order_id={order['order_id']}")["items"]
    found = []
    for payment in payments:
        page = stripe(local, "GET", f"/v1/refunds?payment_intent={payment['provider_id']}&limit=100")
        found += [(refund["created"], refund["amount"]) for refund in reversed(page["data"])]
    return [amount for _, amount in sorted(found, key=lambda entry: entry[0])]


def expire(local: Cloud, order: dict[str, Any]) -> None:
    """Let the order's time run out: its deadline is set to the past, and the sweeper is called."""
    table = "tillstack-local-orders"
    dynamodb = local.client("dynamodb")
    (row,) = dynamodb.query(
        TableName=table,
        IndexName="by-number",
        KeyConditionExpression="#n = :n",
        ExpressionAttributeNames={"#n": "number"},
        ExpressionAttributeValues={":n": {"S": order["number"]}},
    )["Items"]
    schema = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    key = {part["AttributeName"]: row[part["AttributeName"]] for part in schema}
    stored = dynamodb.get_item(TableName=table, Key=key)["Item"]["expires_at"]
    past = {"N": "1"} if "N" in stored else {"S": "2020-01-01T00:00:00.000000+0000"}
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET expires_at = :t",
        ExpressionAttributeValues={":t": past},
    )
    functions = local.client("lambda").get_paginator("list_functions").paginate()
    (sweeper,) = [
        function["FunctionName"]
        for page in functions
        for function in page["Functions"]
        if "OrdersSweeper" in function["FunctionName"]
    ]
    local.client("lambda").invoke(FunctionName=sweeper, Payload=b"{}")


def settled(look: Callable[[], Any], seconds: float = 3) -> Any:
    """What `look` sees after a while in which nothing more should happen."""
    time.sleep(seconds)
    return look()
