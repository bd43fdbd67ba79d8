"""moto's tables from inside: read, kept and put back without the wire; transactions undone row by row."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from tests.support import ACCOUNT, REGION

State = dict[str, tuple[Any, list[Any]]]


def tables() -> dict[str, Table]:
    known: dict[str, Table] = dynamodb_backends[ACCOUNT][REGION].tables
    return known


def rows(table: str) -> list[dict[str, Any]]:
    """Every row of the table as streams show it."""
    return [item.to_json()["Attributes"] for item in _items(tables()[table])]


def row(table: str, key: dict[str, Any]) -> dict[str, Any] | None:
    """The table's row with that key as streams show it."""
    found = dynamodb_backends[ACCOUNT][REGION].get_item(table, key)
    return found.to_json()["Attributes"] if found else None


def changes(table: str) -> list[dict[str, Any]]:
    """Everything written to the table, oldest first: `OldImage`, `NewImage`."""
    shard = tables()[table].stream_shard
    return [record.to_json()["dynamodb"] for record in shard.items] if shard else []


def kept() -> State:
    """All rows and all streams as they are, for `put_back`."""
    return {
        name: (deepcopy(table.items), list(table.stream_shard.items) if table.stream_shard else [])
        for name, table in tables().items()
    }


def put_back(state: State) -> None:
    for name, table in tables().items():
        items, records = state[name]
        table.items.clear()
        table.items.update(deepcopy(items))
        if table.stream_shard:
            table.stream_shard.items[:] = records


def undo_row_by_row(patch: pytest.MonkeyPatch) -> None:
    """moto copies whole tables, streams included, for each write of a transaction, in case it must be undone:
    most of a test's time. The rows that are written will do."""
    write = DynamoDBBackend.transact_write_items

    def transact(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        before = []
        for item in items:
            (wanted,) = item.values()
            table = self.tables[wanted["TableName"]]
            said = wanted.get("Key") or wanted["Item"]
            key = {name: said[name] for name in table.table_key_attrs}
            length = len(table.stream_shard.items) if table.stream_shard else 0
            before.append((table, key, deepcopy(self.get_item(table.name, key)), length))
        try:
            write(self, items)
        except BaseException:
            for table, key, row, _ in before:
                _restore(self, table, key, row)
            for table, _, _, length in before:
                if table.stream_shard:
                    del table.stream_shard.items[length:]
            raise

    def same(self: Table, memo: dict[int, Any]) -> Table:
        return self

    patch.setattr(DynamoDBBackend, "transact_write_items", transact)
    patch.setattr(Table, "__deepcopy__", same, raising=False)


def say_inserts_once(patch: pytest.MonkeyPatch) -> None:
    """An update that makes its row is one change in a stream of DynamoDB; moto's shows the bare key first."""
    update = DynamoDBBackend.update_item

    def once(self: DynamoDBBackend, table_name: str, *args: Any, **kwargs: Any) -> Any:
        shard = self.get_table(table_name).stream_shard
        length = len(shard.items) if shard else 0
        item = update(self, table_name, *args, **kwargs)
        if shard and len(shard.items) == length + 2:
            del shard.items[length:]
            shard.add(None, item)
        return item

    patch.setattr(DynamoDBBackend, "update_item", once)


def _restore(backend: DynamoDBBackend, table: Table, key: dict[str, Any], row: Any) -> None:
    current = backend.get_item(table.name, key)
    if row is None:
        if current is not None:
            table.delete_item(*_key(table, current))
        return
    hash_key, range_key = _key(table, row)
    if range_key is None:
        table.items[hash_key] = row
    else:
        table.items[hash_key][range_key] = row


def _key(table: Table, item: Any) -> tuple[Any, Any]:
    return item.hash_key, item.range_key if table.range_key_attr else None


def _items(table: Table) -> Iterator[Any]:
    for part in table.items.values():
        yield from part.values() if table.range_key_attr else [part]
