"""The problems that the API returns (RFC 9457), and the HTTP status of each kind."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field
from typing_extensions import TypedDict

RETRY_AFTER = 2  # seconds; the Retry-After of a 503, and of a key whose first request still runs


class Problem(Exception):
    """An error that is shown to the client. `slug` identifies its type: `/problems/<slug>`.

    The slug is derived from the class's name unless the class sets its own. `extra` becomes members of the
    response body beside the standard ones; `headers` become headers of the response. The class's docstring,
    `advice` and `members` are part of the public documentation.
    """

    slug: str
    status: int  # set from STATUS
    # What the client should do; subclasses inherit it.
    advice: ClassVar[str]
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
    """The request cannot be parsed, or a required header is missing."""

    advice = "Correct the request. The same request fails again."


class Unauthorized(Problem):
    """The access token is missing, invalid or expired."""

    advice = "Get a new access token with `POST /users/token` or `POST /users/login`, then retry."


class Forbidden(Problem):
    """The caller's role does not allow the request."""

    advice = "Use an account with the required role. The same request fails again."


class NotFound(Problem):
    """The resource does not exist, or it belongs to somebody else."""

    advice = "Check the id. The same request fails again until the resource exists."


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    advice = "Use one of the methods in the header `Allow`."


class Conflict(Problem):
    """The current state of the resource does not allow the request."""

    advice = "Read the resource again. The same request fails until the state changes."


class Stale(Problem):
    """`If-Match` names a version that is no longer current."""

    advice = "Read the resource, apply the change to its current version, and send the new `ETag`."


class TooLarge(Problem):
    """The request exceeds a size limit."""

    advice = "Send a smaller request. The same request fails again."


class UnsupportedMediaType(Problem):
    """The body's media type is not supported."""

    advice = "Send JSON with `Content-Type: application/json`."


class InvalidField(TypedDict):
    """An invalid field of the request."""

    pointer: Annotated[str, Field(description="The field's JSON pointer (RFC 6901), such as `/lines/0/sku`.")]
    detail: Annotated[str, Field(description="What is wrong with the field.")]


class InvalidMembers(TypedDict):
    """The members of an invalid request's problem."""

    errors: Annotated[list[InvalidField], Field(description="The invalid fields.")]


class Invalid(Problem):
    """The request is well-formed but invalid; `errors` lists each invalid field."""

    advice = "Correct the fields in `errors`. The same request fails again."
    members: ClassVar[type[Any] | None] = InvalidMembers


class TooManyRequests(Problem):
    """The caller reached a limit."""

    advice = "Retry after the number of seconds in `Retry-After`."


class Internal(Problem):
    """An unexpected error; the response contains no internal details."""

    advice = "Retry once. If it fails again, contact us with the `request_id`."


class Unavailable(Problem):
    """A part of the shop does not respond or is busy."""

    advice = "Retry after the number of seconds in `Retry-After`; a POST with the same `Idempotency-Key`."

    def __init__(self, detail: str, *, retry_after: int = RETRY_AFTER, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)


class NoResponse(Problem):
    """The service did not respond in time, so it is not known whether the request had an effect."""

    advice = "Retry; a POST with the same `Idempotency-Key`, so that it has its effect only once."


class IdempotencyKeyReused(Invalid):
    """The `Idempotency-Key` was used before, with another body."""

    advice = "Send a new `Idempotency-Key` with each new request."
    members = None


class RequestInProgress(Conflict):
    """The first request with this `Idempotency-Key` is still running."""

    advice = "Retry with the same `Idempotency-Key` after the number of seconds in `Retry-After`."

    def __init__(self) -> None:
        # Short, because a request takes a few seconds; only one that died holds its key until the lease ends.
        super().__init__(
            "The first request with this Idempotency-Key is still running; retry.",
            headers={"Retry-After": str(RETRY_AFTER)},
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
    NoResponse: 504,
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
