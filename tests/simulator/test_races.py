"""Two at once: at each call that one makes, another goes on from beginning to end; the books balance."""

from collections.abc import Callable

import pytest

from tests.simulator import shopping
from tests.simulator.scenarios import BEHIND, SCENARIOS, Scenario, Stage, told
from tests.simulator.shopping import ADA, BOB

Rival = Callable[[Stage], object]


def the_same_again(stage: Stage) -> object:
    return stage.request()


def with_another_key(stage: Stage) -> object:
    return stage.request("another key")


def somebody_takes_the_last(stage: Stage) -> object:
    shopping.fill(stage.simulator, BOB, {"A": 5})
    return shopping.place_cart(stage.simulator, BOB, "bob")


def the_deadline_passes(stage: Stage) -> object:
    stage.simulator.advance(minutes=31)
    return stage.simulator.sweep()


def news_travels(stage: Stage) -> None:
    """At once; where the race is behind the scenes, it does so anyway."""
    if stage.scene.of is None:
        stage.simulator.pump()


def it_is_cancelled(stage: Stage) -> object:
    return shopping.cancel(stage.simulator, ADA, stage.order_id, "rival")


def it_is_paid(stage: Stage) -> None:
    shopping.pay(stage.simulator, ADA, stage.order_id)
    news_travels(stage)


def it_is_shipped(stage: Stage) -> None:
    shopping.ship(stage.simulator, stage.order_id, "rival")
    news_travels(stage)


def the_hold_lapses(stage: Stage) -> None:
    stage.simulator.advance(days=8)
    news_travels(stage)


def a_card_is_declined(stage: Stage) -> None:
    shopping.pay(stage.simulator, ADA, stage.order_id, "pm_card_visa_chargeDeclined")
    news_travels(stage)


RACES: list[tuple[str, list[Rival]]] = [
    (
        "place from a quote",
        [the_same_again, with_another_key, somebody_takes_the_last, the_deadline_passes],
    ),
    ("place from the cart", [the_same_again, with_another_key, the_deadline_passes]),
    (
        "cancel before payment",
        [the_same_again, with_another_key, it_is_paid, a_card_is_declined, the_deadline_passes],
    ),
    ("cancel after payment", [the_same_again, with_another_key]),
    ("cancel what is held", [the_same_again, it_is_shipped, the_hold_lapses]),
    ("ship what is held", [it_is_cancelled, the_hold_lapses]),
    ("open a payment", [the_same_again, with_another_key, it_is_paid, it_is_cancelled, the_deadline_passes]),
    ("expire", [the_same_again, it_is_paid, it_is_cancelled]),
    ("money arrives: OrdersConsumer", [it_is_cancelled, the_deadline_passes]),
    ("money arrives: PaymentsApply", [it_is_cancelled, the_deadline_passes]),
    ("money arrives late: PaymentsConsumer", [it_is_cancelled]),
    ("an order is given up: PaymentsConsumer", [it_is_paid]),
]
ALL: dict[str, Scenario] = SCENARIOS | BEHIND
PAIRS = [(name, rival) for name, rivals in RACES if name in ALL for rival in rivals]


@pytest.mark.parametrize(
    ("name", "rival"), PAIRS, ids=[f"{name}, {rival.__name__.replace('_', ' ')}" for name, rival in PAIRS]
)
def test_whoever_comes_between_the_books_balance(simulator, name, rival):
    stage = Stage(simulator, ALL[name])
    for n in range(1, len(stage.calls) + 1):
        with told(stage, f"{rival.__name__} before", n):
            answer = stage.raced(n, "before", rival)
            assert answer is None or answer.status < 500 or answer.header("Retry-After"), answer.text
            stage.settles()
