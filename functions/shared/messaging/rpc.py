"""Synchronous calls between services: commands sent by Lambda invoke, and the registry that handles them."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from shared.contracts.commands.base import Command
from shared.errors import Problem, Unavailable, problem_document
from shared.runtime import observability
from shared.runtime.aws import client
from shared.runtime.observability import log

CALL_TIMEOUT = 25  # seconds; a request has 29, and the caller needs time to respond

R = TypeVar("R", bound=BaseModel, covariant=True)


class CommandFor(Protocol[R]):
    """A command whose result has the type R.

    `Command` itself is not generic, because pydantic would create a second model per command.
    """

    @property
    def command(self) -> str: ...

    @property
    def result(self) -> type[R]: ...

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


class CommandRejected(Exception):
    """The called service rejected the command. `problem` is its RFC 9457 object."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.problem = problem

    @property
    def slug(self) -> str:
        """The last part of the problem's type, such as `out-of-stock`."""
        return str(self.problem["type"]).removeprefix("/problems/")


def call(function: str, command: CommandFor[R], *, timeout: int = CALL_TIMEOUT) -> R:
    """Send the command to a Lambda function (name or ARN) and return its result; wait at most `timeout`
    seconds.

    Raises CommandRejected if the service rejected it, Unavailable if the service did not respond. In the
    second case it is unknown whether the service acted, so every command must be safe to repeat.
    """
    payload = {
        "command": command.command,
        "input": command.model_dump(mode="json"),
        "request_id": observability.request_id(),
    }
    try:
        # No retry here: a request has time for one try, and its client can retry.
        response = client("lambda", read_timeout=timeout, attempts=1).invoke(
            FunctionName=function, Payload=json.dumps(payload).encode()
        )
        result = json.loads(response["Payload"].read())
    except (BotoCoreError, ClientError, ValueError) as error:
        raise Unavailable("A part of the shop does not respond; retry.") from error
    if response.get("FunctionError"):
        log.error("invoke failed", extra={"command": command.command, "error": result.get("errorType")})
        raise Unavailable("A part of the shop does not respond; retry.")
    if "problem" in result:
        raise CommandRejected(result["problem"])
    return command.result.model_validate(result["output"])


class Commands:
    """The commands that a service handles: `@commands.on(Reserve)` registers the function below it."""

    def __init__(self) -> None:
        self.handlers: dict[str, tuple[type[Command], Callable[[Any], BaseModel | None]]] = {}

    def on(self, command: type[Command]) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        def register(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self.handlers[command.command] = (command, function)
            return function

        return register

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """Handle one invocation. A Problem is returned to the caller; any other exception is raised."""
        observability.begin(str(event.get("request_id") or getattr(context, "aws_request_id", "")))
        command, function = self.handlers[event["command"]]
        try:
            output = function(command.model_validate(event["input"]))
            log.info("command handled", extra={"command": event["command"]})
            return {"output": output.model_dump(mode="json") if output is not None else {}}
        except Unavailable:
            raise  # temporary, so the caller must not treat it as a rejection
        except Problem as problem:
            log.info("command rejected", extra={"command": event["command"], "problem": problem.slug})
            return {"problem": problem_document(problem, observability.request_id())}
        finally:
            observability.end()
