"""What can go wrong, as a reader of the API meets it: RFC 9457 problems, by one table of kinds."""

import re
from collections.abc import Mapping, Sequence
from typing import Any


class ShopError(Exception):
    """A refusal that the caller is told of. `type` and `title` come from the class's name.

    `extra` goes into the answer beside the standard members; `headers` onto the response.
    """

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    @property
    def slug(self) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def status(self) -> int:
        return next(STATUS[kind] for kind in type(self).__mro__ if kind in STATUS)


class Malformed(ShopError):
    """It cannot be read at all."""


class Unauthorized(ShopError):
    """Who is asking is not known."""


class Forbidden(ShopError):
    """Who is asking may not."""


class NotFound(ShopError):
    """It is not there, or it is somebody else's."""


class MethodNotAllowed(ShopError):
    """The path exists, with other methods."""


class Conflict(ShopError):
    """The current state does not allow it."""


class Stale(ShopError):
    """`If-Match` names a version that is no longer the current one."""


class TooLarge(ShopError):
    """More than is taken at once."""


class UnsupportedMediaType(ShopError):
    """The body is not of a type that is read here."""


class Invalid(ShopError):
    """Well-formed, and wrong; `errors` says where."""


class TooManyRequests(ShopError):
    """Slow down; `Retry-After` says for how long."""


class Internal(ShopError):
    """Our own fault, without its particulars."""


class Unavailable(ShopError):
    """A neighbour does not answer; nothing is half-done; ask again."""

    def __init__(self, detail: str, *, retry_after: int = 2, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)


class IdempotencyKeyReused(Invalid):
    """The key was used before, with another body."""


class RequestInProgress(Conflict):
    """The first request with this key is still running."""

    def __init__(self) -> None:
        # Soon: a call takes a second or four, and only one that died leaves its key held to the lease's end.
        super().__init__(
            "The first request with this Idempotency-Key is still running; ask again.",
            headers={"Retry-After": "2"},
        )


STATUS: dict[type[ShopError], int] = {
    Malformed: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Stale: 412,
    TooLarge: 413,
    UnsupportedMediaType: 415,
    Invalid: 422,
    TooManyRequests: 429,
    Internal: 500,
    Unavailable: 503,
}


def problem(error: ShopError, request_id: str) -> dict[str, Any]:
    """The error as an `application/problem+json` object (RFC 9457)."""
    return {
        "type": f"/problems/{error.slug}",
        "title": error.slug.replace("-", " ").capitalize(),
        "status": error.status,
        "detail": error.detail,
        "request_id": request_id,
        **error.extra,
    }


def invalid(pointer: str, detail: str) -> Invalid:
    """One wrong field, by its JSON pointer (RFC 6901)."""
    return Invalid(detail, errors=[{"pointer": pointer, "detail": detail}])


def from_validation(errors: Sequence[Any], prefix: str = "") -> Invalid:
    """Pydantic's findings as one problem: where by JSON pointer, what in words, never the value itself."""
    found = [
        {"pointer": prefix + "".join(f"/{_escape(part)}" for part in error["loc"]), "detail": error["msg"]}
        for error in errors
    ]
    fields = ", ".join(dict.fromkeys(entry["pointer"] or "/" for entry in found))
    return Invalid(f"The request is not valid: see {fields}.", errors=found)


def _escape(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
