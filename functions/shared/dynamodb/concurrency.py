"""Optimistic concurrency: version conflicts, retries with backoff, and If-Match."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import Stale

P = ParamSpec("P")
T = TypeVar("T")

PAUSE = timedelta(milliseconds=20)  # doubles: fifty concurrent writers of one row finish in a few rounds


class VersionConflict(Exception):
    """The row is no longer the version that was read; read it again and retry."""


def retry_on(
    *conflicts: type[Exception], tries: int, max_doublings: int
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a use case to run again when it raises one of `conflicts`.

    Raises ConcurrentUpdate after `tries` tries.
    """

    def decorate(use_case: Callable[P, T]) -> Callable[P, T]:
        @wraps(use_case)
        def retried(*args: P.args, **kwargs: P.kwargs) -> T:
            for _ in backoff(tries, max_doublings):
                try:
                    return use_case(*args, **kwargs)
                except conflicts:
                    continue
            raise ConcurrentUpdate

        return retried

    return decorate


def backoff(tries: int, max_doublings: int) -> Iterator[int]:
    """Yield the number of each try, from 0; pause before each further one.

    The pause is random between 0 and PAUSE, and its limit doubles up to `max_doublings` times.
    """
    for attempt in range(tries):
        if attempt:
            # Randomness separates concurrent writers; it is not a secret.
            limit = PAUSE.total_seconds() * 2 ** min(attempt - 1, max_doublings)
            time.sleep(random.uniform(0, limit))  # noqa: S311
        yield attempt


def require_version(if_match: int | None, version: int) -> None:
    """Raise Stale if the caller decided on another version than this one. None accepts any version."""
    if if_match is not None and if_match != version:
        raise Stale(f"The current version is {version}; read the resource again.")
