"""Purchases through clients that were generated from the document of the deployed API."""

import importlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from localstack.cloud.shop import Shop
from localstack.demo import cards
from localstack.demo.shopper import until
from localstack.mail.sent import count_by_kind
from tests.clients import generators


@pytest.fixture
def document(anonymous: Shop, tmp_path: Path) -> Path:
    """The document that the deployed API serves."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(anonymous.expect(200, "GET", "/openapi.json")))
    return path


@pytest.fixture
def email() -> str:
    return f"guest.{uuid4().hex[:10]}@example.com"


@pytest.fixture
def buyer(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module `tests/clients/buyer.py` with a new Python client."""
    assert not generators.generate_python(document, tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(generators.HERE))
    return importlib.import_module("buyer")


def test_a_guest_buys_with_the_python_client(local, url, buyer, email):
    def pay(payment: Any) -> None:
        assert cards.confirm(local, payment.to_dict())["status"] == "succeeded"

    order = buyer.buy(url, pay, email)
    assert (order.status, order.email) == ("paid", email)
    assert [line.quantity for line in order.lines] == [1]
    item = buyer.order_too_many(url, email)
    assert 0 < item.available < item.requested == 9999


def test_a_guest_buys_with_the_typescript_client(local, url, document, email, tmp_path):
    assert not generators.generate_typescript(document, tmp_path)
    assert not generators.compile_typescript(tmp_path)
    order_id = generators.run_typescript(tmp_path, url, local.stripe_url, cards.PUBLISHABLE_KEY, email)
    assert order_id.startswith("ord_")
    until(lambda: count_by_kind(local, email)["confirmed"], f"the confirmation for {email}")
