"""The size of rows, and what happens to content that does not fit into one."""

import importlib
import json
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.attributes import JSONAttribute

from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.rows import Row
from shared.dynamodb.sizes import MAX_ROW, RowTooLargeError, size_of
from tests.support import SERVICES

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "123"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"abc"}, 3),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
        ({"M": {"é": {"S": "漢"}}}, 9),
    ],
)
def test_names_and_values_count_in_bytes(value, size):
    assert size_of({"né": value}) == 3 + size


@given(JSON)
def test_json_is_stored_without_escapes_and_read_unchanged(value):
    if value is None:
        return
    stored = JsonAttribute().serialize({"é漢😀": value})
    assert stored is not None and "é漢😀" in stored
    assert JsonAttribute().deserialize(stored) == {"é漢😀": value}
    assert JsonAttribute().deserialize(json.dumps(value)) == value  # as rows were written before


def _row_classes():
    """Return the classes of all rows of all services."""
    for service in SERVICES:
        package = importlib.import_module(f"{service}.tables")
        for module in pkgutil.iter_modules(getattr(package, "__path__", []), f"{service}.tables."):
            importlib.import_module(module.name)
    classes: list[type[Row]] = []
    pending: list[type[Row]] = [Row]
    while pending:
        pending += (found := pending.pop().__subclasses__())
        classes += found
    return classes


def test_every_json_attribute_is_stored_without_escapes():
    checked = 0
    for row in _row_classes():
        for name, attribute in row.get_attributes().items():
            if isinstance(attribute, JSONAttribute):
                assert isinstance(attribute, JsonAttribute), f"{row.__name__}.{name}"
                checked += 1
    assert checked > 20


def test_a_row_is_measured_before_it_is_written():
    from cart.tables.rows import CouponRow

    def row(terms: str) -> CouponRow:
        return CouponRow(pk="coupon#A", code="A", terms=terms, version=1)

    size = size_of(row("").serialize(null_check=False))
    assert row("x" * (MAX_ROW - size)).serialize(null_check=False)
    with pytest.raises(RowTooLargeError, match="405,001 bytes; at most 405,000"):
        row("x" * (MAX_ROW - size + 1)).serialize(null_check=False)
