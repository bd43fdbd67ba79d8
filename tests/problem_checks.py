"""The check of the problems that API functions return in tests: types and members are declared."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from shared.errors import Problem
from shared.http.api import Api

WITH_RETRY_AFTER = {429, 503, 504}  # docs/errors.md says so
STANDARD = {"type", "title", "status", "detail", "request_id"}


def checking(handle: Callable[[Api, Any, Any], Any]) -> Callable[[Api, Any, Any], Any]:
    """Return `Api.__call__` with the check of its response."""

    def checked(api: Api, event: Any, context: Any) -> Any:
        response = handle(api, event, context)
        if response.get("headers", {}).get("Content-Type") == "application/problem+json":
            problem = json.loads(response["body"])
            assert problem["status"] == response["statusCode"]
            if problem["status"] in WITH_RETRY_AFTER:
                assert "Retry-After" in response["headers"], f"{problem['type']} needs a Retry-After"
            for route in api.declared:
                if (route.method, route.path) == (event["httpMethod"], event["resource"]):
                    check(problem, route.problems, f"{route.method} {route.path}")
        return response

    return checked


def check(problem: Mapping[str, Any], declared: tuple[type[Problem], ...], operation: str) -> None:
    """Fail if the operation does not declare this problem, or the problem's class not these members."""
    found = (problem["type"].removeprefix("/problems/"), problem["status"])
    kinds = [kind for kind in declared if (kind.slug, kind.status) == found]
    assert kinds, f"{operation} returned {found}: add it to the route's `raises`"
    extra = {name: value for name, value in problem.items() if name not in STANDARD}
    assert any(_describes(kind.members, extra) for kind in kinds), f"{found}: `members` does not name {extra}"


def _describes(members: Any, extra: dict[str, Any]) -> bool:
    if members is None:
        return not extra
    adapter = _adapter(members)
    # Unknown members, also of nested objects, are lost on the way.
    return bool(adapter.dump_python(adapter.validate_python(extra), mode="json") == extra)


@cache
def _adapter(members: Any) -> TypeAdapter[Any]:
    return TypeAdapter(members)
