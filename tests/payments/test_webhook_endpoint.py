"""Stripe's door is narrow and quick: what it loads, what it calls, whom it believes."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.endpoint import Endpoint
from botocore.model import OperationModel

from shared.runtime import secrets
from tests.payments.payments_driver import post_webhook, signed
from tests.support import ENVIRONMENT, REGION, ROOT


def event(event_id: str = "evt_1") -> bytes:
    about = {"id": "pi_1", "object": "payment_intent"}
    kind = "payment_intent.succeeded"
    return json.dumps({"id": event_id, "type": kind, "created": 1, "data": {"object": about}}).encode()


@pytest.fixture
def calls(driver, monkeypatch) -> list[str]:
    """The operations asked of AWS, as they are sent."""
    made: list[str] = []
    send = Endpoint.make_request

    def counted(self: Endpoint, operation: OperationModel, request: Any) -> object:
        made.append(operation.name)
        return send(self, operation, request)

    monkeypatch.setattr(Endpoint, "make_request", counted)
    return made


def test_a_cold_door_reads_the_secret_and_writes_once_and_a_warm_one_only_writes(calls):
    body = event("evt_1")
    assert post_webhook(body, signed(body)).status == 200
    assert calls == ["GetSecretValue", "PutItem"]
    calls.clear()
    for _ in range(2):
        body = event("evt_2")
        assert post_webhook(body, signed(body)).status == 200
    assert calls == ["PutItem", "PutItem"]


def test_forgers_make_it_read_the_secret_twice_and_then_no_more(calls):
    body = event()
    for _ in range(5):
        assert post_webhook(body, signed(body, "whsec_forged")).status == 400
    assert calls == ["GetSecretValue", "GetSecretValue"]


def test_both_secrets_are_good_while_one_rolls_and_the_old_one_ends(driver, monkeypatch):
    def roll(**known: str) -> None:
        boto3.client("secretsmanager", region_name=REGION).put_secret_value(
            SecretId=ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"], SecretString=json.dumps(known)
        )
        secrets.invalidate(ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"])

    def answers(*with_secrets: str) -> list[int]:
        body = event()
        return [post_webhook(body, signed(body, secret)).status for secret in with_secrets]

    roll(current="whsec_new", previous="whsec_old")
    assert answers("whsec_new", "whsec_old", "whsec_other") == [200, 200, 400]
    roll(current="whsec_new")
    assert answers("whsec_new", "whsec_old") == [200, 400]


def test_nothing_behind_the_door_imports_stripe():
    assert "payments.stripe_gateway" in set(_behind("payments.app.checkout"))
    for module in _behind("payments.app.webhook"):
        assert not module.startswith("payments.stripe_"), module
        assert "stripe" not in {name.partition(".")[0] for name in _imports(module)}, module


def _behind(module: str) -> Iterator[str]:
    """The module and all of the shop's own that it imports, near or far."""
    seen, todo = set[str](), [module]
    while todo:
        here = todo.pop()
        if here in seen or not _file(here):
            continue
        seen.add(here)
        yield here
        todo += _imports(here)


def _imports(module: str) -> set[str]:
    found = set[str]()
    file = _file(module)
    for node in ast.walk(ast.parse(file.read_text() if file else "")):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _file(module: str) -> Path | None:
    path = ROOT / "functions" / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)
