"""What services ask of each other (Lambda invoke): typed questions, typed answers, refusals as values."""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict

from shared import observe
from shared.aws import client
from shared.errors import ShopError, Unavailable, problem
from shared.observe import log

A = TypeVar("A", bound=BaseModel)


class Message(BaseModel):
    """Base of what is asked and answered. Fields new to the reader are ignored: services deploy apart."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Ask(Message, Generic[A]):
    """A question; `command` names it on the wire, `answer` is the type of what comes back."""

    command: ClassVar[str]
    answer: ClassVar[type[BaseModel]]


class Declined(Exception):
    """The asked service refused. `problem` is its RFC 9457 object: `type`, `status`, `detail` and more."""

    def __init__(self, refusal: dict[str, Any]) -> None:
        super().__init__(refusal["detail"])
        self.problem = refusal

    @property
    def slug(self) -> str:
        return str(self.problem["type"]).removeprefix("/problems/")


def ask(function: str, question: Ask[A]) -> A:
    """Ask the service behind `function` (a Lambda function's name or ARN) and wait for the answer.

    Raises Declined when it refused, Unavailable when it did not answer: then nobody knows whether it acted,
    so every command is safe to ask again.
    """
    payload = {
        "command": question.command,
        "input": question.model_dump(mode="json"),
        "request_id": observe.request_id(),
    }
    try:
        # No retry here: within a request there is time for one try, and the caller may ask again.
        response = client("lambda", read_timeout=25, attempts=1).invoke(
            FunctionName=function, Payload=json.dumps(payload).encode()
        )
        answer = json.loads(response["Payload"].read())
    except (BotoCoreError, ClientError, ValueError) as error:
        raise Unavailable("A part of the shop does not answer; ask again.") from error
    if response.get("FunctionError"):
        log.error("asked in vain", extra={"command": question.command, "error": answer.get("errorType")})
        raise Unavailable("A part of the shop does not answer; ask again.")
    if "problem" in answer:
        raise Declined(answer["problem"])
    return question.answer.model_validate(answer["output"])  # type: ignore[return-value]


class Commands:
    """What a service is asked: `@commands.on(Reserve)` above the function that answers."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[type[Ask[Any]], Callable[[Any], BaseModel | None]]] = {}

    def on(self, question: type[Ask[Any]]) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        def register(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self.known[question.command] = (question, function)
            return function

        return register

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The Lambda handler. A refusal (ShopError) is an answer; anything else is raised and logged."""
        observe.begin(str(event.get("request_id") or getattr(context, "aws_request_id", "")))
        question, function = self.known[event["command"]]
        try:
            output = function(question.model_validate(event["input"]))
            return {"output": output.model_dump(mode="json") if output is not None else {}}
        except Unavailable:
            raise  # not a decision: the asker must see that it does not know
        except ShopError as refusal:
            log.info("declined", extra={"command": event["command"], "problem": refusal.slug})
            return {"problem": problem(refusal, observe.request_id())}
        finally:
            observe.end()
