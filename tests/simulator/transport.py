"""Every call that leaves the process: counted, allowed by its function's role or refused, answered here where
it is a Lambda's, broken on demand."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import stripe
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from shared.runtime import observability
from tests.simulator.roles import Need, Roles, function_arn, needs, refusal
from tests.simulator.wiring import Function
from tests.support import Context

ABSENT = {"NoSuchKey", "404"}


class Killed(BaseException):
    """The process died here. Empty in it runs any more: whatever it calls after this does not happen."""


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


class Transport:
    """Between the shop and the world. Only what happens within `invocation` is counted and may be broken.

    `calls` names them: `dynamodb.PutItem`, `lambda.CatalogCommands`, `stripe.post refunds`; what an asked
    function calls is behind a `> `. `refused` tells of every call to AWS that a role did not allow.
    """

    def __init__(self, asked: Mapping[str, Function], roles: Roles) -> None:
        self.asked = asked
        self.roles = roles
        self.refused: list[str] = []
        self.running: list[str] = []
        self.calls: list[str] = []
        self.down: set[str] = set()
        self.fault: Fault | None = None
        self.database_calls = 0
        self.dead = self.happened = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        api_call, stripe_call = BaseClient._make_api_call, stripe.RequestsClient.request  # type: ignore[attr-defined]

        def aws(client: Any, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            if service == "lambda" and operation == "Invoke":
                function = self.asked[params["FunctionName"]]
                name, wanted = function.name, [Need("lambda:InvokeFunction", function_arn(function.name))]
                call: Callable[[], Any] = partial(self._ask, function, params)
            else:
                name, wanted = operation, needs(service, operation, params) if self.running else []
                call = partial(api_call, client, operation, params)
            return self._pass(f"{service}.{name}", partial(self._allowed, operation, wanted, call))

        def to_stripe(client: Any, method: str, url: str, *rest: Any, **more: Any) -> Any:
            path = url.partition("/v1/")[2].partition("?")[0]
            return self._pass(
                f"stripe.{method} {path}", lambda: stripe_call(client, method, url, *rest, **more)
            )

        patch.setattr(BaseClient, "_make_api_call", aws)
        patch.setattr(stripe.RequestsClient, "request", to_stripe)

    @contextmanager
    def invocation(self, function: Function, fault: Fault | None) -> Iterator[None]:
        """One function's run with all that it asks."""
        self.fault, self.calls, self.database_calls = fault, [], 0
        self.running, self.dead, self.happened = [function.name], False, False
        try:
            yield
        finally:
            self.fault, self.running, self.dead = None, [], False

    def _allowed(self, operation: str, wanted: Sequence[Need], call: Callable[[], Any]) -> Any:
        """The call, where the role of the function that makes it allows that."""
        if not self.running:
            return call()
        function = self.running[-1]
        if lacking := self.roles.lacking(function, wanted):
            self.refused.append(f"{function} may not {lacking}")
            raise refusal(function, operation, lacking)
        try:
            return call()
        except ClientError as error:
            # To who may not list a bucket, what is not in it is forbidden, not absent.
            bucket = Need("s3:ListBucket", wanted[0].resource.partition("/")[0])
            is_absent = operation in ("GetObject", "HeadObject") and error.response["Error"]["Code"] in ABSENT
            if is_absent and self.roles.lacking(function, [bucket]):
                raise refusal(function, operation, bucket) from error
            raise

    def _pass(self, name: str, call: Callable[[], Any]) -> Any:
        if not self.running:
            return call()
        if self.dead:
            raise Killed("dead already")
        self.calls.append("> " * (len(self.running) - 1) + name)
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
        here = self.fault, self.calls, self.database_calls, self.running
        request_id = observability.request_id()
        self.fault, self.running = None, []
        try:
            act()
        finally:
            self.fault, self.calls, self.database_calls, self.running = here
            self.happened = True
            observability.begin(request_id)

    def _ask(self, function: Function, params: Mapping[str, Any]) -> dict[str, Any]:
        """Lambda's Invoke: the function's handler over its JSON wire."""
        if function.service in self.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        self.running.append(function.name)
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
            self.running.pop()


def _payload(answer: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(answer).encode())


def _throttling(name: str) -> ClientError:
    """As botocore raises it when its own retries are over."""
    error = {"Code": "ProvisionedThroughputExceededException", "Message": "Slow down."}
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
        name.partition(".")[2],
    )
