"""The problems that a function can raise, directly or in the code that it calls.

Problems that an `except` clause catches are subtracted. A rejected command has the problems of its handler in
the other service.
"""

from functools import cache
from typing import Any

from shared.contracts.commands.base import Command
from shared.contracts.problems import ForwardedProblem
from shared.errors import Problem
from shared.messaging.rpc import CommandRejected, Commands
from tests.contracts.code_graph import Block, Place, Token, code_graph, load
from tests.support import SERVICES


def raised_by(function: Any) -> set[Token]:
    """Return the problems that the function can raise, and the commands whose rejection it does not catch."""
    service = function.__module__.partition(".")[0]
    return _solution(service)[function.__module__, function.__qualname__]


@cache
def _solution(service: str) -> dict[Place, set[Token]]:
    """Return what each function of the service raises: repeat until the calls add nothing."""
    blocks = code_graph(service).blocks
    raised: dict[Place, set[Token]] = {place: set() for place in blocks}
    changed = True
    while changed:
        changed = False
        for place, block in blocks.items():
            found = _evaluate(block, raised)
            if found != raised[place]:
                raised[place], changed = found, True
    return raised


def _evaluate(block: Block, raised: dict[Place, set[Token]]) -> set[Token]:
    found = block.raises.union(*(raised.get(place, set()) for place in block.calls))
    for attempt in block.tries:
        pending = _evaluate(attempt.body, raised)
        for kinds, body, again in attempt.handlers:
            caught = {token for token in pending if _catches(kinds, token)}
            pending -= caught
            found |= _evaluate(body, raised) | (caught if again else set())
            if ForwardedProblem in body.raises and CommandRejected in kinds:
                for command in attempt.commands:
                    found |= rejections(command)
        found |= pending | _evaluate(attempt.rest, raised)
    return found


def _catches(kinds: tuple[type[BaseException], ...], token: Token) -> bool:
    return issubclass(CommandRejected if issubclass(token, Command) else token, kinds)


@cache
def rejections(command: Token) -> frozenset[Token]:
    """Return the problems with which the service that handles the command rejects it."""
    for name in SERVICES:
        for registry in _registries(name):
            kind, function = registry.handlers.get(command.command, (None, None))
            if kind is command:
                raised = raised_by(function)
                return frozenset(each for each in raised if issubclass(each, Problem) and each.status < 500)
    raise LookupError(f"no service handles {command.__name__}")


def _registries(name: str) -> list[Commands]:
    return [value for module in load(name) for value in vars(module).values() if isinstance(value, Commands)]
