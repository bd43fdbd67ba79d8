"""The simulator: all services in one process, wired as in template.yaml, with a clock that tests control."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import stripe

from localstack.stripe.server import LocalStripe
from shared.runtime import clock
from tests.payments.payments_driver import signed
from tests.simulator.deployment import Deployment
from tests.simulator.queues import LAG_PROBABILITY, REPEAT_PROBABILITY, QueueReader, StreamReader
from tests.simulator.transport import Fault, ProcessKilled
from tests.simulator.wiring import Function
from tests.support import SERVICES, Context, Identity, Reply, gateway_event, sqs_event

STREAM_TRIES = 10
ROUNDS = 2_000  # more than any test needs to become idle


class NotIdleError(AssertionError):
    """The simulator did not become idle: a relay always fails, or messages never end."""


class Simulator(Deployment):
    """A deployed shop that tests can call, run and break."""

    def __init__(self, local_stripe: LocalStripe, patch: pytest.MonkeyPatch) -> None:
        super().__init__(local_stripe, patch)
        self.shopper = stripe.StripeClient("sk_test_shopper", base_addresses={"api": local_stripe.url}).v1

    # Requests.

    def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        who: Identity | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: str | None = None,
    ) -> Reply:
        """Send one request as API Gateway does. Raises ProcessKilled if a fault kills the function."""
        function = self.wiring.api_function(service, method, path)
        sent = dict(headers or {}) | ({} if key is None else {"Idempotency-Key": key})
        event = gateway_event(function.handler, method, path, body=body, raw=raw, caller=who, headers=sent)
        answer = self._invoke(function, event, from_outside=True)
        return Reply(answer["statusCode"], answer["headers"], answer["body"])

    def sweep(self, service: str = "orders") -> list[Any]:
        """Run each scheduled function of the service once; return their results."""
        return [
            self._invoke(function, {"id": "tick"}, from_outside=True)
            for function in self.wiring.scheduled(service)
        ]

    def run_schedules(self) -> None:
        """Run each scheduled function of every service once; the next run retries what failed."""
        for service in SERVICES:
            for function in self.wiring.scheduled(service):
                with suppress(Exception, ProcessKilled):
                    self._invoke(function, {"id": "tick"})

    def confirm_card(self, provider_id: str, card: str = "pm_card_visa") -> bool:
        """Confirm a PaymentIntent with a card; return whether Stripe accepted it."""
        try:
            self.shopper.payment_intents.confirm(
                provider_id, {"payment_method": card, "return_url": "http://127.0.0.1/r"}
            )
        except (stripe.CardError, stripe.InvalidRequestError):
            return False
        return True

    def control_stripe(self, verb: str, **body: str) -> bool:
        """Change a `dispute` or `refund` by the local Stripe's control API; return whether it succeeded."""
        return self.emulator.control("POST", verb, json.dumps(body)).status == 200

    def advance(self, **delta: float) -> None:
        """Advance the clocks of the shop and of Stripe; this runs nothing."""
        self.now += timedelta(**delta)
        self.emulator.control("POST", "advance", json.dumps({"seconds": timedelta(**delta).total_seconds()}))

    # Faults.

    def kill_at(
        self, n: int, when: str = "before", *, alone: bool = False, function: str | None = None
    ) -> None:
        """Kill the next request, or the next run of `function`, at its n-th call."""
        self.fault = Fault(n, when, alone, function)

    def throttle(self, n: int, *, function: str | None = None) -> None:
        """Throttle the n-th call of DynamoDB in the next request, or in the next run of `function`."""
        self.fault = Fault(n, "throttle", function=function)

    def interleave(
        self, n: int, act: Callable[[], object], when: str = "before", *, function: str | None = None
    ) -> None:
        """Run `act` in other processes at the n-th call of the next request, then continue the request."""

        def alone() -> None:
            self.fault = None
            act()

        self.fault = Fault(n, when, function=function, act=alone)

    def take_down(self, *services: str) -> None:
        """Make the services unavailable to the others until `bring_up`."""
        self.transport.down.update(services)

    def bring_up(self) -> None:
        self.transport.down.clear()

    def record_calls(self, act: Callable[[], object], function: str | None = None) -> list[str]:
        """Return the calls of the first function that `act` runs, or of the longest run of `function`.

        The names are those of `Transport.calls`.
        """
        self.invocations.clear()
        act()
        return (
            self.invocations[0][1]
            if function is None
            else max((calls for name, calls in self.invocations if name == function), key=len)
        )

    def _invoke(self, function: Function, event: Any, *, from_outside: bool = False) -> Any:
        fault = self.fault
        if fault and not (fault.function == function.name if fault.function else from_outside):
            fault = None
        if fault and fault.function is None:
            self.fault = None
        with self.transport.invocation(function, fault):
            try:
                return function.handler(event, Context())
            except ProcessKilled:
                self.restart_processes()
                raise
            finally:
                self.invocations.append((function.name, self.transport.calls))
                # A fault of a background function stays set until a run of it makes that call.
                if self.transport.fault_hit and self.fault is fault:
                    self.fault = None

    # Streams, queues and webhooks.

    @property
    def is_idle(self) -> bool:
        """Whether no stream record, message or webhook is undelivered, hidden messages included."""
        self.collect()
        return not (
            self.webhooks
            or any(stream.has_more for stream in self.streams)
            or any(queue.waiting for queue in self.queues)
        )

    def pump(self, until_idle: bool = True, chance: Random | None = None) -> None:
        """Relay streams, deliver messages and post webhooks, until the simulator is idle or for one round.

        `chance` chooses the order, delays and repeats; without it, everything happens once and in order. The
        clock advances if only that makes a message visible again. Messages without tries left go to
        `dead_letters`. Raises NotIdleError after `ROUNDS` rounds.
        """
        for _ in range(ROUNDS if until_idle else 1):
            self._round(chance)
            if not until_idle or self.is_idle:
                return
            if not self._anything_due():
                next_visible = min(message.visible_at for queue in self.queues for message in queue.waiting)
                self.advance(seconds=(next_visible - self.now).total_seconds())
        raise NotIdleError(f"{[queue.source.queue for queue in self.queues if queue.waiting]}")

    def _anything_due(self) -> bool:
        return bool(
            self.webhooks
            or any(stream.has_more for stream in self.streams)
            or any(queue.visible(self.now) for queue in self.queues)
        )

    def _round(self, chance: Random | None) -> None:
        self.collect()
        steps: list[Callable[[Random | None], None]] = [self._post_webhooks]
        steps += [lambda chance, stream=stream: self._relay(stream, chance) for stream in self.streams]  # type: ignore[misc]
        steps += [lambda chance, queue=queue: self._deliver(queue, chance) for queue in self.queues]  # type: ignore[misc]
        if chance is not None:
            chance.shuffle(steps)
        for step in steps:
            step(chance)

    def _relay(self, stream: StreamReader, chance: Random | None) -> None:
        if not stream.has_more or (chance is not None and chance.random() < LAG_PROBABILITY):
            return
        try:
            stream.deliver(lambda event: self._invoke(stream.source.function, event), chance)
        except (Exception, ProcessKilled) as error:
            stream.tries += 1
            if stream.tries >= STREAM_TRIES:
                raise NotIdleError(f"{stream.source.function.name} fails: {error!r}") from error

    def _deliver(self, queue: QueueReader, chance: Random | None) -> None:
        queue.receive(self.now)

        def run(bodies: list[str]) -> list[int]:
            try:
                answer = self._invoke(queue.source.function, sqs_event(*bodies))
            except (Exception, ProcessKilled):
                return list(range(len(bodies)))
            return [int(item["itemIdentifier"][1:]) for item in answer["batchItemFailures"]]

        dead_letters = queue.deliver(run, self.now, chance)
        self.dead_letters += [f"{queue.source.queue}: {message.body}" for message in dead_letters]

    def _post_webhooks(self, chance: Random | None) -> None:
        """Post Stripe's events, in any order and sometimes twice, until each is answered with 200."""
        events, self.webhooks = self.webhooks, []
        if chance is not None:
            chance.shuffle(events)
        for event in events:
            body = json.dumps(event, indent=2)
            headers = {"Stripe-Signature": signed(body.encode(), at=clock.epoch(self.now))}
            accepted = False
            with suppress(ProcessKilled):
                function = self.wiring.api_function("payments", "POST", "/webhooks/stripe")
                sent = gateway_event(function.handler, "POST", "/webhooks/stripe", raw=body, headers=headers)
                accepted = self._invoke(function, sent)["statusCode"] == 200
            if not accepted or (chance is not None and chance.random() < REPEAT_PROBABILITY):
                self.webhooks.append(event)
