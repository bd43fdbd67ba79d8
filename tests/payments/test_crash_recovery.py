"""A process that dies at any point: the next run finishes its work, once."""

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
from shared.contracts.events import OrderCancelled
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.payments.test_captures import at_stripe
from tests.payments.test_refunds_and_disputes import assert_ledger_balances
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
HELD = "payment_intent.amount_capturable_updated"
PART = {"amount": 700, "currency": "GBP"}


class Died(BaseException):
    """The end of the process; no handler catches it."""


@dataclass
class Crash:
    """Counts the points before and after each step with an effect, and ends the process at one of them."""

    left: int
    happened: bool = False

    def pass_point(self) -> None:
        self.left -= 1
        if self.left < 0 and not self.happened:
            self.happened = True
            raise Died

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **more: Any) -> Any:
            self.pass_point()
            response = step(*arguments, **more)
            self.pass_point()
            return response

        return watched


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, place: int) -> Iterator[Crash]:
    crash = Crash(place)
    with monkeypatch.context() as patch:
        for module, name in STEPS:
            patch.setattr(module, name, crash.around(getattr(module, name)))
        try:
            yield crash
        except Died:
            assert crash.happened


def paid(driver: PaymentsDriver, order_id: str) -> tuple[str, str]:
    driver.order(order_id)
    opened = driver.pay(order_id).json
    driver.confirm(opened["provider_id"])
    syncing.sync_from_stripe(
        opened["payment_id"], clock.now()
    )  # the same as its webhooks, but ten times faster
    driver.new_events()
    driver.published_types()
    return opened["payment_id"], opened["provider_id"]


def test_opening_a_payment(driver, monkeypatch):
    for method, known in (("payment_intent", 6), ("checkout_session", 8)):
        choice = {"method": method}
        if method == "checkout_session":
            choice |= {"success_url": "https://shop.example/a", "cancel_url": "https://shop.example/b"}
        places = 0
        for place in range(20):
            order_id = f"{method}_{place}"
            driver.order(order_id)
            with dying(monkeypatch, place) as crash:
                driver.pay(order_id, **choice)
            opened = driver.pay(order_id, **choice)
            assert opened.status == 201, place
            assert len(driver.get(f"/payments?order_id={order_id}").json["items"]) == 1
            if not crash.happened:
                break
            places += 1
        assert places >= known
    made = driver.stripe.payment_intents.list({"limit": 100}).data
    assert len({each.metadata["order_id"] for each in made}) == len(made)
    pages = driver.stripe.checkout.sessions.list({"limit": 100}).data
    assert len({each.client_reference_id for each in pages}) == len(pages)


@pytest.mark.parametrize("who", ["orders", "staff"])
def test_refunding(driver, monkeypatch, who):
    for place in range(20):
        payment_id, provider_id = paid(driver, f"ord_{place}")

        def request(payment_id=payment_id, place=place):
            if who == "orders":
                driver.receive(driver.refund_due(payment_id, 700, order_id=f"ord_{place}"))
            else:
                driver.create_refund(payment_id, key=f"k{place}", amount=PART)

        with dying(monkeypatch, place) as crash:
            request()
        request()
        assert [each.amount for each in driver.stripe.refunds.list({"payment_intent": provider_id}).data] == [
            700
        ]
        assert driver.payment(payment_id).refunds.refunded == 700
        assert driver.published_types().count("payment.refunded") == 1
        assert_ledger_balances(driver, payment_id)
        if not crash.happened:
            break
    assert place >= 6


@pytest.mark.parametrize("who", ["orders", "staff", "sweeper"])
def test_capturing(driver, monkeypatch, manual, who):
    for place in range(20):
        payment_id, provider_id = paid(driver, f"ord_{place}")
        fulfilment = driver.shipped(payment_id, 700)

        def request(payment_id=payment_id, place=place, fulfilment=fulfilment):
            if who == "staff":
                driver.capture(payment_id, key=f"k{place}", amount=PART)
            else:
                driver.receive(fulfilment)

        with dying(monkeypatch, place) as crash:
            request()
        published = driver.published_types()
        if who == "sweeper" and driver.payment(payment_id).captures.due:
            published += driver.sweep_later()
        else:
            request()
        assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300), place
        assert driver.payment(payment_id).captures.captured == 700
        assert [*published, *driver.published_types()].count("payment.captured") == 1
        if not crash.happened:
            break
    assert place >= 8


def test_ending_an_order(driver, monkeypatch, manual):
    for place in range(20):
        payment_id, provider_id = paid(driver, f"ord_{place}")
        ended = driver.order_ended(OrderCancelled, f"ord_{place}")
        with dying(monkeypatch, place) as crash:
            driver.receive(ended)
        driver.receive(ended)
        assert at_stripe(driver, provider_id) == ("canceled", 0, 0)
        assert driver.published_types() == ["payment.voided"]
        assert driver.status(payment_id) == "cancelled"
        if not crash.happened:
            break
    assert place >= 6


def apply_all(messages):
    for body in messages:
        apply.apply(sqs_event(body), Context())


def test_replacing_an_expiring_payment(driver, monkeypatch, manual):
    for place in range(30):
        order_id = f"ord_{place}"
        before, old_intent = paid(driver, order_id)
        driver.order(order_id, status="paid", expires_at=None)
        driver.paid_by[order_id] = before
        driver.advance(days=6, hours=1)
        driver.sweep()
        opened = driver.pay(order_id).json
        driver.confirm(opened["provider_id"])
        [agreed] = [each for each in driver.new_events() if each["type"] == HELD]
        driver.post_event(agreed)
        driver.forward_inbox()
        messages = driver.queued_messages()
        with dying(monkeypatch, place) as crash:
            apply_all(messages)
        apply_all(messages)
        driver.sweep_later()
        assert at_stripe(driver, old_intent)[0] == "canceled", place
        assert at_stripe(driver, opened["provider_id"])[0] == "requires_capture", place
        assert driver.payment(before).replacement.replaced_by == opened["payment_id"]
        assert "payment.voided" not in driver.published_types()
        driver.receive(driver.shipped(before, 2000, fully_shipped=True))
        assert at_stripe(driver, opened["provider_id"]) == ("succeeded", 2000, 0)
        if not crash.happened:
            break
    assert place >= 8
