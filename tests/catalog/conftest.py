"""A catalog with something on its shelves, and its table watched on the wire."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from copy import copy, deepcopy
from typing import Any

import moto
import pytest
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.exceptions import TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from catalog import service
from catalog.tables.rows import CatalogRow, ListingRow
from shared import secrets
from shared.rows import connection_of
from tests.support import ACCOUNT, REGION, make_resources


@pytest.fixture(scope="module")
def resources() -> Iterator[None]:
    secrets._known.clear()
    with moto.mock_aws():
        make_resources()
        yield
    secrets._known.clear()


@pytest.fixture
def cloud(resources: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS in process as for all services, made once a module and emptied for each test: that is faster."""
    for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
        table.items.clear()
    _back_up_once(monkeypatch)


def _back_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto copies the table for each write of a transaction, for the rollback: the first copy will do."""
    write, current = DynamoDBBackend.transact_write_items, threading.local()

    def transact(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        current.backups = dict[str, Table]()
        write(self, items)

    def backup(self: Table, memo: dict[int, Any]) -> Table:
        backups: dict[str, Table] = current.backups
        if self.name not in backups:
            backups[self.name] = copy(self)
            backups[self.name].items = deepcopy(self.items, memo)
        return backups[self.name]

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", transact)
    monkeypatch.setattr(Table, "__deepcopy__", backup, raising=False)


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
def rivalry(atomic: None, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
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
    monkeypatch.setattr(service, "PAUSE", 0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
