"""A catalog with something on its shelves, and its table watched on the wire."""

import json
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.exceptions import TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend

from catalog import service
from catalog.tables.rows import CatalogRow, ListingRow
from shared.rows import connection_of


@pytest.fixture
def calls(cloud: None) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The DynamoDB operations on the wire with their parameters, in order."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        seen.append((model.name, json.loads(params["body"])))

    watched = [connection_of(model).client.meta.events for model in (CatalogRow, ListingRow)]
    for events in watched:
        events.register("before-call.dynamodb", note)
    yield seen
    for events in watched:
        events.unregister("before-call.dynamodb", note)


@pytest.fixture
def atomic(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call to DynamoDB is atomic, which moto's threads are not; between calls they race as they like."""
    lock, answer = threading.Lock(), BotocoreStubber.__call__

    def one_at_a_time(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return answer(self, *args, **kwargs)

    monkeypatch.setattr(BotocoreStubber, "__call__", one_at_a_time)


@pytest.fixture
def rivalry(atomic: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Half of all transactions meet another one on their rows, as on AWS; a note of each that did."""
    conflicts: list[str] = []
    write, chance = DynamoDBBackend.transact_write_items, random.Random(7)
    conflict = ("TransactionConflict", "Transaction is ongoing for the item", None)

    def collide(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        if chance.random() < 0.5:
            conflicts.append("TransactionConflict")
            raise TransactionCanceledException([conflict, *[(None, None, None)] * (len(items) - 1)])
        write(self, items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", collide)
    return conflicts


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever must try again does so at once."""
    monkeypatch.setattr(service, "PAUSE", 0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
