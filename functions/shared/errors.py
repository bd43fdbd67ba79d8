"""The problems that the API returns (RFC 9457), and the HTTP status of each kind."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Problem(Exception):
    """An error that is shown to the client. `slug` identifies its type: `/problems/<slug>`.

    The slug is derived from the class's name unless the class sets its own. `extra` becomes members of the
    response body beside the standard ones; `headers` become headers of the response.
    """

    slug: str
    status: int  # set from STATUS
    # A TypedDict of the members of `extra`; None if the problem has the standard members only.
    members: ClassVar[type[Any] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "slug" not in vars(cls):
            cls.slug = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


class Malformed(Problem):
    """The request cannot be parsed."""


class Unauthorized(Problem):
    """The access token is missing or invalid."""


class Forbidden(Problem):
    """The caller's role does not allow the request."""


class NotFound(Problem):
    """The resource does not exist, or it belongs to somebody else."""


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""


class Conflict(Problem):
    """The current state of the resource does not allow the request."""


class Stale(Problem):
    """`If-Match` names a version that is no longer current."""


class TooLarge(Problem):
    """The request exceeds a size limit."""


class UnsupportedMediaType(Problem):
    """The body's media type is not supported."""


class Invalid(Problem):
    """The request is well-formed but invalid; `errors` lists each invalid field."""


class TooManyRequests(Problem):
    """The caller reached a limit; `Retry-After` says when to retry."""


class Internal(Problem):
    """An unexpected error; the response contains no internal details."""


class Unavailable(Problem):
    """A dependency does not respond or is busy; a retry is safe."""

    def __init__(self, detail: str, *, retry_after: int = 2, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)


class IdempotencyKeyReused(Invalid):
    """The Idempotency-Key was used before, with another body."""


class RequestInProgress(Conflict):
    """The first request with this Idempotency-Key is still running."""

    def __init__(self) -> None:
        # Short, because a request takes a few seconds; only one that died holds its key until the lease ends.
        super().__init__(
            "The first request with this Idempotency-Key is still running; retry.",
            headers={"Retry-After": "2"},
        )


STATUS: dict[type[Problem], int] = {
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
for _kind, _status in STATUS.items():
    _kind.status = _status  # subclasses inherit it


def problem_document(problem: Problem, request_id: str) -> dict[str, Any]:
    """Return the problem as an `application/problem+json` object (RFC 9457)."""
    return {
        "type": f"/problems/{problem.slug}",
        "title": problem.slug.replace("-", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
        **problem.extra,
    }


def invalid(pointer: str, detail: str) -> Invalid:
    """Return the problem of one invalid field, named by its JSON pointer (RFC 6901)."""
    return Invalid(detail, errors=[{"pointer": pointer, "detail": detail}])


def from_validation(errors: Sequence[Any], prefix: str = "") -> Invalid:
    """Convert pydantic's errors to one problem: each field's JSON pointer and message, never its value."""
    found = [
        {"pointer": prefix + "".join(f"/{_escape(part)}" for part in error["loc"]), "detail": error["msg"]}
        for error in errors
    ]
    fields = ", ".join(dict.fromkeys(entry["pointer"] or "/" for entry in found))
    return Invalid(f"The request is not valid: see {fields}.", errors=found)


def _escape(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
