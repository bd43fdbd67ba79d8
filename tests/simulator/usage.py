"""The write units that calls of DynamoDB consume, including those of indexes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections import Counter
from math import ceil
from typing import Any

import pytest
from botocore.client import BaseClient

from shared.dynamodb.sizes import size_of
from tests.simulator import tables
from tests.support import STAGE

Item = dict[str, dict[str, Any]]


class Usage:
    """Counts calls and write units by function from the rows before and after each write.

    `places` has the same units by what limits them: ("orders", "usr_1/ord_1") is a row, by its key, and
    ("orders/by-placed", "3") a partition of an index. `query_units` are the read units of all Queries.
    """

    def __init__(self, patch: pytest.MonkeyPatch, current: Any) -> None:
        self.current = current
        self.units: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.places: Counter[tuple[str, str]] = Counter()
        self.query_units = 0.0
        original = BaseClient._make_api_call  # type: ignore[attr-defined]

        def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
            if client.meta.service_model.service_name != "dynamodb":
                return original(client, operation, params)
            writes = _writes(operation, params)
            before = [self._row(table, key) for table, key, _ in self._with_keys(writes)]
            answer = original(client, operation, params)
            self.calls[self.current()] += 1
            if operation == "Query":
                self.query_units += _query_units(answer["Items"], params.get("ConsistentRead", False))
            for (table, key, factor), old in zip(self._with_keys(writes), before, strict=True):
                self.units[self.current()] += self._cost(table, old, self._row(table, key), factor)
            return answer

        patch.setattr(BaseClient, "_make_api_call", make_api_call)

    def _with_keys(self, writes: list[tuple[str, Item, int]]) -> list[tuple[str, Item, int]]:
        return [
            (
                table,
                {name: item[name] for name in self._keys(table)},
                factor,
            )
            for table, item, factor in writes
        ]

    def _keys(self, table: str) -> list[str]:
        return [part["AttributeName"] for part in tables.tables()[table].schema]

    def _row(self, table: str, key: Item) -> Item:
        return tables.row(table, key) or {}

    def _cost(self, table: str, old: Item, new: Item, factor: int) -> int:
        """Return the units of a write: the larger item's size, doubled in a transaction, and the changes
        of indexes."""
        units = factor * max(1, ceil(max(size_of(old), size_of(new)) / 1024))
        own = self._keys(table)
        name = table.removeprefix(f"tillstack-{STAGE}-")
        self.places[name, "/".join(_text((new or old)[key]) for key in own)] += units
        for index in tables.tables()[table].global_indexes:
            keys = [part["AttributeName"] for part in index.schema]
            projected = set(own) | set(keys)
            kind = index.projection["ProjectionType"]
            if kind == "ALL":
                projected |= set(old) | set(new)
            elif kind == "INCLUDE":
                projected |= set(index.projection["NonKeyAttributes"])
            entries = [
                {name: row[name] for name in projected & set(row)} if set(keys) <= set(row) else None
                for row in (old, new)
            ]
            for partition, cost in _index_costs(entries[0], entries[1], keys):
                self.places[f"{name}/{index.name}", partition] += cost
                units += cost
        return units


def _query_units(items: list[Item], is_consistent: bool) -> float:
    """Return the read units of a Query without a filter: 4 KB each, half if it may read an older state."""
    return ceil(sum(map(size_of, items)) / 4096) * (1 if is_consistent else 0.5)


def _text(value: dict[str, Any]) -> str:
    return str(next(iter(value.values())))


def _index_costs(before: Item | None, after: Item | None, keys: list[str]) -> list[tuple[str, int]]:
    """Return (partition, units) of each write to an index: one if the entry keeps its place, else two."""
    if before == after:
        return []
    costs = [
        (_text(entry[keys[0]]), max(1, ceil(size_of(entry) / 1024))) for entry in (before, after) if entry
    ]
    same_place = before and after and all(before[key] == after[key] for key in keys)
    return [max(costs, key=lambda cost: cost[1])] if same_place else costs


def _writes(operation: str, params: dict[str, Any]) -> list[tuple[str, Item, int]]:
    """Return (table, item or key, factor) of each write in a call. The factor is 2 in a transaction."""
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        return [(params["TableName"], params.get("Item") or params["Key"], 1)]
    if operation == "TransactWriteItems":
        writes = [next(iter(entry.values())) for entry in params["TransactItems"]]
        return [(write["TableName"], write.get("Item") or write["Key"], 2) for write in writes]
    if operation == "BatchWriteItem":
        raise AssertionError("BatchWriteItem is not supported")
    return []
