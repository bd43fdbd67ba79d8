"""Fixtures for journeys: HTTP tests of the shop that `sam` deployed on a local cloud (`make journeys`)."""

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
from localstack.mail.sent import count_by_kind


@pytest.fixture(scope="session")
def local() -> Cloud:
    """The local cloud under test: `test`, or the one in TILLSTACK_CLOUD."""
    return Cloud.load(os.environ.get("TILLSTACK_CLOUD", "test"))


@pytest.fixture(scope="session")
def url(local: Cloud) -> str:
    return local.api_url()


@pytest.fixture(scope="session")
def anonymous(url: str) -> Shop:
    return Shop(url)


@pytest.fixture(scope="session")
def staff(local: Cloud) -> Shop:
    return Shop.of(local, "staff")


@pytest.fixture
def shopper(local: Cloud, url: str) -> Callable[[], Shopper]:
    """`shopper()` returns a new customer who is signed in."""
    return lambda: Shopper.register(local, url, f"shopper.{uuid4().hex[:10]}@example.com", "Test Shopper")


@pytest.fixture
def guest(local: Cloud, url: str, anonymous: Shop) -> Shopper:
    tokens = anonymous.expect(201, "POST", "/users/guest")
    return Shopper(local, Shop(url, tokens["access_token"]), f"guest.{uuid4().hex[:10]}@example.com")


@pytest.fixture
def create_product(staff: Shop) -> Callable[..., str]:
    """`create_product(stock=10, price=500)` creates an active product and returns its SKU."""

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
def place_order(create_product: Callable[..., str]) -> Callable[..., dict[str, Any]]:
    """`place_order(shopper, quantity=2)` places an order of a new product."""

    def order(shopper: Shopper, quantity: int = 2, **product: Any) -> dict[str, Any]:
        shopper.add(create_product(**product), quantity)
        placed: dict[str, Any] = shopper.order(shopper.quote())
        return placed

    return order


@pytest.fixture
def place_paid_order(place_order: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """`place_paid_order(shopper, quantity=2)` also pays the order and waits for its invoice."""

    def pay(shopper: Shopper, quantity: int = 2, **product: Any) -> dict[str, Any]:
        return pay_and_wait(shopper, place_order(shopper, quantity, **product))

    return pay


@pytest.fixture
def create_coupon(staff: Shop) -> Callable[..., str]:
    """`create_coupon(usage_limit=10)` creates a coupon of 10 % and returns its code."""

    def make(**terms: Any) -> str:
        code = f"J-{uuid4().hex[:12]}".upper()
        staff.expect(
            201, "POST", "/coupons", {"code": code, "kind": "percentage", "value": 10} | terms, **new_key()
        )
        return code

    return make


def new_key() -> dict[str, str]:
    """Return the headers of a request with a new idempotency key."""
    return {"Idempotency_Key": str(uuid4())}


def pay_and_wait(shopper: Shopper, placed: dict[str, Any]) -> dict[str, Any]:
    """Pay the order and return it once the confirmation and the invoice were sent."""
    assert shopper.pay(placed)["status"] == "succeeded"
    shopper.wait_for_order(placed["order_id"], "paid")
    wait_for_messages(shopper, "confirmed", "invoice")
    order: dict[str, Any] = shopper.shop.expect(200, "GET", f"/orders/{placed['order_id']}")
    return order


def wait_for_messages(shopper: Shopper, *names: str) -> None:
    """Wait until the shopper got each of these messages, as often as it is listed."""
    wanted = Counter(names)
    until(lambda: count_by_kind(shopper.cloud, shopper.email) >= wanted, f"{shopper.email} to get: {names}")


def stock_of(staff: Shop, sku: str) -> tuple[int, int, int]:
    """Return the quantities on hand, reserved and available."""
    stock = staff.expect(200, "GET", f"/stock/{sku}")
    return stock["on_hand"], stock["reserved"], stock["available"]


def stripe_refunds(local: Cloud, shopper: Shopper, order: dict[str, Any]) -> list[int]:
    """Return the amounts of Stripe's refunds of the order's payments in pence, oldest first."""
    payments = shopper.shop.expect(200, "GET", f"/payments?order_id={order['order_id']}")["items"]
    found = []
    for payment in payments:
        page = stripe(local, "GET", f"/v1/refunds?payment_intent={payment['provider_id']}&limit=100")
        found += [(refund["created"], refund["amount"]) for refund in reversed(page["data"])]
    return [amount for _, amount in sorted(found, key=lambda entry: entry[0])]


def expire_order(local: Cloud, order: dict[str, Any]) -> None:
    """Expire the order: set its deadline to the past and invoke the sweeper."""
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


def after_pause(look: Callable[[], Any], seconds: float = 3) -> Any:
    """Wait, so that unexpected changes can happen, and return the value of `look`."""
    time.sleep(seconds)
    return look()
