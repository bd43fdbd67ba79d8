"""Requests worth breaking: what leads up to each, and what must come of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shared.idempotency import LEASE
from tests.shop import books, shopping
from tests.shop.house import House
from tests.shop.shopping import ADA
from tests.shop.wire import Killed
from tests.support import Reply

ON_HAND = {"A": 5, "B": 5}
Request = Callable[..., Reply | None]


def place_quoted(house: House) -> Request:
    shopping.fill(house, ADA, {"A": 2, "B": 1})
    token = shopping.quote(house, ADA).json["quote_token"]
    return lambda key="key": shopping.place_quoted(house, ADA, token, key)


def place_cart(house: House) -> Request:
    shopping.fill(house, ADA, {"A": 2, "B": 1})
    return lambda key="key": shopping.place_cart(house, ADA, key)


def cancel_unpaid(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    shopping.open_payment(house, ADA, order_id, "pay")
    return lambda key="key": shopping.cancel(house, ADA, order_id, key)


def cancel_paid(house: House) -> Request:
    order_id = shopping.paid(house, ADA, "A", 2)
    return lambda key="key": shopping.cancel(house, ADA, order_id, key)


def open_payment(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    return lambda key="key": shopping.open_payment(house, ADA, order_id, key)


def ship(house: House) -> Request:
    order_id = shopping.paid(house, ADA, "A", 2)
    return lambda key="key": shopping.ship(house, order_id, key, {"A": 1})


def ask_to_return(house: House) -> Request:
    order_id = shopping.paid(house, ADA, "A", 2)
    shopping.set_status(house, order_id, "shipped")
    return lambda key="key": shopping.ask_to_return(house, ADA, order_id, {"A": 1}, key)


def receive(house: House) -> Request:
    order_id, return_id = _approved(house)

    def received(key: str = "") -> Reply:
        """A PUT has no key: a repeat is told what it is already. Either way the order shows it."""
        reply = shopping.settle_return(house, order_id, return_id, "received", True)
        done = reply.status == 200 or (reply.status, reply.json.get("status_now")) == (409, "received")
        return shopping.read(house, ADA, order_id) if done else reply

    return received


def _approved(house: House) -> tuple[str, str]:
    order_id = shopping.paid(house, ADA, "A", 2)
    shopping.set_status(house, order_id, "shipped")
    made = shopping.ask_to_return(house, ADA, order_id, {"A": 2}, "return").json
    shopping.settle_return(house, order_id, made["return_id"], "approved")
    house.pump()
    return order_id, made["return_id"]


def expire(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    shopping.open_payment(house, ADA, order_id, "pay")
    house.advance(minutes=31)

    def sweep(key: str = "") -> None:
        # One that fails is logged, and the next goes on.
        with suppress(Exception):
            house.sweep()

    return sweep


def _runs(house: House) -> Request:
    return lambda key="": house.pump()


def an_order_is_placed(house: House) -> Request:
    shopping.fill(house, ADA, {"A": 2})
    shopping.place_cart(house, ADA, "key")
    return _runs(house)


def money_arrives(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    assert shopping.pay(house, ADA, order_id)
    return _runs(house)


def money_arrives_late(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    assert shopping.pay(house, ADA, order_id)
    house.advance(minutes=31)
    house.sweep()
    return _runs(house)


def a_card_is_declined(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    assert not shopping.pay(house, ADA, order_id, "pm_card_visa_chargeDeclined")
    return _runs(house)


def an_order_is_given_up(house: House) -> Request:
    order_id = shopping.placed(house, ADA, "A", 2)
    shopping.open_payment(house, ADA, order_id, "pay")
    shopping.cancel(house, ADA, order_id, "cancel")
    return _runs(house)


def goods_come_back(house: House) -> Request:
    order_id, return_id = _approved(house)
    shopping.settle_return(house, order_id, return_id, "received", True)
    return _runs(house)


def cancel_held(house: House) -> Request:
    house.capture = "manual"
    return cancel_paid(house)


def ship_held(house: House) -> Request:
    house.capture = "manual"
    return ship(house)


def a_parcel_leaves(house: House) -> Request:
    house.capture = "manual"
    order_id = shopping.paid(house, ADA, "A", 2)
    shopping.ship(house, order_id, "key", {"A": 1})
    return _runs(house)


def a_hold_lapses(house: House) -> Request:
    house.capture = "manual"
    shopping.paid(house, ADA, "A", 2)
    house.advance(days=8)
    return _runs(house)


@dataclass(frozen=True)
class Scene:
    """A use case: what leads up to its request, what that answers, and what becomes of the order. `of`: the
    function that is watched while all runs by itself; None: the one that the request calls."""

    prepare: Callable[[House], Request]
    status: int | None
    order: str
    of: str | None = None


SCENES = {
    "place from a quote": Scene(place_quoted, 201, "awaiting_payment"),
    "place from the cart": Scene(place_cart, 201, "awaiting_payment"),
    "cancel before payment": Scene(cancel_unpaid, 200, "cancelled"),
    "cancel after payment": Scene(cancel_paid, 200, "cancelled"),
    "open a payment": Scene(open_payment, 201, "awaiting_payment"),
    "ship": Scene(ship, 201, "partially_shipped"),
    "ask to return": Scene(ask_to_return, 201, "shipped"),
    "receive a return": Scene(receive, 200, "shipped"),
    "cancel what is held": Scene(cancel_held, 200, "cancelled"),
    "ship what is held": Scene(ship_held, 201, "partially_shipped"),
    "expire": Scene(expire, None, "expired"),
}
BEHIND = {
    f"{story.__name__.replace('_', ' ')}: {of}": Scene(story, None, order, of)
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

    def __init__(self, house: House, scene: Scene) -> None:
        shopping.open_shop(house, ON_HAND)
        self.house, self.scene = house, scene
        self.request = scene.prepare(house)
        if scene.of is None:
            house.pump()
        self.kept = house.keep()
        self.calls = self.house.calls(self.again().request, scene.of)

    @property
    def order_id(self) -> str:
        """The one order's."""
        (order,) = books.orders()
        return str(order.order_id)

    def again(self) -> "Stage":
        self.house.reset(self.kept)
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
        self.again().house.kill_at(n, when, alone=alone, of=self.scene.of)
        try:
            return self.request()
        except Killed:
            return None

    def throttled(self, n: int) -> Reply | None:
        """The request with its n-th call of DynamoDB refused."""
        self.again().house.throttle(n, of=self.scene.of)
        return self.request()

    def raced(self, n: int, when: str, rival: Callable[["Stage"], object]) -> Reply | None:
        """The request, with the rival's going on from beginning to end at its n-th call."""
        self.again().house.meanwhile(n, lambda: rival(self), when, of=self.scene.of)
        return self.request()

    def is_retried(self) -> None:
        """A retry at once is served, or told to wait for the first call's lease and served after it: as if
        nothing had been, the same to every repeat; and there is one order."""
        hasty = self.request()
        if hasty and hasty.status != self.scene.status:
            assert (hasty.status, hasty.json["type"]) == (409, "/problems/request-in-progress"), hasty.text
            assert 0 < int(hasty.header("Retry-After") or 0) <= LEASE.total_seconds()
            self.house.advance(seconds=LEASE.total_seconds() + 1)
        first, second = self.request(), self.request()
        if first and second:
            assert first.status == second.status == self.scene.status, (first.text, second.text)
            assert first.json == second.json
        assert [order.status for order in books.orders()] == [self.scene.order]

    def settles(self) -> None:
        """All arrives, then all that is open runs out; the books balance, and nothing is left half-done."""
        self.house.pump()
        self.check()
        self.house.advance(minutes=31)
        if self.house.capture == "manual":
            self.house.tend()  # what more it starts has nothing to do where no money is held
        else:
            self.house.sweep()
        self.house.pump()
        self.check()
        assert not {order.status for order in books.orders()} & {"pending", "awaiting_payment"}

    def check(self) -> None:
        # Only between sending and noting it may a mail's sender die so that it goes out twice.
        books.check(self.house, ON_HAND, twice_told=self.scene.of == "NotifyConsumer")
        books.check_sequences(self.house)


@contextmanager
def told(stage: Stage, what: str, n: int) -> Iterator[None]:
    """A failure says where things broke."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{what} call {n} of {stage.calls}") from error
