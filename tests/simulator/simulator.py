"""The whole shop in one process: every service, wired as the template says, its time in our hand."""

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
from tests.simulator.queues import LAG, TWICE, EventQueue, FunctionQueue
from tests.simulator.transport import Fault, Killed
from tests.simulator.wiring import Function
from tests.support import SERVICES, Context, Identity, Reply, gateway_event, sqs_event

STREAM_TRIES = 10
ROUNDS = 2_000  # more than any test needs to become quiet


class NeverQuiet(AssertionError):
    """Something goes round for ever."""


class Simulator(Deployment):
    """A shop to call, to let run, and to break."""

    def __init__(self, local_stripe: LocalStripe, patch: pytest.MonkeyPatch) -> None:
        super().__init__(local_stripe, patch)
        self.shopper = stripe.StripeClient("sk_test_shopper", base_addresses={"api": local_stripe.url}).v1

    # Doors.

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
        """One request as API Gateway makes it. Raises Killed where that was asked for."""
        function = self.wiring.door(service, method, path)
        sent = dict(headers or {}) | ({} if key is None else {"Idempotency-Key": key})
        event = gateway_event(function.handler, method, path, body=body, raw=raw, caller=who, headers=sent)
        answer = self._run(function, event, from_outside=True)
        return Reply(answer["statusCode"], answer["headers"], answer["body"])

    def sweep(self, service: str = "orders") -> list[Any]:
        """What the clock starts in the service, once: what each function answered."""
        return [
            self._run(function, {"id": "tick"}, from_outside=True)
            for function in self.wiring.scheduled(service)
        ]

    def tend(self) -> None:
        """What the clock starts anywhere, once; one that fails is logged, and is started again."""
        for service in SERVICES:
            for function in self.wiring.scheduled(service):
                with suppress(Exception, Killed):
                    self._run(function, {"id": "tick"})

    def card(self, provider_id: str, card: str = "pm_card_visa") -> bool:
        """The shopper tries a card on Stripe's page; whether it was taken."""
        try:
            self.shopper.payment_intents.confirm(
                provider_id, {"payment_method": card, "return_url": "http://127.0.0.1/r"}
            )
        except (stripe.CardError, stripe.InvalidRequestError):
            return False
        return True

    def bank(self, verb: str, **asked: str) -> bool:
        """What banks decide of a `dispute` or `refund`, in the words of the local Stripe's control plane;
        whether they can."""
        return self.emulator.control("POST", verb, json.dumps(asked)).status == 200

    def advance(self, **delta: float) -> None:
        """Time passes, here and at Stripe; nothing happens by it but what `sweep` and `pump` do."""
        self.now += timedelta(**delta)
        self.emulator.control("POST", "advance", json.dumps({"seconds": timedelta(**delta).total_seconds()}))

    # Faults.

    def kill_at(self, n: int, when: str = "before", *, alone: bool = False, of: str | None = None) -> None:
        """The next request dies at its n-th call; or, where `of` names one, that function's next run."""
        self.fault = Fault(n, when, alone, of)

    def throttle(self, n: int, *, of: str | None = None) -> None:
        """The n-th call of DynamoDB in the next request is refused for want of capacity, retries and all."""
        self.fault = Fault(n, "throttle", of=of)

    def meanwhile(
        self, n: int, act: Callable[[], object], when: str = "before", *, of: str | None = None
    ) -> None:
        """At the n-th call of the next request, other processes do this; then it goes on: a race, decided."""

        def alone() -> None:
            self.fault = None
            act()

        self.fault = Fault(n, when, of=of, act=alone)

    def down(self, *services: str) -> None:
        """These do not answer when they are asked, until `up`."""
        self.transport.down.update(services)

    def up(self) -> None:
        self.transport.down.clear()

    def calls(self, act: Callable[[], object], of: str | None = None) -> list[str]:
        """What the first function that `act` runs calls, in order, as `Transport.calls` names it; or what
        the one named calls in its longest run."""
        self.log.clear()
        act()
        return self.log[0][1] if of is None else max((made for name, made in self.log if name == of), key=len)

    def _run(self, function: Function, event: Any, *, from_outside: bool = False) -> Any:
        fault = self.fault
        if fault and not (fault.of == function.name if fault.of else from_outside):
            fault = None
        if fault and fault.of is None:
            self.fault = None
        with self.transport.invocation(function, fault):
            try:
                return function.handler(event, Context())
            except Killed:
                self.forget()
                raise
            finally:
                self.log.append((function.name, self.transport.calls))
                # One of a function behind the scenes waits for a run in which that call is made.
                if self.transport.happened and self.fault is fault:
                    self.fault = None

    # What runs by itself.

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way, hidden messages included."""
        self.collect()
        return not (
            self.webhooks
            or any(belt.has_more for belt in self.queues)
            or any(box.waiting for box in self.boxes)
        )

    def pump(self, until_quiet: bool = True, chance: Random | None = None) -> None:
        """A round: streams are relayed, messages delivered, webhooks posted; in the order, as often and as
        late as `chance` draws, or plainly. `until_quiet`: as many as it takes, time moving on where only
        that brings a message back. What is tried in vain too often ends in `dead`."""
        for _ in range(ROUNDS if until_quiet else 1):
            self._round(chance)
            if not until_quiet or self.is_quiet:
                return
            if not self._anything_due():
                back = min(message.visible_at for box in self.boxes for message in box.waiting)
                self.advance(seconds=(back - self.now).total_seconds())
        raise NeverQuiet(f"{[box.source.queue for box in self.boxes if box.waiting]}")

    def _anything_due(self) -> bool:
        return bool(
            self.webhooks
            or any(belt.has_more for belt in self.queues)
            or any(box.visible(self.now) for box in self.boxes)
        )

    def _round(self, chance: Random | None) -> None:
        self.collect()
        steps: list[Callable[[Random | None], None]] = [self._post_webhooks]
        steps += [lambda chance, belt=belt: self._relay(belt, chance) for belt in self.queues]  # type: ignore[misc]
        steps += [lambda chance, box=box: self._deliver(box, chance) for box in self.boxes]  # type: ignore[misc]
        if chance is not None:
            chance.shuffle(steps)
        for step in steps:
            step(chance)

    def _relay(self, belt: EventQueue, chance: Random | None) -> None:
        if not belt.has_more or (chance is not None and chance.random() < LAG):
            return
        try:
            belt.move(lambda event: self._run(belt.source.function, event), chance)
        except (Exception, Killed) as error:
            belt.tries += 1
            if belt.tries >= STREAM_TRIES:
                raise NeverQuiet(f"{belt.source.function.name} fails: {error!r}") from error

    def _deliver(self, box: FunctionQueue, chance: Random | None) -> None:
        box.collect(self.now)

        def run(bodies: list[str]) -> list[int]:
            try:
                answer = self._run(box.source.function, sqs_event(*bodies))
            except (Exception, Killed):
                return list(range(len(bodies)))
            return [int(item["itemIdentifier"][1:]) for item in answer["batchItemFailures"]]

        given_up = box.move(run, self.now, chance)
        self.dead += [f"{box.source.queue}: {message.body}" for message in given_up]

    def _post_webhooks(self, chance: Random | None) -> None:
        """Stripe's events, late, twice and out of order if need be; again until they are taken."""
        due, self.webhooks = self.webhooks, []
        if chance is not None:
            chance.shuffle(due)
        for event in due:
            body = json.dumps(event, indent=2)
            headers = {"Stripe-Signature": signed(body.encode(), at=clock.epoch(self.now))}
            taken = False
            with suppress(Killed):
                door = self.wiring.door("payments", "POST", "/webhooks/stripe")
                sent = gateway_event(door.handler, "POST", "/webhooks/stripe", raw=body, headers=headers)
                taken = self._run(door, sent)["statusCode"] == 200
            if not taken or (chance is not None and chance.random() < TWICE):
                self.webhooks.append(event)
