"""Paginated lists, with cursors that are opaque and tamper-evident."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, NamedTuple, Self, TypeVar

from pydantic import ConfigDict, Field, PrivateAttr, WithJsonSchema

from shared.dynamodb.pages import Found
from shared.errors import Malformed
from shared.models import Model

T = TypeVar("T")
U = TypeVar("U")
PAGE_SIZE = 20  # items; the default of `limit`, one screen of a phone or two
MAX_PAGE_SIZE = 100  # items; enough for a screen of staff, and one Query reads them all
# bytes of a page as Lambda returns it, which escapes quotation marks once more; Lambda's limit is 6 MB
MAX_PAGE_BYTES = 4_000_000
_FRAME = 5_000  # bytes of a page without its items; the names and a cursor of up to MAX_CURSOR
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)]
MAX_CURSOR = 4_096  # characters; ours have fewer, and API Gateway accepts 10 KB for all headers and the URL
# The document states the length; `Cursors.read` checks it, because an invalid cursor is 400 and not 422.
Cursor = Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_CURSOR})]


class PageQuery(Model):
    """`?limit=` (1-100, default 20) and `?cursor=`; subclasses add the filters of their list."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = PAGE_SIZE
    cursor: Cursor | None = None


class Listed(NamedTuple, Generic[T]):
    """The items that a page may show; `cursor_after(n)` is the cursor to continue after the first n of them,
    None if nothing follows."""

    items: Sequence[T]
    cursor_after: Callable[[int], str | None]


class Page(Model, Generic[T]):
    """A page of a list; `next_cursor` is null on the last page. A page may have fewer items than `limit`, or
    none, and still a `next_cursor`: it has at most 4 MB, and a request examines a limited number of rows."""

    items: Sequence[T]
    next_cursor: Cursor | None
    _cursor_after: Callable[[int], str | None] = PrivateAttr()

    @classmethod
    def of_items(cls, listed: Listed[U], view: Callable[[U], T]) -> Self:
        """Return the page of all items, each as its view."""
        items = [view(item) for item in listed.items]
        page = cls(items=items, next_cursor=listed.cursor_after(len(items)))
        page._cursor_after = listed.cursor_after
        return page

    def fitting_json(self) -> str:
        """Return the page as JSON with as many items as fit into MAX_PAGE_BYTES, but at least one."""
        text = self.model_dump_json()
        if len(text) * 4 <= MAX_PAGE_BYTES or _size(text) <= MAX_PAGE_BYTES:
            return text
        room, count = MAX_PAGE_BYTES - _FRAME, 0
        for item in self.items:
            room -= _size(item.model_dump_json()) + 1  # type: ignore[attr-defined]
            if count and room < 0:
                break
            count += 1
        if count == len(self.items):
            return text
        fitting = {"items": self.items[:count], "next_cursor": self._cursor_after(count)}
        return self.model_copy(update=fitting).model_dump_json()


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


class Cursors:
    """Cursors signed with a key; `list_of` (the list and its owner) binds a cursor to its list."""

    def __init__(self, key: Callable[[], str]) -> None:
        self.key = key

    def write(self, last_key: Mapping[str, Any] | None, list_of: str) -> str | None:
        """Return the cursor that continues after `last_key` (DynamoDB's LastEvaluatedKey), or None at the
        end."""
        if not last_key:
            return None
        import jwt  # here, because most functions and requests do without it

        return jwt.encode({"k": last_key, "aud": list_of}, self.key(), algorithm="HS256")

    def read(self, cursor: str | None, list_of: str) -> dict[str, Any] | None:
        """Return the key to continue after. Raises Malformed if the cursor is too long, was altered or is of
        another list."""
        if cursor is None:
            return None
        if len(cursor) > MAX_CURSOR:
            raise Malformed(f"The cursor is too long: a cursor has at most {MAX_CURSOR:,} characters.")
        import jwt  # here, because most functions and requests do without it

        try:
            key: dict[str, Any] = jwt.decode(cursor, self.key(), algorithms=["HS256"], audience=list_of)["k"]
        except jwt.InvalidTokenError as error:
            raise Malformed("The cursor is not valid for this list; start again without it.") from error
        return key

    def listed(self, found: Found[T], list_of: str) -> Listed[T]:
        """Return the items with the cursors of this list."""
        return Listed(found.items, lambda count: self.write(found.key_after(count), list_of))
