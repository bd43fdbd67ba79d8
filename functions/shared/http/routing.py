"""Route declarations, and the base classes of request and response models."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

from pydantic import BaseModel, ConfigDict

from shared.dynamodb.idempotency import HttpResponse
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import (
    Forbidden,
    IdempotencyKeyReused,
    Internal,
    Invalid,
    Malformed,
    NoResponse,
    Problem,
    RequestInProgress,
    Stale,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from shared.http.identity import GUEST, PUBLIC, Role
from shared.models import Model

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
Raises = Sequence[type[Problem]]
ErrorPage = Callable[[Problem], HttpResponse]


class Body(Model):
    """Base of request models: unknown fields are rejected, and types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class View(Model):
    """Base of response models."""


class Raw(NamedTuple):
    """The body, headers and path as received, for requests whose bytes are signed.

    `path` is the URL's path, which starts with the stage or with a custom domain's base path.
    """

    body: bytes
    headers: Mapping[str, str]
    path: str


class Replayed(NamedTuple):
    """The first response to a request that was already served; the view itself detected the repetition."""

    view: BaseModel


class Route(NamedTuple):
    """One method on one path.

    `required`: an Idempotency-Key is required. `repeatable`: the response is not stored, because it is secret
    or the request is harmless to repeat. `raises`: the problems that the view itself raises. `location`: the
    path of the created resource, with names of the view's and the path's variables in braces. `error_page`:
    returns a page that shows a problem to a person; it is used if the request accepts HTML.
    """

    method: str
    path: str
    view: Callable[..., Any]
    role: Role
    status: int
    required: bool
    repeatable: bool
    raises: tuple[type[Problem], ...]
    location: str | None
    error_page: ErrorPage | None
    hints: Mapping[str, Any]

    @property
    def body(self) -> type[BaseModel] | None:
        return self.hints.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        return self.hints.get("query")

    @property
    def result(self) -> Any:
        return self.hints.get("return")

    @property
    def variables(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def reads_body(self) -> bool:
        """Return whether the bytes of the body matter; those of a POST are part of its Idempotency-Key."""
        return self.method == "POST" or (self.method != "GET" and bool({"body", "request"} & {*self.hints}))

    @property
    def problems(self) -> tuple[type[Problem], ...]:
        """Return the problems that this route can return, by status and slug: `raises`, and those that the
        framework and API Gateway derive from the rest of the declaration."""
        derived = {kind for _, applies, kinds in FRAMEWORK_PROBLEMS if applies(self) for kind in kinds}
        return tuple(sorted(derived | {*self.raises}, key=lambda kind: (kind.status, kind.slug)))


# A group of operations (if a short name describes it), which routes belong to it, and the problems that they
# all can return. A view with `claim` claims the key itself, so its `raises` states what that raises.
FRAMEWORK_PROBLEMS: tuple[tuple[str, Callable[[Route], object], Raises], ...] = (
    ("every operation", lambda route: True, (TooManyRequests, Internal, Unavailable, NoResponse)),
    ("every operation that needs a token", lambda route: route.role > PUBLIC, (Unauthorized,)),
    ("every operation that guests may not use", lambda route: route.role > GUEST, (Forbidden,)),
    ("every operation except GET", lambda route: route.method != "GET", (ConcurrentUpdate,)),
    ("every operation that reads a body", lambda route: route.reads_body, (TooLarge,)),
    (
        "every operation with a JSON body",
        lambda route: route.body,
        (Malformed, UnsupportedMediaType, Invalid),
    ),
    ("every operation with query parameters", lambda route: route.query, (Invalid,)),
    (
        "every list with a cursor",
        lambda route: route.query and "cursor" in route.query.model_fields,
        (Malformed,),
    ),
    (
        "every operation that accepts `If-Match`",
        lambda route: "if_match" in route.hints,
        (Malformed, Stale),
    ),
    ("every POST", lambda route: route.method == "POST", (Malformed,)),
    (
        "",
        lambda route: route.method == "POST" and not route.repeatable and "claim" not in route.hints,
        (IdempotencyKeyReused, RequestInProgress),
    ),
)


class Routes:
    """The routes of one service, in the order of declaration.

    A view's annotations state what it needs: `caller: Caller`, path variables by name, `query:` and `body:`
    pydantic models, `if_match: int | None`, `key: IdempotencyKey` (the request's key, already claimed),
    `claim: IdempotencyKey` (the same, for a use case that claims it in its own transaction), `request: Raw`
    (body, headers and path as received). A returned model becomes JSON, with an ETag if it has a version;
    None becomes 204; an `HttpResponse` is returned as it is.
    """

    def __init__(self) -> None:
        self.declared: list[Route] = []

    def get(
        self,
        path: str,
        *,
        role: Role = PUBLIC,
        status: int = 200,
        raises: Raises = (),
        error_page: ErrorPage | None = None,
    ) -> Decorator:
        return self._route("GET", path, role, status, raises, error_page=error_page)

    def post(
        self,
        path: str,
        *,
        role: Role,
        status: int = 200,
        idempotent: bool = False,
        repeatable: bool = False,
        raises: Raises = (),
        location: str | None = None,
        error_page: ErrorPage | None = None,
    ) -> Decorator:
        """Declare a POST route. `idempotent`: an Idempotency-Key is required; otherwise one that is sent
        is honoured, unless the route is `repeatable`."""
        return self._route("POST", path, role, status, raises, idempotent, repeatable, location, error_page)

    def put(self, path: str, *, role: Role, raises: Raises = ()) -> Decorator:
        return self._route("PUT", path, role, 200, raises)

    def patch(self, path: str, *, role: Role, raises: Raises = ()) -> Decorator:
        return self._route("PATCH", path, role, 200, raises)

    def delete(self, path: str, *, role: Role, status: int = 204, raises: Raises = ()) -> Decorator:
        return self._route("DELETE", path, role, status, raises)

    def _route(
        self,
        method: str,
        path: str,
        role: Role,
        status: int,
        raises: Raises,
        required: bool = False,
        repeatable: bool = False,
        location: str | None = None,
        error_page: ErrorPage | None = None,
    ) -> Decorator:
        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            self.declared.append(
                Route(
                    method,
                    path,
                    view,
                    role,
                    status,
                    required,
                    repeatable,
                    tuple(raises),
                    location,
                    error_page,
                    get_type_hints(view),
                )
            )
            return view

        return declare
