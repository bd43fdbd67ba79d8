"""Commands between services: typed results, rejections and missing responses."""

import io
import json
from typing import ClassVar

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.contracts.commands.base import Command, Message
from shared.errors import Conflict, Unavailable
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected, Commands
from tests.support import Context


class Sum(Message):
    total: int


class Add(Command):
    command: ClassVar[str] = "add"
    result: ClassVar = Sum

    numbers: list[int]


class TooMany(Conflict):
    """There are too many numbers."""


commands = Commands()


@commands.on(Add)
def add(command: Add) -> Sum:
    if len(command.numbers) > 3:
        raise TooMany("At most three numbers are accepted.", most=3)
    if not command.numbers:
        raise Unavailable("The adder is not available.")
    return Sum(total=sum(command.numbers))


class _Lambda:
    """Lambda's client, with one function that runs in this process."""

    def invoke(self, FunctionName: str, Payload: bytes):
        if FunctionName == "slow":
            raise ReadTimeoutError(endpoint_url="http://lambda")
        try:
            return {
                "Payload": io.BytesIO(json.dumps(commands.handle(json.loads(Payload), Context())).encode())
            }
        except Exception as error:
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}


@pytest.fixture(autouse=True)
def lambda_(monkeypatch):
    monkeypatch.setattr(rpc, "client", lambda *_, **__: _Lambda())


def test_a_result_is_typed():
    assert rpc.call("adder", Add(numbers=[1, 2, 3])) == Sum(total=6)


def test_a_handled_command_is_logged(caplog):
    """Otherwise the log lines of a request show only the services that failed."""
    rpc.call("adder", Add(numbers=[1]))
    assert [(line.message, line.command) for line in caplog.records] == [("command handled", "add")]


def test_a_rejection_carries_the_members_of_the_problem():
    with pytest.raises(CommandRejected) as rejected:
        rpc.call("adder", Add(numbers=[1, 2, 3, 4]))
    assert rejected.value.slug == "too-many"
    assert (rejected.value.problem["status"], rejected.value.problem["most"]) == (409, 3)


@pytest.mark.parametrize(("function", "numbers"), [("slow", [1]), ("adder", [])])
def test_a_missing_response_is_not_a_rejection(function, numbers):
    with pytest.raises(Unavailable):
        rpc.call(function, Add(numbers=numbers))
