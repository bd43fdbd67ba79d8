"""Paginated lists, with cursors that are opaque and tamper-evident."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import jwt
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from shared.errors import Malformed

T = TypeVar("T")
PAGE_SIZE = 20  # items; the default of `limit`, one screen of a phone or two
MAX_PAGE_SIZE = 100  # items; enough for a screen of staff, and one Query reads them all
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)]
MAX_CURSOR = 4_096  # characters; ours have fewer, and API Gateway accepts 10 KB for all headers and the URL
# The document states the length; `Cursors.read` checks it, because an invalid cursor is 400 and not 422.
Cursor = Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_CURSOR})]


class PageQuery(BaseModel):
    """`?limit=` (1-100, default 20) and `?cursor=`; subclasses add the filters of their list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Limit = PAGE_SIZE
    cursor: Cursor | None = None


class Page(BaseModel, Generic[T]):
    """A page of a list; `next_cursor` is null on the last page. Tables read one row more than a page shows,
    because only that proves whether it is the last."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[T]
    next_cursor: Cursor | None


class Cursors:
    """Cursors signed with a key; `list_of` (the list and its owner) binds a cursor to its list."""

    def __init__(self, key: Callable[[], str]) -> None:
        self.key = key

    def write(self, last_key: Mapping[str, Any] | None, list_of: str) -> str | None:
        """Return the cursor that continues after `last_key` (DynamoDB's LastEvaluatedKey), or None at the
        end."""
        return (
            jwt.encode({"k": last_key, "aud": list_of}, self.key(), algorithm="HS256") if last_key else None
        )

    def read(self, cursor: str | None, list_of: str) -> dict[str, Any] | None:
        """Return the key to continue after. Raises Malformed if the cursor is too long, was altered or is of
        another list."""
        if cursor is None:
            return None
        if len(cursor) > MAX_CURSOR:
            raise Malformed(f"The cursor is too long: a cursor has at most {MAX_CURSOR:,} characters.")
        try:
            key: dict[str, Any] = jwt.decode(cursor, self.key(), algorithms=["HS256"], audience=list_of)["k"]
        except jwt.InvalidTokenError as error:
            raise Malformed("The cursor is not valid for this list; start again without it.") from error
        return key
