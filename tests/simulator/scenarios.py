"""Scenarios: a preparation, a request to interrupt, and the expected result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shared.dynamodb.idempotency import LEASE
from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.simulator.simulator import Simulator
from tests.simulator.transport import ProcessKilled
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
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    shopping.open_payment(simulator, ADA, order_id, "pay")
    return lambda key="key": shopping.cancel(simulator, ADA, order_id, key)


def cancel_paid(simulator: Simulator) -> Request:
    order_id = shopping.paid_order(simulator, ADA, "A", 2)
    return lambda key="key": shopping.cancel(simulator, ADA, order_id, key)


def open_payment(simulator: Simulator) -> Request:
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    return lambda key="key": shopping.open_payment(simulator, ADA, order_id, key)


def ship(simulator: Simulator) -> Request:
    order_id = shopping.paid_order(simulator, ADA, "A", 2)
    return lambda key="key": shopping.ship(simulator, order_id, key, {"A": 1})


def request_return(simulator: Simulator) -> Request:
    order_id = shopping.paid_order(simulator, ADA, "A", 2)
    shopping.set_status(simulator, order_id, "shipped")
    return lambda key="key": shopping.request_return(simulator, ADA, order_id, {"A": 1}, key)


def receive_return(simulator: Simulator) -> Request:
    order_id, return_id = _approved_return(simulator)

    def received(key: str = "") -> Reply:
        """Return the order. A PUT has no key, so a retry may return 409 with the new status."""
        reply = shopping.decide_return(simulator, order_id, return_id, "received", True)
        done = reply.status == 200 or (reply.status, reply.json.get("status_now")) == (409, "received")
        return shopping.read(simulator, ADA, order_id) if done else reply

    return received


def _approved_return(simulator: Simulator) -> tuple[str, str]:
    order_id = shopping.paid_order(simulator, ADA, "A", 2)
    shopping.set_status(simulator, order_id, "shipped")
    return_ = shopping.request_return(simulator, ADA, order_id, {"A": 2}, "return").json
    shopping.decide_return(simulator, order_id, return_["return_id"], "approved")
    simulator.pump()
    return order_id, return_["return_id"]


def expire(simulator: Simulator) -> Request:
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    shopping.open_payment(simulator, ADA, order_id, "pay")
    simulator.advance(minutes=31)

    def sweep(key: str = "") -> None:
        # A failed run is logged, and the next run continues.
        with suppress(Exception):
            simulator.sweep()

    return sweep


def _pump(simulator: Simulator) -> Request:
    return lambda key="": simulator.pump()


def order_placed(simulator: Simulator) -> Request:
    shopping.fill(simulator, ADA, {"A": 2})
    shopping.place_cart(simulator, ADA, "key")
    return _pump(simulator)


def payment_succeeds(simulator: Simulator) -> Request:
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    assert shopping.pay(simulator, ADA, order_id)
    return _pump(simulator)


def payment_succeeds_late(simulator: Simulator) -> Request:
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    assert shopping.pay(simulator, ADA, order_id)
    simulator.advance(minutes=31)
    simulator.sweep()
    return _pump(simulator)


def card_declined(simulator: Simulator) -> Request:
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    assert not shopping.pay(simulator, ADA, order_id, "pm_card_visa_chargeDeclined")
    return _pump(simulator)


def order_cancelled(simulator: Simulator) -> Request:
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    shopping.open_payment(simulator, ADA, order_id, "pay")
    shopping.cancel(simulator, ADA, order_id, "cancel")
    return _pump(simulator)


def return_received(simulator: Simulator) -> Request:
    order_id, return_id = _approved_return(simulator)
    shopping.decide_return(simulator, order_id, return_id, "received", True)
    return _pump(simulator)


def cancel_authorized(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    return cancel_paid(simulator)


def ship_authorized(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    return ship(simulator)


def first_fulfilment(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    order_id = shopping.paid_order(simulator, ADA, "A", 2)
    shopping.ship(simulator, order_id, "key", {"A": 1})
    return _pump(simulator)


def authorization_expires(simulator: Simulator) -> Request:
    simulator.capture = "manual"
    shopping.paid_order(simulator, ADA, "A", 2)
    simulator.advance(days=8)
    return _pump(simulator)


@dataclass(frozen=True)
class Scenario:
    """A use case: its preparation, the status of its response, and the order's status afterwards.

    `function`: the background function to interrupt; None is the function that the request invokes.
    `reconciled`: a kill may leave an intent at Stripe that only the reconciliation finds.
    """

    prepare: Callable[[Simulator], Request]
    status: int | None
    order: str
    function: str | None = None
    reconciled: bool = False


SCENARIOS = {
    "place from a quote": Scenario(place_quoted, 201, "awaiting_payment"),
    "place from the cart": Scenario(place_cart, 201, "awaiting_payment"),
    "cancel before payment": Scenario(cancel_unpaid, 200, "cancelled"),
    "cancel after payment": Scenario(cancel_paid, 200, "cancelled"),
    "open a payment": Scenario(open_payment, 201, "awaiting_payment", reconciled=True),
    "ship": Scenario(ship, 201, "partially_shipped"),
    "request a return": Scenario(request_return, 201, "shipped"),
    "receive a return": Scenario(receive_return, 200, "shipped"),
    "cancel an authorized order": Scenario(cancel_authorized, 200, "cancelled"),
    "ship an authorized order": Scenario(ship_authorized, 201, "partially_shipped"),
    "expire": Scenario(expire, None, "expired"),
}
BACKGROUND_SCENARIOS = {
    f"{prepare.__name__.replace('_', ' ')}: {function}": Scenario(prepare, None, order, function)
    for prepare, order, functions in [
        (order_placed, "awaiting_payment", ["OrdersRelay", "CatalogRelay", "CartConsumer"]),
        (
            payment_succeeds,
            "paid",
            [
                "PaymentsWebhook",
                "PaymentsApply",
                "PaymentsRelay",
                "OrdersConsumer",
                "OrdersRelay",
                "OrdersInvoices",
                "CatalogConsumer",
                "NotifyConsumer",
            ],
        ),
        (payment_succeeds_late, "expired", ["OrdersConsumer", "CatalogConsumer", "PaymentsConsumer"]),
        (card_declined, "awaiting_payment", ["PaymentsApply", "OrdersConsumer", "NotifyConsumer"]),
        (order_cancelled, "cancelled", ["CatalogConsumer", "PaymentsConsumer", "CatalogRelay"]),
        (first_fulfilment, "partially_shipped", ["PaymentsConsumer", "PaymentsRelay", "OrdersConsumer"]),
        (authorization_expires, "cancelled", ["PaymentsApply", "OrdersConsumer"]),
        (
            return_received,
            "refunded",
            ["OrdersRelay", "CatalogConsumer", "PaymentsConsumer", "OrdersConsumer", "NotifyConsumer"],
        ),
    ]
    for function in functions
}


class ScenarioRun:
    """A scenario, prepared once; its request can be repeated from the same state."""

    def __init__(self, simulator: Simulator, scenario: Scenario) -> None:
        shopping.open_shop(simulator, ON_HAND)
        self.simulator, self.scenario = simulator, scenario
        self.request = scenario.prepare(simulator)
        if scenario.function is None:
            simulator.pump()
        self.snapshot = simulator.snapshot()
        self.calls = self.simulator.record_calls(self.restart().request, scenario.function)

    @property
    def order_id(self) -> str:
        """The id of the only order."""
        (order,) = invariants.orders()
        return str(order.order_id)

    def restart(self) -> "ScenarioRun":
        self.simulator.reset(self.snapshot)
        return self

    def kill_points(self) -> Iterator[tuple[int, str, bool]]:
        """Yield (call, when, alone) for each kill point: before the first call and after each call.

        If an invoked function makes the call, it is also killed alone.
        """
        yield 1, "before", False
        for n, name in enumerate(self.calls, 1):
            yield n, "after", False
            if name.startswith(">"):
                yield n, "after", True

    def kill(self, n: int, when: str, alone: bool) -> Reply | None:
        """Send the request with a kill; return the response if only an invoked function was killed."""
        self.restart().simulator.kill_at(n, when, alone=alone, function=self.scenario.function)
        try:
            return self.request()
        except ProcessKilled:
            return None

    def throttle(self, n: int) -> Reply | None:
        """Send the request with its n-th call of DynamoDB throttle."""
        self.restart().simulator.throttle(n, function=self.scenario.function)
        return self.request()

    def race(self, n: int, when: str, competitor: Callable[["ScenarioRun"], object]) -> Reply | None:
        """Send the request and run the competitor completely at its n-th call."""
        self.restart().simulator.interleave(
            n, lambda: competitor(self), when, function=self.scenario.function
        )
        return self.request()

    def check_retry(self) -> None:
        """Check that a retry succeeds, at the latest after the first request's lease, that another retry
        returns the same, and that there is one order."""
        early = self.request()
        if early and early.status != self.scenario.status:
            assert (early.status, early.json["type"]) == (409, "/problems/request-in-progress"), early.text
            assert 0 < int(early.header("Retry-After") or 0) <= LEASE.total_seconds()
            self.simulator.advance(seconds=LEASE.total_seconds() + 1)
        first, second = self.request(), self.request()
        if first and second:
            assert first.status == second.status == self.scenario.status, (first.text, second.text)
            assert first.json == second.json
        assert [order.status for order in invariants.orders()] == [self.scenario.order]

    def check_recovery(self) -> None:
        """Check the invariants after all deliveries and after all deadlines; no order may stay open."""
        self.simulator.pump()
        self.check()
        self.simulator.advance(minutes=31)
        if self.simulator.capture == "manual" or self.scenario.reconciled:
            self.simulator.run_schedules()
        else:  # the other schedules have nothing to do
            self.simulator.sweep()
        self.simulator.pump()
        if self.scenario.reconciled:  # the order's end was not yet written when the first one ran
            self.simulator.advance(hours=1)
            self.simulator.run_schedules()
            self.simulator.pump()
        self.check()
        assert not {order.status for order in invariants.orders()} & {"pending", "awaiting_payment"}

    def check(self) -> None:
        # A sender killed between sending an email and recording it sends the email twice.
        invariants.check(self.simulator, ON_HAND, duplicate_emails=self.scenario.function == "NotifyConsumer")
        invariants.check_sequences(self.simulator)


@contextmanager
def report_failure(run: ScenarioRun, what: str, n: int) -> Iterator[None]:
    """Add to a failure the call at which it happened."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{what} call {n} of {run.calls}") from error
