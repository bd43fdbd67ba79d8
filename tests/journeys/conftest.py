"""Journeys go over HTTP against the shop as `sam` deployed it on a local cloud (`make journeys`)."""

import os
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from localstack.cloud import Cloud
from localstack.shop import Shop
from localstack.shopper import Shopper


@pytest.fixture(scope="session")
def local() -> Cloud:
    """The local cloud under test: `test`, or the one that TILLSTACK_CLOUD names."""
    return Cloud.named(os.environ.get("TILLSTACK_CLOUD", "test"))


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


def settled(look: Callable[[], Any], seconds: float = 3) -> Any:
    """What `look` sees after a while in which nothing more should happen."""
    time.sleep(seconds)
    return look()
