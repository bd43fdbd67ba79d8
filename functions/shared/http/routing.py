"""Routes as a service declares them, and the base of what they take and give."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict

from shared.idempotency import Answer
from shared.identity import PUBLIC, Role


class Body(BaseModel):
    """What the API takes: exactly the named fields, of exactly their types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True
    )


class View(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(frozen=True, defer_build=True)


@dataclass(frozen=True)
class Raw:
    """The request as it came: for a caller that signs bytes."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Replayed:
    """A view's own finding that the request was served before: the first answer again."""

    view: BaseModel


class Html(Answer):
    """An answer in HTML."""


@dataclass(frozen=True)
class Route:
    """One method on one path.

    `required`: without an Idempotency-Key it is refused; `repeatable`: the answer is not kept, as it is
    a secret or the request is harmless to repeat.
    """

    method: str
    path: str
    view: Callable[..., Any]
    role: Role
    status: int
    required: bool
    repeatable: bool
    hints: Mapping[str, Any] = field(repr=False)

    @property
    def body(self) -> type[BaseModel] | None:
        return self.hints.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        return self.hints.get("query")

    @property
    def answer(self) -> Any:
        return self.hints.get("return")

    @property
    def variables(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


class Routes:
    """The routes of one service, in the order of declaration."""

    def __init__(self) -> None:
        self.declared: list[Route] = []

    def get(self, path: str, *, role: Role = PUBLIC) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("GET", path, role, 200)

    def post(
        self, path: str, *, role: Role, status: int = 200, idempotent: bool = False, repeatable: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """`idempotent`: an Idempotency-Key is required; else it is honoured if sent, unless `repeatable`."""
        return self._route("POST", path, role, status, idempotent, repeatable)

    def put(self, path: str, *, role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("PUT", path, role, 200)

    def patch(self, path: str, *, role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("PATCH", path, role, 200)

    def delete(
        self, path: str, *, role: Role, status: int = 204
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("DELETE", path, role, status)

    def _route(
        self,
        method: str,
        path: str,
        role: Role,
        status: int,
        required: bool = False,
        repeatable: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            hints = {name: hint for name, hint in get_type_hints(view).items() if _is_asked(view, name)}
            self.declared.append(Route(method, path, view, role, status, required, repeatable, hints))
            return view

        return declare


def _is_asked(view: Callable[..., Any], name: str) -> bool:
    return name == "return" or name in inspect.signature(view).parameters
