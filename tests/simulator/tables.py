"""Direct access to moto's tables: reading, snapshots and restoring."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from tests.support import ACCOUNT, REGION

State = dict[str, tuple[Any, list[Any]]]


def tables() -> dict[str, Table]:
    known: dict[str, Table] = dynamodb_backends[ACCOUNT][REGION].tables
    return known


def rows(table: str) -> list[dict[str, Any]]:
    """Return every row of the table in the format of stream images."""
    return [item.to_json()["Attributes"] for item in _items(tables()[table])]


def row(table: str, key: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row with this key in the format of stream images."""
    found = dynamodb_backends[ACCOUNT][REGION].get_item(table, key)
    return found.to_json()["Attributes"] if found else None


def changes(table: str) -> list[dict[str, Any]]:
    """Return every change of the table, oldest first, with its `OldImage` and `NewImage`."""
    shard = tables()[table].stream_shard
    return [record.to_json()["dynamodb"] for record in shard.items] if shard else []


def snapshot() -> State:
    """Return all rows and all stream records, for `restore`."""
    return {
        name: (deepcopy(table.items), list(table.stream_shard.items) if table.stream_shard else [])
        for name, table in tables().items()
    }


def restore(state: State) -> None:
    for name, table in tables().items():
        items, records = state[name]
        table.items.clear()
        table.items.update(deepcopy(items))
        if table.stream_shard:
            table.stream_shard.items[:] = records


def _items(table: Table) -> Iterator[Any]:
    for part in table.items.values():
        yield from part.values() if table.range_key_attr else [part]
