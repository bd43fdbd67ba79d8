"""A catalog with something on its shelves, and its table watched on the wire."""

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

from catalog.tables.rows import CatalogRow, ListingRow
from infra.cloudformation import read
from shared.dynamodb import concurrency
from shared.dynamodb.rows import connection_of
from tests.support import ROOT

LONGEST = 2_048  # bytes of a partition key


@pytest.fixture
def cloud(cloud: None) -> Iterator[None]:
    """As for all services, and no test may ask what DynamoDB refuses and moto does not."""
    refusable: list[str] = []

    def look(operation: str, sent: dict[str, Any]) -> None:
        if operation == "Query" and (named := filtered(sent) & keys_of(sent.get("IndexName"))):
            refusable.append(
                f"filters on {sorted(named)}, of the key of {sent.get('IndexName', 'the table')}"
            )
        if operation in {"Query", "GetItem", "BatchGetItem"}:
            refusable.extend(
                f"asks for a key of {len(key)} bytes" for key in asked(sent) if len(key) > LONGEST
            )

    with listening(look):
        yield
    assert refusable == [], "DynamoDB answers this with a ValidationException"


def asked(sent: dict[str, Any]) -> list[bytes]:
    """What a request gives as keys, and as values of its conditions."""
    batched = [key for table in sent.get("RequestItems", {}).values() for key in table["Keys"]]
    given = [sent.get("Key", {}), sent.get("ExpressionAttributeValues", {}), *batched]
    return [str(value["S"]).encode() for each in given for value in each.values() if "S" in value]


def keys_of(index: str | None) -> set[str]:
    """The attributes of the table's key, or of an index's, by the template."""
    table = read(ROOT / "infra" / "catalog.yaml")["Resources"]["Catalog"]["Properties"]
    indexes = {each["IndexName"]: each["KeySchema"] for each in table["GlobalSecondaryIndexes"]}
    schema = indexes[index] if index else table["KeySchema"]
    return {key["AttributeName"] for key in schema}


def filtered(sent: dict[str, Any]) -> set[str]:
    """The attributes that the request's FilterExpression names."""
    words = re.findall(r"[#\w]+", sent.get("FilterExpression", ""))
    names: dict[str, str] = sent.get("ExpressionAttributeNames", {})
    return {names.get(word, word) for word in words}


@contextmanager
def listening(hear: Callable[[str, dict[str, Any]], None]) -> Iterator[None]:
    """Have `hear` told of each DynamoDB operation on the catalog's table with its parameters."""

    def note(model: Any, params: Any, **_: Any) -> None:
        hear(model.name, json.loads(params["body"]))

    watched = [connection_of(model).client.meta.events for model in (CatalogRow, ListingRow)]
    for events in watched:
        events.register("before-call.dynamodb", note)
    yield
    for events in watched:
        events.unregister("before-call.dynamodb", note)


@pytest.fixture
def calls(cloud: None) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The DynamoDB operations on the wire with their parameters, in order."""
    seen: list[tuple[str, dict[str, Any]]] = []
    with listening(lambda operation, sent: seen.append((operation, sent))):
        yield seen


@pytest.fixture
def rivalry(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Each reservation's first tries, up to five, meet another transaction on their rows, as on AWS."""
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
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever must try again does so at once."""
    monkeypatch.setattr(concurrency, "PAUSE", timedelta(0))
    monkeypatch.setattr(time, "sleep", lambda _: None)
