"""Lists in pages, with cursors that are opaque and cannot be altered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import jwt
from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Malformed

T = TypeVar("T")
Limit = Annotated[int, Field(ge=1, le=100)]


class PageQuery(BaseModel):
    """`?limit=` (1-100, 20 where absent) and `?cursor=`; a list's own filters are added by subclasses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Limit = 20
    cursor: str | None = None


class Page(BaseModel, Generic[T]):
    """A page of a list; `next_cursor` is null on the last one. Tables look for one row more than is shown:
    only that tells whether it is."""

    model_config = ConfigDict(frozen=True)

    items: Sequence[T]
    next_cursor: str | None


class Cursors:
    """Cursors signed with a key; `list_of` (the list and whose it is) binds one to where it came from."""

    def __init__(self, key: Callable[[], str]) -> None:
        self.key = key

    def write(self, last_key: Mapping[str, Any] | None, list_of: str) -> str | None:
        """The cursor that goes on after `last_key` (DynamoDB's LastEvaluatedKey), or None at the end."""
        return (
            jwt.encode({"k": last_key, "aud": list_of}, self.key(), algorithm="HS256") if last_key else None
        )

    def read(self, cursor: str | None, list_of: str) -> dict[str, Any] | None:
        """The key to go on after. Raises Malformed where the cursor was altered or is of another list."""
        if cursor is None:
            return None
        try:
            key: dict[str, Any] = jwt.decode(cursor, self.key(), algorithms=["HS256"], audience=list_of)["k"]
        except jwt.InvalidTokenError as error:
            raise Malformed("The cursor is not one of this list's; start again without it.") from error
        return key
