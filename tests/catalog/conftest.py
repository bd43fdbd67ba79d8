"""Fixtures of the catalog's tests: checked and recorded DynamoDB requests, write conflicts, no pauses."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from moto.dynamodb.exceptions import TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend

from catalog.tables.rows import CatalogRow
from infra.cloudformation import read
from shared.dynamodb import concurrency
from shared.dynamodb.rows import connection_of
from tests.support import ROOT

MAX_KEY_BYTES = 2_048  # DynamoDB's limit for a partition key


@pytest.fixture
def cloud(cloud: None) -> Iterator[None]:
    """The cloud of all services. Fails the test if it sends a request that only moto accepts."""
    rejected: list[str] = []

    def check(operation: str, request: dict[str, Any]) -> None:
        if operation == "Query":
            index = request.get("IndexName")
            if names := filtered_attributes(request) & key_attributes(index):
                rejected.append(f"filter on {sorted(names)}, which are in the key of {index or 'the table'}")
        if operation in {"Query", "GetItem", "BatchGetItem"}:
            rejected.extend(
                f"key of {len(key)} bytes" for key in key_values(request) if len(key) > MAX_KEY_BYTES
            )

    with observed(check):
        yield
    assert rejected == [], "DynamoDB responds with a ValidationException"


def key_values(request: dict[str, Any]) -> list[bytes]:
    """Return the strings in a request's keys and conditions."""
    batched = [key for table in request.get("RequestItems", {}).values() for key in table["Keys"]]
    given = [request.get("Key", {}), request.get("ExpressionAttributeValues", {}), *batched]
    return [str(value["S"]).encode() for each in given for value in each.values() if "S" in value]


def key_attributes(index: str | None) -> set[str]:
    """Return the key attributes of the table or of an index, from the template."""
    table = read(ROOT / "infra" / "catalog.yaml")["Resources"]["Catalog"]["Properties"]
    indexes = {each["IndexName"]: each["KeySchema"] for each in table["GlobalSecondaryIndexes"]}
    schema = indexes[index] if index else table["KeySchema"]
    return {key["AttributeName"] for key in schema}


def filtered_attributes(request: dict[str, Any]) -> set[str]:
    """Return the attributes in the request's FilterExpression."""
    words = re.findall(r"[#\w]+", request.get("FilterExpression", ""))
    names: dict[str, str] = request.get("ExpressionAttributeNames", {})
    return {names.get(word, word) for word in words}


@contextmanager
def observed(record: Callable[[str, dict[str, Any]], None]) -> Iterator[None]:
    """Call `record` with the name and parameters of each DynamoDB operation on the catalog's table."""

    def on_call(model: Any, params: Any, **_: Any) -> None:
        record(model.name, json.loads(params["body"]))

    events = connection_of(CatalogRow).client.meta.events
    events.register("before-call.dynamodb", on_call)
    yield
    events.unregister("before-call.dynamodb", on_call)


@pytest.fixture
def calls(cloud: None) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The DynamoDB operations with their parameters, in order."""
    recorded: list[tuple[str, dict[str, Any]]] = []
    with observed(lambda operation, request: recorded.append((operation, request))):
        yield recorded


@pytest.fixture
def write_conflicts(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The first tries of each reservation, up to five, conflict with another transaction, as on AWS."""
    tries: Counter[str] = Counter()
    write = DynamoDBBackend.transact_write_items

    def collide(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        wanted = next((item["Put"]["Item"]["pk"]["S"] for item in items if "Put" in item), "")
        if wanted.startswith("reservation#"):
            tries[wanted] += 1
            if tries[wanted] <= len(tries) % 6:
                conflict = ("TransactionConflict", "Transaction is ongoing for the item", None)
                raise TransactionCanceledException([conflict, *[(None, None, None)] * (len(items) - 1)])
        write(self, items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", collide)
    return tries


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries do not wait."""
    monkeypatch.setattr(concurrency, "PAUSE", timedelta(0))
    monkeypatch.setattr(time, "sleep", lambda _: None)
