"""Questions between services: typed, refused as values, and never half-known."""

import io
import json
from typing import ClassVar

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.contracts.commands import Command, Message
from shared.errors import Conflict, Unavailable
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected, Commands
from tests.support import Context


class Sum(Message):
    total: int


class Add(Command[Sum]):
    command: ClassVar[str] = "add"
    result: ClassVar = Sum

    numbers: list[int]


class TooMany(Conflict):
    """More than fit."""


commands = Commands()


@commands.on(Add)
def add(question: Add) -> Sum:
    if len(question.numbers) > 3:
        raise TooMany("Three at most.", most=3)
    if not question.numbers:
        raise Unavailable("The abacus is away.")
    return Sum(total=sum(question.numbers))


class _Lambda:
    """The Lambda service, with one function that answers in this process."""

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


def test_an_answer_is_typed():
    assert rpc.call("adder", Add(numbers=[1, 2, 3])) == Sum(total=6)


def test_a_refusal_is_a_value_with_its_particulars():
    with pytest.raises(CommandRejected) as declined:
        rpc.call("adder", Add(numbers=[1, 2, 3, 4]))
    assert declined.value.slug == "too-many"
    assert (declined.value.problem["status"], declined.value.problem["most"]) == (409, 3)


@pytest.mark.parametrize(("function", "numbers"), [("slow", [1]), ("adder", [])])
def test_no_answer_is_not_a_refusal(function, numbers):
    with pytest.raises(Unavailable):
        rpc.call(function, Add(numbers=numbers))
