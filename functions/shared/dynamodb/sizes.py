"""The size of rows as DynamoDB counts it, and the limits of rows and transactions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Mapping
from typing import Any

MAX_ROW = 405_000  # bytes; DynamoDB's limit is 409,600, and an update may add attributes to a stored row
MAX_TRANSACTION = 4_000_000  # bytes of all rows; DynamoDB's limit is 4 MB


class RowTooLargeError(Exception):
    """A row, or the rows of a transaction, exceed DynamoDB's limit; nothing was written."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size:,} bytes; at most {limit:,} are possible")
        self.size, self.limit = size, limit


def size_of(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item in bytes: names and values in UTF-8, two digits of a number per byte."""
    return sum(len(name.encode()) + _size_of_value(value) for name, value in item.items())


def check_size(size: int, limit: int) -> None:
    """Raise RowTooLargeError if the size exceeds the limit, both in bytes."""
    if size > limit:
        raise RowTooLargeError(size, limit)


def _size_of_value(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return len(value) // 2 + 2
    if kind in ("NULL", "BOOL"):
        return 1
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size_of_value(entry) for name, entry in value.items())
    if kind == "L":
        return 3 + sum(1 + _size_of_value(entry) for entry in value)
    return len(value)
