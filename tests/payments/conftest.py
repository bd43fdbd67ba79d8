"""A shop that takes payments: moto for AWS, the local Stripe over HTTP, orders answered by a dictionary."""

from collections.abc import Iterator

import pytest

from localstack.stripe.server import LocalStripe
from payments import stripe_gateway
from payments.service import checkout, inbox
from payments.settings import settings
from shared import clock, invoke
from tests.payments.till import Till


@pytest.fixture
def local_stripe() -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        yield running


@pytest.fixture
def till(cloud, published, local_stripe, monkeypatch) -> Till:
    known = settings().model_copy(update={"payments_stripe_url": local_stripe.url})
    monkeypatch.setattr(stripe_gateway, "settings", lambda: known)
    monkeypatch.setattr(inbox.webhook_secrets, "reread_at", None)
    till = Till(local_stripe.url, lambda: published("payments"))
    monkeypatch.setattr(invoke, "ask", till.answer_for_orders)
    monkeypatch.setattr(clock, "now", till.now)
    return till


@pytest.fixture
def manual(till, monkeypatch) -> None:
    """The shop captures as goods leave."""
    known = settings().model_copy(update={"payments_capture": "manual"})
    monkeypatch.setattr(checkout, "settings", lambda: known)


@pytest.fixture
def once_only(monkeypatch) -> None:
    """The SDK calls Stripe once, so that the first failure is the answer."""
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
