"""Requests worth breaking: what leads up to each, and what must come of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shared.dynamodb.idempotency import LEASE
from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.simulator.simulator import Simulator
from tests.simulator.transport import Killed
from tests.support import Reply

ON_HAND = {"A": 5, "B": 5}
Request = Callable[..., Reply | None]


def place_quoted(simulator: Simulator) -> Request:
    shopping.fill(simulator, ADA, {"A": 2, "B": 1})
    token = shopping.quote(simulator, ADA).json["quote_token"]
    return lambda key="key": shopping.place_quoted(simulator, ADA, token, key)


def place_cart(simulator: Simulator) -> Request:
    shopping.fill(simulator, ADA, {"A": 2, "B": 1})
    return lambda key="key": shopping.place_cart(simulator, ADA, key)


def cancel_unpaid(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    shopping.open_payment(simulator, ADA, order_id, "pay")
    return lambda key="key": shopping.cancel(simulator, ADA, order_id, key)


def cancel_paid(simulator: Simulator) -> Request:
    order_id = shopping.paid(simulator, ADA, "A", 2)
    return lambda key="key": shopping.cancel(simulator, ADA, order_id, key)


def open_payment(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    return lambda key="key": shopping.open_payment(simulator, ADA, order_id, key)


def ship(simulator: Simulator) -> Request:
    order_id = shopping.paid(simulator, ADA, "A", 2)
    return lambda key="key": shopping.ship(simulator, order_id, key, {"A": 1})


def ask_to_return(simulator: Simulator) -> Request:
    order_id = shopping.paid(simulator, ADA, "A", 2)
    shopping.set_status(simulator, order_id, "shipped")
    return lambda key="key": shopping.ask_to_return(simulator, ADA, order_id, {"A": 1}, key)


def receive(simulator: Simulator) -> Request:
    order_id, return_id = _approved(simulator)

    def received(key: str = "") -> Reply:
        """A PUT has no key: a repeat is told what it is already. Either way the order shows it."""
        reply = shopping.settle_return(simulator, order_id, return_id, "received", True)
        done = reply.status == 200 or (reply.status, reply.json.get("status_now")) == (409, "received")
        return shopping.read(simulator, ADA, order_id) if done else reply

    return received


def _approved(simulator: Simulator) -> tuple[str, str]:
    order_id = shopping.paid(simulator, ADA, "A", 2)
    shopping.set_status(simulator, order_id, "shipped")
    made = shopping.ask_to_return(simulator, ADA, order_id, {"A": 2}, "return").json
    shopping.settle_return(simulator, order_id, made["return_id"], "approved")
    simulator.pump()
    return order_id, made["return_id"]


def expire(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    shopping.open_payment(simulator, ADA, order_id, "pay")
    simulator.advance(minutes=31)

    def sweep(key: str = "") -> None:
        # One that fails is logged, and the next goes on.
        with suppress(Exception):
            simulator.sweep()

    return sweep


def _runs(simulator: Simulator) -> Request:
    return lambda key="": simulator.pump()


def an_order_is_placed(simulator: Simulator) -> Request:
    shopping.fill(simulator, ADA, {"A": 2})
    shopping.place_cart(simulator, ADA, "key")
    return _runs(simulator)


def money_arrives(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    assert shopping.pay(simulator, ADA, order_id)
    return _runs(simulator)


def money_arrives_late(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    assert shopping.pay(simulator, ADA, order_id)
    simulator.advance(minutes=31)
    simulator.sweep()
    return _runs(simulator)


def a_card_is_declined(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    assert not shopping.pay(simulator, ADA, order_id, "pm_card_visa_chargeDeclined")
    return _runs(simulator)


def an_order_is_given_up(simulator: Simulator) -> Request:
    order_id = shopping.placed(simulator, ADA, "A", 2)
    shopping.open_payment(simulator, ADA, order_id, "pay")
    shopping.cancel(simulator, ADA, order_id, "cancel")
    return _runs(simulator)


def goods_come_back(simulator: Simulator) -> Request:
    order_id, return_id = _approved(simulator)
    shopping.settle_return(simulator, order_id, return_id, "received", True)
    return _runs(simulator)


def cancel_held(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    return cancel_paid(simulator)


def ship_held(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    return ship(simulator)


def a_parcel_leaves(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    order_id = shopping.paid(simulator, ADA, "A", 2)
    shopping.ship(simulator, order_id, "key", {"A": 1})
    return _runs(simulator)


def a_hold_lapses(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    shopping.paid(simulator, ADA, "A", 2)
    simulator.advance(days=8)
    return _runs(simulator)


@dataclass(frozen=True)
class Scenario:
    """A use case: what leads up to its request, what that answers, and what becomes of the order. `of`: the
    function that is watched while all runs by itself; None: the one that the request calls."""

    prepare: Callable[[Simulator], Request]
    status: int | None
    order: str
    of: str | None = None


SCENARIOS = {
    "place from a quote": Scenario(place_quoted, 201, "awaiting_payment"),
    "place from the cart": Scenario(place_cart, 201, "awaiting_payment"),
    "cancel before payment": Scenario(cancel_unpaid, 200, "cancelled"),
    "cancel after payment": Scenario(cancel_paid, 200, "cancelled"),
    "open a payment": Scenario(open_payment, 201, "awaiting_payment"),
    "ship": Scenario(ship, 201, "partially_shipped"),
    "ask to return": Scenario(ask_to_return, 201, "shipped"),
    "receive a return": Scenario(receive, 200, "shipped"),
    "cancel what is held": Scenario(cancel_held, 200, "cancelled"),
    "ship what is held": Scenario(ship_held, 201, "partially_shipped"),
    "expire": Scenario(expire, None, "expired"),
}
BEHIND = {
    f"{story.__name__.replace('_', ' ')}: {of}": Scenario(story, None, order, of)
    for story, order, functions in [
        (an_order_is_placed, "awaiting_payment", ["OrdersRelay", "CatalogRelay", "CartConsumer"]),
        (
            money_arrives,
            "paid",
            [
                "PaymentsWebhook",
                "PaymentsInboxRelay",
                "PaymentsApply",
                "PaymentsRelay",
                "OrdersConsumer",
                "OrdersRelay",
                "OrdersInvoices",
                "CatalogConsumer",
                "NotifyConsumer",
            ],
        ),
        (money_arrives_late, "expired", ["OrdersConsumer", "CatalogConsumer", "PaymentsConsumer"]),
        (a_card_is_declined, "awaiting_payment", ["PaymentsApply", "OrdersConsumer", "NotifyConsumer"]),
        (an_order_is_given_up, "cancelled", ["CatalogConsumer", "PaymentsConsumer", "CatalogRelay"]),
        (a_parcel_leaves, "partially_shipped", ["PaymentsConsumer", "PaymentsRelay", "OrdersConsumer"]),
        (a_hold_lapses, "cancelled", ["PaymentsApply", "OrdersConsumer"]),
        (
            goods_come_back,
            "refunded",
            ["OrdersRelay", "CatalogConsumer", "PaymentsConsumer", "OrdersConsumer", "NotifyConsumer"],
        ),
    ]
    for of in functions
}


class Stage:
    """A scene that is played again and again up to its request."""

    def __init__(self, simulator: Simulator, scene: Scenario) -> None:
        shopping.open_shop(simulator, ON_HAND)
        self.simulator, self.scene = simulator, scene
        self.request = scene.prepare(simulator)
        if scene.of is None:
            simulator.pump()
        self.kept = simulator.keep()
        self.calls = self.simulator.calls(self.again().request, scene.of)

    @property
    def order_id(self) -> str:
        """The one order's."""
        (order,) = invariants.orders()
        return str(order.order_id)

    def again(self) -> "Stage":
        self.simulator.reset(self.kept)
        return self

    def points(self) -> Iterator[tuple[int, str, bool]]:
        """After each call; for what an asked function calls, also its death alone. Before a call is after the
        one before it, but for the first."""
        yield 1, "before", False
        for n, name in enumerate(self.calls, 1):
            yield n, "after", False
            if name.startswith(">"):
                yield n, "after", True

    def die(self, n: int, when: str, alone: bool) -> Reply | None:
        """The request, until the process dies; the answer where only a neighbour did."""
        self.again().simulator.kill_at(n, when, alone=alone, of=self.scene.of)
        try:
            return self.request()
        except Killed:
            return None

    def throttled(self, n: int) -> Reply | None:
        """The request with its n-th call of DynamoDB refused."""
        self.again().simulator.throttle(n, of=self.scene.of)
        return self.request()

    def raced(self, n: int, when: str, rival: Callable[["Stage"], object]) -> Reply | None:
        """The request, with the rival's going on from beginning to end at its n-th call."""
        self.again().simulator.meanwhile(n, lambda: rival(self), when, of=self.scene.of)
        return self.request()

    def is_retried(self) -> None:
        """A retry at once is served, or told to wait for the first call's lease and served after it: as if
        nothing had been, the same to every repeat; and there is one order."""
        hasty = self.request()
        if hasty and hasty.status != self.scene.status:
            assert (hasty.status, hasty.json["type"]) == (409, "/problems/request-in-progress"), hasty.text
            assert 0 < int(hasty.header("Retry-After") or 0) <= LEASE.total_seconds()
            self.simulator.advance(seconds=LEASE.total_seconds() + 1)
        first, second = self.request(), self.request()
        if first and second:
            assert first.status == second.status == self.scene.status, (first.text, second.text)
            assert first.json == second.json
        assert [order.status for order in invariants.orders()] == [self.scene.order]

    def settles(self) -> None:
        """All arrives, then all that is open runs out; the books balance, and nothing is left half-done."""
        self.simulator.pump()
        self.check()
        self.simulator.advance(minutes=31)
        if self.simulator.capture == "manual":
            self.simulator.tend()  # what more it starts has nothing to do where no money is held
        else:
            self.simulator.sweep()
        self.simulator.pump()
        self.check()
        assert not {order.status for order in invariants.orders()} & {"pending", "awaiting_payment"}

    def check(self) -> None:
        # Only between sending and noting it may a mail's sender die so that it goes out twice.
        invariants.check(self.simulator, ON_HAND, twice_told=self.scene.of == "NotifyConsumer")
        invariants.check_sequences(self.simulator)


@contextmanager
def told(stage: Stage, what: str, n: int) -> Iterator[None]:
    """A failure says where things broke."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{what} call {n} of {stage.calls}") from error
