"""A process that dies anywhere: whoever comes next finishes what was begun, once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import apply
from payments.service import settling
from payments.stripe_gateway import refunds as stripe_refunds
from payments.stripe_gateway import sessions
from payments.tables import payments, slots
from shared.contracts.events import OrderCancelled
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.payments.test_captures import at_stripe
from tests.payments.test_money import assert_the_books_are_right
from tests.support import Context, sqs_event

STEPS: tuple[tuple[Any, str], ...] = (
    (payments, "write"),
    (slots, "begin"),
    (slots, "close"),
    (stripe_gateway, "open_intent"),
    (stripe_gateway, "capture"),
    (stripe_gateway, "cancel"),
    (stripe_gateway, "release"),
    (stripe_refunds, "give_back"),
    (sessions, "open_session"),
    (sessions, "expire"),
)
HELD = "payment_intent.amount_capturable_updated"
PART = {"amount": 700, "currency": "GBP"}


class Dead(BaseException):
    """The process is gone: no handler catches this."""


@dataclass
class Fuse:
    """Counts the places before and after each step that leaves a trace; burns through at one of them."""

    left: int
    burnt: bool = False

    def pass_by(self) -> None:
        self.left -= 1
        if self.left < 0 and not self.burnt:
            self.burnt = True
            raise Dead

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **more: Any) -> Any:
            self.pass_by()
            answer = step(*arguments, **more)
            self.pass_by()
            return answer

        return watched


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, place: int) -> Iterator[Fuse]:
    fuse = Fuse(place)
    with monkeypatch.context() as patch:
        for module, name in STEPS:
            patch.setattr(module, name, fuse.around(getattr(module, name)))
        try:
            yield fuse
        except Dead:
            assert fuse.burnt


def paid(driver: PaymentsDriver, order_id: str) -> tuple[str, str]:
    driver.order(order_id)
    opened = driver.pay(order_id).json
    driver.card(opened["provider_id"])
    settling.settle(opened["payment_id"], clock.now())  # as its webhooks would, in a tenth of the time
    driver.new_events()
    driver.said()
    return opened["payment_id"], opened["provider_id"]


def test_opening_a_payment(driver, monkeypatch):
    for method, known in (("payment_intent", 6), ("checkout_session", 8)):
        wish = {"method": method}
        if method == "checkout_session":
            wish |= {"success_url": "https://shop.example/a", "cancel_url": "https://shop.example/b"}
        places = 0
        for place in range(20):
            order_id = f"{method}_{place}"
            driver.order(order_id)
            with dying(monkeypatch, place) as fuse:
                driver.pay(order_id, **wish)
            opened = driver.pay(order_id, **wish)
            assert opened.status == 201, place
            assert len(driver.get(f"/payments?order_id={order_id}").json["items"]) == 1
            if not fuse.burnt:
                break
            places += 1
        assert places >= known
    made = driver.stripe.payment_intents.list({"limit": 100}).data
    assert len({each.metadata["order_id"] for each in made}) == len(made)
    pages = driver.stripe.checkout.sessions.list({"limit": 100}).data
    assert len({each.client_reference_id for each in pages}) == len(pages)


@pytest.mark.parametrize("who", ["orders", "staff"])
def test_giving_money_back(driver, monkeypatch, who):
    for place in range(20):
        payment_id, provider_id = paid(driver, f"ord_{place}")

        def ask(payment_id=payment_id, place=place):
            if who == "orders":
                driver.hear(driver.refund(payment_id, 700, order_id=f"ord_{place}"))
            else:
                driver.give_back(payment_id, key=f"k{place}", amount=PART)

        with dying(monkeypatch, place) as fuse:
            ask()
        ask()
        assert [each.amount for each in driver.stripe.refunds.list({"payment_intent": provider_id}).data] == [
            700
        ]
        assert driver.held(payment_id).refunded == 700
        assert driver.said().count("payment.refunded") == 1
        assert_the_books_are_right(driver, payment_id)
        if not fuse.burnt:
            break
    assert place >= 6


@pytest.mark.parametrize("who", ["orders", "staff", "sweeper"])
def test_capturing(driver, monkeypatch, manual, who):
    for place in range(20):
        payment_id, provider_id = paid(driver, f"ord_{place}")
        parcel = driver.ship(payment_id, 700)

        def ask(payment_id=payment_id, place=place, parcel=parcel):
            if who == "staff":
                driver.capture(payment_id, key=f"k{place}", amount=PART)
            else:
                driver.hear(parcel)

        with dying(monkeypatch, place) as fuse:
            ask()
        said = driver.said()
        if who == "sweeper" and driver.held(payment_id).to_capture:
            said += driver.sweep_all()
        else:
            ask()
        assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300), place
        assert driver.held(payment_id).captured == 700
        assert [*said, *driver.said()].count("payment.captured") == 1
        if not fuse.burnt:
            break
    assert place >= 8


def test_ending_an_order(driver, monkeypatch, manual):
    for place in range(20):
        payment_id, provider_id = paid(driver, f"ord_{place}")
        ended = driver.end(OrderCancelled, f"ord_{place}")
        with dying(monkeypatch, place) as fuse:
            driver.hear(ended)
        driver.hear(ended)
        assert at_stripe(driver, provider_id) == ("canceled", 0, 0)
        assert driver.said() == ["payment.voided"]
        assert driver.status(payment_id) == "cancelled"
        if not fuse.burnt:
            break
    assert place >= 6


def apply_all(messages):
    for body in messages:
        apply.apply(sqs_event(body), Context())


def test_paying_anew(driver, monkeypatch, manual):
    for place in range(30):
        order_id = f"ord_{place}"
        before, old_intent = paid(driver, order_id)
        driver.order(order_id, status="paid", expires_at=None)
        driver.paid_by[order_id] = before
        driver.later(days=6, hours=1)
        driver.sweep()
        opened = driver.pay(order_id).json
        driver.card(opened["provider_id"])
        [agreed] = [each for each in driver.new_events() if each["type"] == HELD]
        driver.post(agreed)
        driver.forward()
        messages = driver.queued()
        with dying(monkeypatch, place) as fuse:
            apply_all(messages)
        apply_all(messages)
        driver.sweep_all()
        assert at_stripe(driver, old_intent)[0] == "canceled", place
        assert at_stripe(driver, opened["provider_id"])[0] == "requires_capture", place
        assert driver.held(before).replaced_by == opened["payment_id"]
        assert "payment.voided" not in driver.said()
        driver.hear(driver.ship(before, 2000, fully_shipped=True))
        assert at_stripe(driver, opened["provider_id"]) == ("succeeded", 2000, 0)
        if not fuse.burnt:
            break
    assert place >= 8
