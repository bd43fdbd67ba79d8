"""Fixtures of payments' tests: moto for AWS, the local Stripe over HTTP, and orders as a dictionary."""

from collections.abc import Iterator

import pytest

from localstack.stripe.server import LocalStripe
from payments import stripe_gateway
from payments.service import checkout, inbox
from payments.settings import settings
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.payments.reconciliation_driver import ReconciliationDriver


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
def reconciliation(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


@pytest.fixture
def manual(driver, monkeypatch) -> None:
    """Use manual capture."""
    known = settings().model_copy(update={"payments_capture": "manual"})
    monkeypatch.setattr(checkout, "settings", lambda: known)


@pytest.fixture
def no_retries(monkeypatch) -> None:
    """Disable the SDK's retries, so that the first failure is returned."""
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
