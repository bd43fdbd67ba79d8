"""Which function answers which path of the API, and with which parameters."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from localstack.stripe.errors import Object


@dataclass(frozen=True)
class Route:
    """`params` names the SDK's type of the operation's parameters; `{id}` in a path is one segment.

    The handler takes the unit of work, the checked parameters, and the path's ids. `publishable` routes
    answer a shopper's browser too, which has a publishable key and the client secret of one intent.
    """

    method: str
    path: str
    handler: Callable[..., Object]
    params: str
    publishable: bool = False

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.path.replace("{id}", "([^/]+)"))

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """The path's ids, or None when the route is another's."""
        if method != self.method:
            return None
        found = self._pattern.fullmatch(path)
        return found.groups() if found else None


Params = dict[str, Any]
