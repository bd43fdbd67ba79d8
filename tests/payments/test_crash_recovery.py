"""Crashes at every step of a use case: the next run completes the work exactly once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import apply
from payments.service import syncing
from payments.stripe_gateway import refunds as stripe_refunds
from payments.stripe_gateway import sessions
from payments.tables import active_payments, payments
from shared.contracts.events.orders import OrderCancelled
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.payments.samples import assert_ledger_matches, intent_state, refund_amounts
from tests.support import Context, sqs_event

STEPS: tuple[tuple[Any, str], ...] = (
    (payments, "write"),
    (active_payments, "activate"),
    (active_payments, "close"),
    (stripe_gateway, "open_intent"),
    (stripe_gateway, "capture"),
    (stripe_gateway, "cancel"),
    (stripe_gateway, "release"),
    (stripe_refunds, "create_refund"),
    (sessions, "open_session"),
    (sessions, "expire"),
)
AUTHORIZED = "payment_intent.amount_capturable_updated"
PART = {"amount": 700, "currency": "GBP"}


class Crash(BaseException):
    """The end of the process; no handler catches it."""


@dataclass
class Crasher:
    """Raises `Crash` once, at one of the points before and after each step with side effects."""

    remaining: int
    crashed: bool = False

    def pass_point(self) -> None:
        self.remaining -= 1
        if self.remaining < 0 and not self.crashed:
            self.crashed = True
            raise Crash

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.pass_point()
            result = step(*arguments, **options)
            self.pass_point()
            return result

        return wrapped


@contextmanager
def crash_at(point: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crasher]:
    crasher = Crasher(point)
    with monkeypatch.context() as patch:
        for module, name in STEPS:
            patch.setattr(module, name, crasher.wrap(getattr(module, name)))
        try:
            yield crasher
        except Crash:
            assert crasher.crashed


def paid(driver: PaymentsDriver, order_id: str) -> tuple[str, str]:
    driver.order(order_id)
    opened = driver.pay(order_id).json
    driver.confirm(opened["provider_id"])
    # Faster than delivering its webhooks.
    syncing.sync_from_stripe(opened["payment_id"], clock.now())
    driver.new_events()
    driver.published_types()
    return opened["payment_id"], opened["provider_id"]


def test_opening_a_payment_survives_a_crash_at_any_step(driver, monkeypatch):
    for method, minimum in (("payment_intent", 6), ("checkout_session", 6)):
        fields = {"method": method}
        if method == "checkout_session":
            fields |= {"success_url": "https://shop.example/a", "cancel_url": "https://shop.example/b"}
        points = 0
        for point in range(20):
            order_id = f"{method}_{point}"
            driver.order(order_id)
            with crash_at(point, monkeypatch) as crasher:
                driver.pay(order_id, **fields)
            opened = driver.pay(order_id, **fields)
            assert opened.status == 201, point
            assert len(driver.get(f"/payments?order_id={order_id}").json["items"]) == 1
            if not crasher.crashed:
                break
            points += 1
        assert points >= minimum
    intents = driver.stripe.payment_intents.list({"limit": 100}).data
    assert len({each.metadata["order_id"] for each in intents}) == len(intents)
    opened_sessions = driver.stripe.checkout.sessions.list({"limit": 100}).data
    assert len({each.client_reference_id for each in opened_sessions}) == len(opened_sessions)


@pytest.mark.parametrize("caller", ["orders", "staff"])
def test_a_refund_survives_a_crash_at_any_step(driver, monkeypatch, caller):
    for point in range(20):
        payment_id, provider_id = paid(driver, f"ord_{point}")

        def request_refund(payment_id=payment_id, point=point):
            if caller == "orders":
                driver.receive(driver.refund_due(payment_id, 700, order_id=f"ord_{point}"))
            else:
                driver.create_refund(payment_id, key=f"k{point}", amount=PART)

        with crash_at(point, monkeypatch) as crasher:
            request_refund()
        request_refund()
        assert refund_amounts(driver, provider_id) == [700]
        assert driver.payment(payment_id).refunds.refunded == 700
        assert driver.published_types().count("payment.refunded") == 1
        assert_ledger_matches(driver, payment_id)
        if not crasher.crashed:
            break
    assert point >= 6


@pytest.mark.parametrize("caller", ["orders", "staff", "sweeper"])
def test_a_capture_survives_a_crash_at_any_step(driver, monkeypatch, manual, caller):
    for point in range(20):
        payment_id, provider_id = paid(driver, f"ord_{point}")
        shipped = driver.shipped(payment_id, 700)

        def request_capture(payment_id=payment_id, point=point, shipped=shipped):
            if caller == "staff":
                driver.capture(payment_id, key=f"k{point}", amount=PART)
            else:
                driver.receive(shipped)

        with crash_at(point, monkeypatch) as crasher:
            request_capture()
        types = driver.published_types()
        if caller == "sweeper" and driver.payment(payment_id).captures.due:
            types += driver.sweep_later()
        else:
            request_capture()
        assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300), point
        assert driver.payment(payment_id).captures.captured == 700
        assert [*types, *driver.published_types()].count("payment.captured") == 1
        if not crasher.crashed:
            break
    assert point >= 8


def test_a_cancellation_survives_a_crash_at_any_step(driver, monkeypatch, manual):
    for point in range(20):
        payment_id, provider_id = paid(driver, f"ord_{point}")
        ended = driver.order_ended(OrderCancelled, f"ord_{point}")
        with crash_at(point, monkeypatch) as crasher:
            driver.receive(ended)
        driver.receive(ended)
        assert intent_state(driver, provider_id) == ("canceled", 0, 0)
        assert driver.published_types() == ["payment.voided"]
        assert driver.status(payment_id) == "cancelled"
        if not crasher.crashed:
            break
    assert point >= 6


def apply_all(messages):
    for body in messages:
        apply.apply(sqs_event(body), Context())


def test_replacing_an_authorization_survives_a_crash_at_any_step(driver, monkeypatch, manual):
    for point in range(30):
        order_id = f"ord_{point}"
        old_payment_id, old_intent_id = paid(driver, order_id)
        driver.order(order_id, status="paid", expires_at=None)
        driver.paid_by[order_id] = old_payment_id
        driver.advance(days=6, hours=1)
        driver.sweep()
        opened = driver.pay(order_id).json
        driver.confirm(opened["provider_id"])
        [authorized] = [each for each in driver.new_events() if each["type"] == AUTHORIZED]
        driver.post_event(authorized)
        messages = driver.queued_messages()
        with crash_at(point, monkeypatch) as crasher:
            apply_all(messages)
        apply_all(messages)
        driver.sweep_later()
        assert intent_state(driver, old_intent_id)[0] == "canceled", point
        assert intent_state(driver, opened["provider_id"])[0] == "requires_capture", point
        assert driver.payment(old_payment_id).replacement.replaced_by == opened["payment_id"]
        assert "payment.voided" not in driver.published_types()
        driver.receive(driver.shipped(old_payment_id, 2000, fully_shipped=True))
        assert intent_state(driver, opened["provider_id"]) == ("succeeded", 2000, 0)
        if not crasher.crashed:
            break
    assert point >= 8
