"""The webhook's function: its imports, its AWS calls, and its secrets."""

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
    intent = {"id": "pi_1", "object": "payment_intent"}
    kind = "payment_intent.succeeded"
    return json.dumps({"id": event_id, "type": kind, "created": 1, "data": {"object": intent}}).encode()


@pytest.fixture
def calls(driver, monkeypatch) -> list[str]:
    """Record the operations that are sent to AWS."""
    operations: list[str] = []
    send = Endpoint.make_request

    def record(self: Endpoint, operation: OperationModel, request: Any) -> object:
        operations.append(operation.name)
        return send(self, operation, request)

    monkeypatch.setattr(Endpoint, "make_request", record)
    return operations


def test_only_the_first_request_reads_the_secret_and_each_makes_two_calls(calls):
    body = event("evt_1")
    assert post_webhook(body, signed(body)).status == 200
    assert calls == ["GetSecretValue", "PutItem", "SendMessageBatch"]
    calls.clear()
    for _ in range(2):
        body = event("evt_2")
        assert post_webhook(body, signed(body)).status == 200
    assert calls == ["PutItem", "SendMessageBatch"] * 2


def test_forged_signatures_make_it_read_the_secret_only_twice(calls):
    body = event()
    for _ in range(5):
        assert post_webhook(body, signed(body, "whsec_forged")).status == 400
    assert calls == ["GetSecretValue", "GetSecretValue"]


def test_both_secrets_are_accepted_until_the_previous_one_is_removed(driver, monkeypatch):
    def roll(**known: str) -> None:
        boto3.client("secretsmanager", region_name=REGION).put_secret_value(
            SecretId=ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"], SecretString=json.dumps(known)
        )
        secrets.invalidate(ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"])

    def statuses(*with_secrets: str) -> list[int]:
        body = event()
        return [post_webhook(body, signed(body, secret)).status for secret in with_secrets]

    roll(current="whsec_new", previous="whsec_old")
    assert statuses("whsec_new", "whsec_old", "whsec_other") == [200, 200, 400]
    roll(current="whsec_new")
    assert statuses("whsec_new", "whsec_old") == [200, 400]


def test_the_webhook_does_not_import_stripe_even_indirectly():
    assert "payments.stripe_gateway" in set(_dependencies("payments.app.checkout"))
    for module in _dependencies("payments.app.webhook"):
        assert not module.startswith("payments.stripe_"), module
        assert "stripe" not in {name.partition(".")[0] for name in _imports(module)}, module


def _dependencies(module: str) -> Iterator[str]:
    """Yield the module and all modules of the repository that it imports, directly or indirectly."""
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
