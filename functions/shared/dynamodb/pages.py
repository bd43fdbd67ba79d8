"""Pages of a Query, which read a bounded number of rows."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

Key = dict[str, Any]
T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R", bound=Model)
# rows per request; a filter may exclude all of them, and a client that gets a short page can ask for the next
MAX_EXAMINED = 2_000
MAX_QUERIES = 4  # Queries per request; each reads at most 1 MB, and a page of a response has at most 4 MB


class Found(NamedTuple, Generic[T]):
    """A page of a list: its items, their keys, and the key to continue after, which is None at the end."""

    items: Sequence[T]
    keys: Sequence[Key]
    last: Key | None

    def map(self, function: Callable[[T], U]) -> "Found[U]":
        return Found([function(item) for item in self.items], self.keys, self.last)

    def first(self, count: int) -> "Found[T]":
        """Return the first `count` items; the rest follows on the next page."""
        return Found(self.items[:count], self.keys[:count], self.key_after(count))

    def key_after(self, count: int) -> Key | None:
        """Return the key to continue after the first `count` items."""
        return self.last if count == len(self.items) else self.keys[count - 1]


def page_of(items: Sequence[T], limit: int, key_of: Callable[[T], Key]) -> Found[T]:
    """Return the first `limit` of all items that remain."""
    page = items[:limit]
    keys = [key_of(item) for item in page]
    return Found(page, keys, keys[-1] if len(items) > limit else None)


def read_page(query: ResultIterator[R], row: type[R], limit: int) -> Found[R]:
    """Return up to `limit` rows; fewer, or none, with a key to continue after if the Query reads too much.

    The first Query reads as many rows as `query` says, the following ones the rest of MAX_EXAMINED. One row
    more than requested is read, because DynamoDB's key alone does not prove that another row matches.
    """
    pages, rows, keys = query.page_iter, list[R](), list[Key]()
    for number, page in enumerate(pages, 1):
        names = [*pages.key_names]
        for item in page["Items"]:
            if len(rows) == limit:
                return Found(rows, keys, keys[-1])
            rows.append(row.from_raw_data(item))
            keys.append({name: item[name] for name in names})
        if number == MAX_QUERIES or pages.total_scanned_count >= MAX_EXAMINED:
            break
        pages.page_size = MAX_EXAMINED - pages.total_scanned_count
    return Found(rows, keys, pages.last_evaluated_key)
