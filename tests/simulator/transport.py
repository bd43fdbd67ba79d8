"""The transport: intercepts calls to AWS and Stripe, checks permissions, and injects faults."""

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
from tests.simulator.roles import Permission, Roles, access_denied, function_arn, required_permissions
from tests.simulator.wiring import Function
from tests.support import Context

ABSENT = {"NoSuchKey", "404"}


class ProcessKilled(BaseException):
    """The simulated process was killed; its later calls have no effect."""


@dataclass(frozen=True)
class Fault:
    """A fault in an invocation: kill the process, throttle DynamoDB, or run something else meanwhile.

    `when` is "before" or "after" the `n`-th call, or "throttle" for the `n`-th call of DynamoDB; `n` starts
    at 1. `alone` kills only the function that makes the call, so its caller gets a FunctionError. `function`
    has the fault; None is the function that a request invokes. `act` runs in other processes, without a kill.
    """

    n: int
    when: str
    alone: bool = False
    function: str | None = None
    act: Callable[[], object] | None = None


class Transport:
    """Replaces the clients of AWS and Stripe. Counts calls and injects faults only within `invocation`.

    `calls` lists them as `dynamodb.PutItem`, `lambda.CatalogCommands`, `stripe.post refunds`; calls of an
    invoked function start with `> `. `denied` lists every call to AWS that a role did not allow.
    """

    def __init__(self, callees: Mapping[str, Function], roles: Roles) -> None:
        self.callees = callees
        self.roles = roles
        self.denied: list[str] = []
        self.running: list[str] = []
        self.calls: list[str] = []
        self.down: set[str] = set()
        self.fault: Fault | None = None
        self.database_calls = 0
        self.killed = self.fault_hit = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        api_call, stripe_call = BaseClient._make_api_call, stripe.RequestsClient.request  # type: ignore[attr-defined]

        def aws(client: Any, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            if service == "lambda" and operation == "Invoke":
                function = self.callees[params["FunctionName"]]
                name = function.name
                permissions = [Permission("lambda:InvokeFunction", function_arn(name))]
                call: Callable[[], Any] = partial(self._invoke, function, params)
            else:
                name = operation
                permissions = required_permissions(service, operation, params) if self.running else []
                call = partial(api_call, client, operation, params)
            return self._intercept(
                f"{service}.{name}", partial(self._authorize, operation, permissions, call)
            )

        def to_stripe(client: Any, method: str, url: str, *rest: Any, **more: Any) -> Any:
            path = url.partition("/v1/")[2].partition("?")[0]
            return self._intercept(
                f"stripe.{method} {path}", lambda: stripe_call(client, method, url, *rest, **more)
            )

        patch.setattr(BaseClient, "_make_api_call", aws)
        patch.setattr(stripe.RequestsClient, "request", to_stripe)

    @contextmanager
    def invocation(self, function: Function, fault: Fault | None) -> Iterator[None]:
        """Run one function and the functions that it invokes."""
        self.fault, self.calls, self.database_calls = fault, [], 0
        self.running, self.killed, self.fault_hit = [function.name], False, False
        try:
            yield
        finally:
            self.fault, self.running, self.killed = None, [], False

    def _authorize(self, operation: str, permissions: Sequence[Permission], call: Callable[[], Any]) -> Any:
        """Make the call if the role of the calling function allows it."""
        if not self.running:
            return call()
        function = self.running[-1]
        if missing := self.roles.missing(function, permissions):
            self.denied.append(f"{function} may not {missing}")
            raise access_denied(function, operation, missing)
        try:
            return call()
        except ClientError as error:
            # Without s3:ListBucket, S3 answers 403 instead of 404 for a missing object.
            bucket = Permission("s3:ListBucket", permissions[0].resource.partition("/")[0])
            is_absent = operation in ("GetObject", "HeadObject") and error.response["Error"]["Code"] in ABSENT
            if is_absent and self.roles.missing(function, [bucket]):
                raise access_denied(function, operation, bucket) from error
            raise

    def _intercept(self, name: str, call: Callable[[], Any]) -> Any:
        if not self.running:
            return call()
        if self.killed:
            raise ProcessKilled("the process was killed before")
        self.calls.append("> " * (len(self.running) - 1) + name)
        number = len(self.calls)
        self._apply_fault(number, "before")
        if name.startswith("dynamodb."):
            self.database_calls += 1
            if self.fault and (self.fault.n, self.fault.when) == (self.database_calls, "throttle"):
                self.fault_hit = True
                raise _throttling(name)
        answer = call()
        self._apply_fault(number, "after")
        return answer

    def _apply_fault(self, number: int, when: str) -> None:
        if self.fault and (self.fault.n, self.fault.when) == (number, when):
            self.fault_hit = True
            if self.fault.act:
                return self._interleave(self.fault.act)
            self.killed = True
            raise ProcessKilled(f"{when} call {number}: {self.calls[number - 1]}")

    def _interleave(self, act: Callable[[], object]) -> None:
        """Run other processes while this one waits for its response."""
        saved = self.fault, self.calls, self.database_calls, self.running
        request_id = observability.request_id()
        self.fault, self.running = None, []
        try:
            act()
        finally:
            self.fault, self.calls, self.database_calls, self.running = saved
            self.fault_hit = True
            observability.begin(request_id)

    def _invoke(self, function: Function, params: Mapping[str, Any]) -> dict[str, Any]:
        """Run the function's handler as Lambda's Invoke does, with JSON payloads."""
        if function.service in self.down:
            raise EndpointConnectionError(endpoint_url="https://lambda.test")
        self.running.append(function.name)
        try:
            answer = function.handler(json.loads(params["Payload"]), Context())
            return {"StatusCode": 200, "Payload": _payload(answer)}
        except ProcessKilled:
            if not (self.fault and self.fault.alone):
                raise
            self.killed = False
            return {"FunctionError": "Unhandled", "Payload": _payload({"errorType": "Runtime.ExitError"})}
        except Exception as error:
            return {"FunctionError": "Unhandled", "Payload": _payload({"errorType": type(error).__name__})}
        finally:
            self.running.pop()


def _payload(answer: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(answer).encode())


def _throttling(name: str) -> ClientError:
    """Return the error that botocore raises after its own retries."""
    error = {"Code": "ProvisionedThroughputExceededException", "Message": "Slow down."}
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
        name.partition(".")[2],
    )
