"""Races: at each call of one request, another request runs completely; the invariants hold afterwards."""

from collections.abc import Callable

import pytest

from tests.simulator import shopping
from tests.simulator.scenarios import BACKGROUND_SCENARIOS, SCENARIOS, Scenario, ScenarioRun, report_failure
from tests.simulator.shopping import ADA, BOB

Competitor = Callable[[ScenarioRun], object]


def the_same_request(run: ScenarioRun) -> object:
    return run.request()


def with_another_key(run: ScenarioRun) -> object:
    return run.request("another key")


def another_shopper_takes_the_last_piece(run: ScenarioRun) -> object:
    shopping.fill(run.simulator, BOB, {"A": 5})
    return shopping.place_cart(run.simulator, BOB, "bob")


def the_order_expires(run: ScenarioRun) -> object:
    run.simulator.advance(minutes=31)
    return run.simulator.sweep()


def deliver_events(run: ScenarioRun) -> None:
    """Deliver all events, unless a background function is raced: then the run delivers them."""
    if run.scenario.function is None:
        run.simulator.pump()


def cancel_order(run: ScenarioRun) -> object:
    return shopping.cancel(run.simulator, ADA, run.order_id, "competitor")


def pay_order(run: ScenarioRun) -> None:
    shopping.pay(run.simulator, ADA, run.order_id)
    deliver_events(run)


def ship_order(run: ScenarioRun) -> None:
    shopping.ship(run.simulator, run.order_id, "competitor")
    deliver_events(run)


def authorization_expires(run: ScenarioRun) -> None:
    run.simulator.advance(days=8)
    deliver_events(run)


def decline_card(run: ScenarioRun) -> None:
    shopping.pay(run.simulator, ADA, run.order_id, "pm_card_visa_chargeDeclined")
    deliver_events(run)


RACES: list[tuple[str, list[Competitor]]] = [
    (
        "place from a quote",
        [the_same_request, with_another_key, another_shopper_takes_the_last_piece, the_order_expires],
    ),
    ("place from the cart", [the_same_request, with_another_key, the_order_expires]),
    (
        "cancel before payment",
        [the_same_request, with_another_key, pay_order, decline_card, the_order_expires],
    ),
    ("cancel after payment", [the_same_request, with_another_key]),
    ("cancel an authorized order", [the_same_request, ship_order, authorization_expires]),
    ("ship an authorized order", [cancel_order, authorization_expires]),
    ("open a payment", [the_same_request, with_another_key, pay_order, cancel_order, the_order_expires]),
    ("expire", [the_same_request, pay_order, cancel_order]),
    ("payment succeeds: OrdersConsumer", [cancel_order, the_order_expires]),
    ("payment succeeds: PaymentsApply", [cancel_order, the_order_expires]),
    ("payment succeeds late: PaymentsConsumer", [cancel_order]),
    ("order cancelled: PaymentsConsumer", [pay_order]),
]
ALL: dict[str, Scenario] = SCENARIOS | BACKGROUND_SCENARIOS
CASES = [(name, competitor) for name, competitors in RACES if name in ALL for competitor in competitors]


@pytest.mark.parametrize(
    ("name", "competitor"),
    CASES,
    ids=[f"{name}, {competitor.__name__.replace('_', ' ')}" for name, competitor in CASES],
)
def test_invariants_hold_after_every_race(simulator, name, competitor):
    run = ScenarioRun(simulator, ALL[name])
    for n in range(1, len(run.calls) + 1):
        with report_failure(run, f"{competitor.__name__} before", n):
            answer = run.race(n, "before", competitor)
            assert answer is None or answer.status < 500 or answer.header("Retry-After"), answer.text
            run.check_recovery()
