"""Those who write the same rows at the same time."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from cart.tables.rows import Overtaken
from shared.rows import Contended

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 10
PAUSE = timedelta(milliseconds=20)


def until_written(use_case: Callable[P, T]) -> Callable[P, T]:
    """Read, decide and write again while others write the same; each round, one of them gets through.

    Raises Contended after TRIES.
    """

    @wraps(use_case)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(TRIES):
            try:
                return use_case(*args, **kwargs)
            except Overtaken:
                # Not a secret: only so that rivals do not meet again.
                time.sleep(random.uniform(0, PAUSE.total_seconds() * 2 ** min(attempt, 4)))  # noqa: S311
        raise Contended("Others are writing the same; ask again.", retry_after=1)

    return again
