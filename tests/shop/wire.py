"""Every call that leaves the process: counted, answered here where it is a Lambda's, broken on demand."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import stripe
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from shared import observe
from tests.shop.wiring import Function
from tests.support import Context


class Killed(BaseException):
    """The process died here. Nothing in it runs any more: whatever it calls after this does not happen."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong in an invocation: death `when` ("before", "after") its n-th call, or ("throttle") the
    n-th call of DynamoDB refused; n from 1.

    `alone`: only the function that makes that call dies; who asked it is told so, as Lambda tells. `of`: the
    function it happens to, None for whichever is next called from outside. `act`: no death, but this happens
    there, in other processes, before that call goes on.
    """

    n: int
    when: str
    alone: bool = False
    of: str | None = None
    act: Callable[[], object] | None = None


class Wire:
    """Between the shop and the world. Only what happens within `invocation` is counted and may be broken.

    `calls` names them: `dynamodb.PutItem`, `lambda.CatalogCommands`, `stripe.post refunds`; what an asked
    function calls is behind a `> `.
    """

    def __init__(self, asked: Mapping[str, Function]) -> None:
        self.asked = asked
        self.calls: list[str] = []
        self.down: set[str] = set()
        self.fault: Fault | None = None
        self.database_calls = 0
        self.depth = 0
        self.dead = self.happened = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        api_call, stripe_call = BaseClient._make_api_call, stripe.RequestsClient.request  # type: ignore[attr-defined]

        def aws(client: Any, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            if service == "lambda" and operation == "Invoke":
                function = self.asked[params["FunctionName"]]
                return self._pass(f"lambda.{function.name}", lambda: self._ask(function, params))
            return self._pass(f"{service}.{operation}", lambda: api_call(client, operation, params))

        def to_stripe(client: Any, method: str, url: str, *rest: Any, **more: Any) -> Any:
            path = url.partition("/v1/")[2].partition("?")[0]
            return self._pass(
                f"stripe.{method} {path}", lambda: stripe_call(client, method, url, *rest, **more)
            )

        patch.setattr(BaseClient, "_make_api_call", aws)
        patch.setattr(stripe.RequestsClient, "request", to_stripe)

    @contextmanager
    def invocation(self, fault: Fault | None) -> Iterator[None]:
        """One function's run with all that it asks."""
        self.fault, self.calls, self.database_calls = fault, [], 0
        self.depth, self.dead, self.happened = 1, False, False
        try:
            yield
        finally:
            self.fault, self.depth, self.dead = None, 0, False

    def _pass(self, name: str, call: Callable[[], Any]) -> Any:
        if not self.depth:
            return call()
        if self.dead:
            raise Killed("dead already")
        self.calls.append("> " * (self.depth - 1) + name)
        number = len(self.calls)
        self._suffer(number, "before")
        if name.startswith("dynamodb."):
            self.database_calls += 1
            if self.fault and (self.fault.n, self.fault.when) == (self.database_calls, "throttle"):
                self.happened = True
                raise _throttling(name)
        answer = call()
        self._suffer(number, "after")
        return answer

    def _suffer(self, number: int, when: str) -> None:
        if self.fault and (self.fault.n, self.fault.when) == (number, when):
            self.happened = True
            if self.fault.act:
                return self._meanwhile(self.fault.act)
            self.dead = True
            raise Killed(f"{when} call {number}: {self.calls[number - 1]}")

    def _meanwhile(self, act: Callable[[], object]) -> None:
        """Others run while this process waits for its answer."""
        here = self.fault, self.calls, self.database_calls, self.depth
        request_id = observe.request_id()
        self.fault, self.depth = None, 0
        try:
            act()
        finally:
            self.fault, self.calls, self.database_calls, self.depth = here
            self.happened = True
            observe.begin(request_id)

    def _ask(self, function: Function, params: Mapping[str, Any]) -> dict[str, Any]:
        """Lambda's Invoke: the function's handler over its JSON wire."""
        if function.service in self.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        self.depth += 1
        try:
            answer = function.handler(json.loads(params["Payload"]), Context())
            return {"StatusCode": 200, "Payload": _payload(answer)}
        except Killed:
            if not (self.fault and self.fault.alone):
                raise
            self.dead = False
            return {"FunctionError": "Unhandled", "Payload": _payload({"errorType": "Runtime.ExitError"})}
        except Exception as error:
            return {"FunctionError": "Unhandled", "Payload": _payload({"errorType": type(error).__name__})}
        finally:
            self.depth -= 1


def _payload(answer: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(answer).encode())


def _throttling(name: str) -> ClientError:
    """As botocore raises it when its own retries are over."""
    error = {"Code": "ProvisionedThroughputExceededException", "Message": "Slow down."}
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
        name.partition(".")[2],
    )
