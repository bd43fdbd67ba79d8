"""Growth of the shop: clones of its rows, and what a request reads."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from catalog.service.categories import MAX_CATEGORIES
from shared.dynamodb.pages import MAX_EXAMINED, MAX_QUERIES
from tests.simulator import tables
from tests.support import ENVIRONMENT

SIZES = (100, 2_000, 10_000)


@dataclass(frozen=True)
class Growing:
    """A kind of row whose number grows: its table, a pattern of its keys, and the attributes that differ in
    each clone of the first such row. `changes` are made to that row before; None removes one."""

    table: str
    keys: str
    varied: tuple[str, ...]
    changes: Mapping[str, str | None] = field(default_factory=dict)
    maximum: int = SIZES[-1]


GROWING = {
    "products in the listing of all": Growing("CATALOG_TABLE", "listing#all/", ("sk",)),
    "products in a category": Growing("CATALOG_TABLE", "listing#mugs/", ("sk",)),
    "categories": Growing("CATALOG_TABLE", "categories/", ("sk",), maximum=MAX_CATEGORIES - 10),
    "coupons": Growing("CART_TABLE", "coupon#", ("pk", "code")),
    "orders of a customer": Growing("ORDERS_TABLE", "usr_ada/ord_", ("order_id", "placed")),
    "orders that were never placed": Growing(
        "ORDERS_TABLE", "usr_ada/ord_", ("order_id",), {"user_id": "usr_bob", "placed": None, "listed": None}
    ),
    "payments of an order": Growing("PAYMENTS_TABLE", "payment#[^/]*/payment", ("pk", "payment_id")),
    "refunds of a payment": Growing("PAYMENTS_TABLE", "payment#[^/]*/ref_", ("sk",)),
    "postings of a payment": Growing("PAYMENTS_TABLE", "payment#[^/]*/ledger#", ("sk",)),
    "reconciliations": Growing("PAYMENTS_TABLE", "reconciliations/rec_", ("sk",)),
    "Stripe's events": Growing("PAYMENTS_INBOX_TABLE", "evt_", ("pk",)),
    "notifications of a recipient": Growing("NOTIFY_TABLE", "ntf_", ("pk",)),
    "accounts": Growing("USERS_TABLE", "user#", ("pk", "user_id")),
}
# Other kinds of rows: no request lists them, or few share a partition.
NOT_LISTED = {
    "CATALOG_TABLE": "product#|sku#|reservation#",
    "CART_TABLE": "cart#|product#|uses#|shipping|tax#",
    "PAYMENTS_TABLE": "order#|reconciliations/latest",
    "PAYMENTS_INBOX_TABLE": "catch-up",
    "NOTIFY_TABLE": "contact#|address#|preferences#|block#|count#",
    "USERS_TABLE": "email#|session#|attempts#",
    "ORDERS_COUNTERS_TABLE": "",
    **{name: "" for name in ENVIRONMENT if name.endswith("_IDEMPOTENCY_TABLE")},
}


def unknown_rows() -> set[str]:
    """Return the keys of rows that neither GROWING nor NOT_LISTED describes."""
    unknown = set()
    for name in (name for name in ENVIRONMENT if name.endswith("_TABLE")):
        known = [each.keys for each in GROWING.values() if each.table == name]
        patterns = [*known, NOT_LISTED[name]] if name in NOT_LISTED else known
        for keys in map(_keys, _table(name).all_items()):
            if not any(re.match(pattern, keys) for pattern in patterns):
                unknown.add(f"{name}: {keys}")
    return unknown


class Shop:
    """The tables of a shop, which grow."""

    def __init__(self) -> None:
        self.templates = {name: _template(each) for name, each in GROWING.items()}
        self.size = 0

    def grow(self, size: int) -> None:
        """Clone rows until there are `size` clones of each growing kind, or its maximum."""
        for name, each in GROWING.items():
            table, template = _table(each.table), self.templates[name]
            for number in range(self.size, min(size, each.maximum)):
                values = {one: f"{template.attrs[one].value}{number:05}" for one in each.varied}
                clone = _clone(table, template, values)
                if table.range_key_attr:
                    table.items[clone.hash_key][clone.range_key] = clone
                else:
                    table.items[clone.hash_key] = clone  # type: ignore[assignment]
        self.size = size


def _table(name: str) -> Table:
    return tables.tables()[ENVIRONMENT[name]]


def _keys(item: Item) -> str:
    return "/".join(key.value for key in (item.hash_key, item.range_key) if key)


def _template(growing: Growing) -> Item:
    table = _table(growing.table)
    found = [item for item in table.all_items() if re.match(growing.keys, _keys(item))]
    assert found, f"the shop has no row {growing.keys} in {growing.table}"
    template = _clone(table, found[0], {name: value for name, value in growing.changes.items() if value})
    for name, value in growing.changes.items():
        if value is None:
            dict.pop(template.attrs, name, None)
    return template


def _clone(table: Table, item: Item, values: Mapping[str, str]) -> Item:
    """Return a copy with some strings replaced. It shares the other attributes, so that it takes no time."""
    clone = copy.copy(item)
    clone.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(clone.attrs, item.attrs)
    for name, value in values.items():
        replaced = DynamoType({"S": value})
        dict.__setitem__(clone.attrs, name, replaced)
        if name == table.hash_key_attr:
            clone.hash_key = replaced
        elif name == table.range_key_attr:
            clone.range_key = replaced
    return clone


def query_partitions_only(patch: pytest.MonkeyPatch) -> None:
    """Let moto look at the rows of the queried partition only. It sorts and compares all rows of a table."""
    query = Table.query

    def query_partition(self: Table, hash_key: DynamoType, *args: Any, **kwargs: Any) -> Any:
        index_name, conditions = args[6], kwargs["hash_key_conditions"]
        everything: Any = self.items
        if not index_name:
            self.items = {hash_key: everything.get(hash_key, {})}  # type: ignore[assignment]
        elif self.range_key_attr:
            self.items = {key: _matching(part, conditions) for key, part in everything.items()}  # type: ignore[assignment]
        else:
            self.items = _matching(everything, conditions)  # type: ignore[assignment]
        try:
            return query(self, hash_key, *args, **kwargs)
        finally:
            self.items = everything

    patch.setattr(Table, "query", query_partition)


def _matching(items: Mapping[Any, Item], conditions: Sequence[tuple[str, DynamoType]]) -> dict[Any, Item]:
    wanted = [(name, value.value) for name, value in conditions]
    return {
        key: item
        for key, item in items.items()
        if all(name in item.attrs and item.attrs[name].value == value for name, value in wanted)
    }


@dataclass
class Reads:
    """The calls that a request makes, and the rows that they read."""

    calls: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def is_bounded(self) -> bool:
        """Whether a list may read so much at any size: `read_page` ends there."""
        return len(self.calls) <= MAX_QUERIES and self.rows <= MAX_EXAMINED


def growth(reads: Mapping[int, Reads]) -> str:
    """Return how the reads grow with the size of the shop; empty if they do not, or stay within bounds."""
    first, *larger = (reads[size] for size in SIZES)
    if all(len(each.calls) <= len(first.calls) and each.rows <= first.rows for each in larger):
        return ""
    if all(each.is_bounded for each in reads.values()):
        return ""
    return "; ".join(f"{size}: {len(each.calls)} calls, {each.rows} rows" for size, each in reads.items())


@contextmanager
def counted() -> Iterator[Callable[[], Reads]]:
    """Count the calls to AWS. The yielded function returns the reads since its last call."""
    current = [Reads()]
    make = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        answer = make(client, operation, params)
        service, reads = client.meta.service_model.service_name, current[-1]
        if service != "secretsmanager":  # cached by the time of the machine
            reads.calls.append(f"{service}.{operation}")
        if operation in ("Query", "Scan"):
            reads.rows += answer["ScannedCount"]
        elif operation == "GetItem":
            reads.rows += 1
        elif operation == "BatchGetItem":
            reads.rows += sum(len(table["Keys"]) for table in params["RequestItems"].values())
        return answer

    def since_last() -> Reads:
        current.append(Reads())
        return current.pop(0)

    with pytest.MonkeyPatch.context() as patch:
        query_partitions_only(patch)
        patch.setattr(BaseClient, "_make_api_call", make_api_call)
        yield since_last
