"""The problems in the public document: one schema per type, and the responses that return them."""

from collections import Counter
from collections.abc import Sequence
from inspect import cleandoc
from itertools import groupby
from typing import Any

from infra.openapi.examples import VALUES
from infra.openapi.schemas import REF, Schemas

MEDIA_TYPE = "application/problem+json"
RETRY_STATUSES = {429, 503}
REPLAYED_STATUSES = {400, 404, 409, 422}  # of problems that are stored for a repeated Idempotency-Key


class Problems:
    """The schemas and the responses of all problems that the routes return.

    Responses of one type, and those that several operations share, are components.
    """

    def __init__(self, declared: Sequence[Any], schemas: Schemas) -> None:
        kinds = sorted({kind for each in declared for kind in each.problems}, key=lambda kind: kind.__name__)
        uses = Counter(
            group for route in declared if not route.error_page for group in _by_status(route).values()
        )
        self.schemas = {_name(kind): _schema(kind, schemas) for kind in kinds}
        self._names = {
            group: "Or".join(kind.__name__ for kind in group)
            for group, count in uses.items()
            if count > 1 or len(group) == 1
        }
        self.responses = {name: _response(group) for group, name in self._names.items()}

    def of(self, route: Any) -> dict[str, Any]:
        """Return the route's problems by status. Browsers get the problems of a page as a page."""
        if route.error_page:
            found = {str(status): _response(kinds) for status, kinds in _by_status(route).items()}
            for response in found.values():
                response["content"]["text/html"] = {"schema": {"type": "string"}}
            return found
        return {
            str(status): {"$ref": f"#/components/responses/{self._names[kinds]}"}
            if kinds in self._names
            else _response(kinds)
            for status, kinds in _by_status(route).items()
        }


def _by_status(route: Any) -> dict[int, tuple[Any, ...]]:
    return {status: tuple(kinds) for status, kinds in groupby(route.problems, key=lambda kind: kind.status)}


def _name(kind: Any) -> str:
    return f"{kind.__name__}Problem"


def _type(kind: Any) -> str:
    return f"/problems/{kind.slug}"


def _text(kind: Any) -> str:
    """Return what the problem means and what the client should do."""
    return " ".join(f"{cleandoc(kind.__doc__)} {kind.advice}".split())


def _schema(kind: Any, schemas: Schemas) -> dict[str, Any]:
    """Return the schema of a problem (RFC 9457): the standard members and its own."""
    own = schemas.resolved(schemas.response(kind.members)) if kind.members else {}
    standard = {
        "type": {"type": "string", "const": _type(kind), "description": "The problem's type."},
        "title": {
            "type": "string",
            "description": "The type in words.",
            "examples": [kind.slug.replace("-", " ").capitalize()],
        },
        "status": {"type": "integer", "const": kind.status, "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What was wrong and what would be right."},
        "request_id": {
            "type": "string",
            "description": "The value of X-Request-Id; quote it to support.",
            "examples": [VALUES["request_id"]],
        },
    }
    return {
        "type": "object",
        "title": _name(kind),
        "description": _text(kind),
        "properties": standard | own.get("properties", {}),
        "required": [*standard, *own.get("required", [])],
    }


def _response(kinds: Sequence[Any]) -> dict[str, Any]:
    from shared.errors import RequestInProgress

    status = kinds[0].status
    headers = {"X-Request-Id": "RequestId"}
    if status == 401:
        headers["WWW-Authenticate"] = "Authenticate"
    if status in REPLAYED_STATUSES:
        headers["Idempotent-Replayed"] = "IdempotentReplayed"
    if status in RETRY_STATUSES:
        headers["Retry-After"] = "RetryAfter"
    elif any(kind is RequestInProgress for kind in kinds):
        headers["Retry-After"] = "OptionalRetryAfter"
    texts = [_text(kind) for kind in kinds]
    schema: dict[str, Any] = {"$ref": REF + _name(kinds[0])}
    if len(kinds) > 1:
        texts = [f"- `{_type(kind)}`: {text}" for kind, text in zip(kinds, texts, strict=True)]
        mapping = {_type(kind): REF + _name(kind) for kind in kinds}
        schema = {
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        }
    return {
        "description": "\n".join(texts),
        "headers": {name: {"$ref": f"#/components/headers/{key}"} for name, key in headers.items()},
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
