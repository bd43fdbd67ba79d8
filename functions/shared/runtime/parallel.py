"""Calls that wait for AWS side by side."""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def in_parallel(function: Callable[[T], U], arguments: Sequence[T]) -> list[U]:
    """Return the function's results in the order of the arguments; each call has a thread of its own and the
    caller's context. Raises the exception of the first call that failed."""
    # Imported here because few functions need it at their start.
    from concurrent.futures import ThreadPoolExecutor

    contexts = [copy_context() for _ in arguments]
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(lambda context, argument: context.run(function, argument), contexts, arguments))
