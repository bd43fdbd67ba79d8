"""A shop that takes payments: moto for AWS, the local Stripe over HTTP, orders answered by a dictionary."""

from collections.abc import Iterator

import pytest

from localstack.stripe.server import LocalStripe
from payments import stripe_gateway
from payments.service import checkout, inbox
from payments.settings import settings
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver


@pytest.fixture
def local_stripe() -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        yield running


@pytest.fixture
def driver(cloud, published, local_stripe, monkeypatch) -> PaymentsDriver:
    known = settings().model_copy(update={"payments_stripe_url": local_stripe.url})
    monkeypatch.setattr(stripe_gateway, "settings", lambda: known)
    monkeypatch.setattr(inbox.webhook_secrets, "reread_at", None)
    driver = PaymentsDriver(local_stripe.url, lambda: published("payments"))
    monkeypatch.setattr(rpc, "call", driver.describe_order)
    monkeypatch.setattr(clock, "now", driver.now)
    return driver


@pytest.fixture
def manual(driver, monkeypatch) -> None:
    """The shop captures as goods leave."""
    known = settings().model_copy(update={"payments_capture": "manual"})
    monkeypatch.setattr(checkout, "settings", lambda: known)


@pytest.fixture
def once_only(monkeypatch) -> None:
    """The SDK calls Stripe once, so that the first failure is the answer."""
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
