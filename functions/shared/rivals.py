"""Those who write the same rows at the same time: who was overtaken reads, decides and writes again."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from shared.errors import Stale
from shared.rows import Contended

P = ParamSpec("P")
T = TypeVar("T")

PAUSE = timedelta(milliseconds=20)  # doubling: fifty rivals for one row are through in a few rounds


def again_when(
    *overtaken: type[Exception], tries: int, doublings: int
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Have a use case run again where it raises one of these. It raises Contended after so many tries."""

    def decorate(use_case: Callable[P, T]) -> Callable[P, T]:
        @wraps(use_case)
        def again(*args: P.args, **kwargs: P.kwargs) -> T:
            for _ in attempts(tries, doublings):
                try:
                    return use_case(*args, **kwargs)
                except overtaken:
                    continue
            raise contended()

        return again

    return decorate


def attempts(tries: int, doublings: int) -> Iterator[int]:
    """So many tries, with a pause before each further one that doubles so often."""
    for attempt in range(tries):
        if attempt:
            # Chance keeps rivals from meeting again; it is no secret.
            time.sleep(random.uniform(0, PAUSE.total_seconds() * 2 ** min(attempt - 1, doublings)))  # noqa: S311
        yield attempt


def contended() -> Contended:
    """What is raised when others were faster at each try."""
    return Contended("Others are writing the same; ask again.", retry_after=1)


def expect(if_match: int | None, version: int) -> None:
    """Raises Stale where the caller decided on another version than this one (None: any)."""
    if if_match is not None and if_match != version:
        raise Stale(f"It is at version {version} now; read it again.")
