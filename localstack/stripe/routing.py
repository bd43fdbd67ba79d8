"""Routes of the API."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from localstack.stripe.errors import Object


@dataclass(frozen=True)
class Route:
    """A route; `{id}` in its path is one segment, `params` the SDK's type of its parameters.

    The handler takes the unit of work, the validated parameters and the path's ids. `publishable` routes also
    accept a browser's publishable key, together with the intent's client secret.
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
        """Return the path's ids, or None if the route does not match."""
        if method != self.method:
            return None
        found = self._pattern.fullmatch(path)
        return found.groups() if found else None


Params = dict[str, Any]
