"""Those who write the same rows at the same time."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from catalog.tables.stock import Overtaken
from shared.rows import Contended

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 12
PAUSE = 0.02  # seconds, doubling: fifty rivals for one row are through in a few


def again_when_overtaken(use_case: Callable[P, T]) -> Callable[P, T]:
    """Read, decide and write again while others write the same. Raises Contended after TRIES."""

    @wraps(use_case)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(TRIES):
            try:
                return use_case(*args, **kwargs)
            except (Overtaken, Contended):
                # Chance keeps rivals from meeting again; it is no secret.
                time.sleep(random.uniform(0, PAUSE * 2 ** min(attempt, 5)))  # noqa: S311
        raise Contended("Others are writing the same; ask again.", retry_after=1)

    return again
