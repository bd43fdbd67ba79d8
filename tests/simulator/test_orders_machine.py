"""A state machine test: shoppers, staff, banks, time and faults act at random, and the invariants hold."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.simulator import invariants, shopping, strategies
from tests.simulator.deployment import Snapshot
from tests.simulator.simulator import Simulator
from tests.simulator.transport import Fault, ProcessKilled
from tests.support import Identity, Reply

REQUIRED_EVENTS = {
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.cancelled",
    "order.expired",
    "payment.refunded",
    "payment.authorized",
    "payment.disputed",
}
MAX_FAULTS = 3  # of background functions per run: a message that fails five times becomes a dead letter


class Orders(RuleBasedStateMachine):
    """Each rule does one thing in the shop; `send` makes its request with an optional fault.

    The shop's rows are the state. The machine only remembers the order that each idempotency key created.
    """

    quotes: Any = Bundle("quotes")
    orders: Any = Bundle("orders")
    returns: Any = Bundle("returns")

    def __init__(self, simulator: Simulator, initial: Snapshot, event_counts: Counter[str]) -> None:
        super().__init__()
        simulator.transport.denied.clear()
        simulator.reset(initial)
        self.simulator, self.event_counts = simulator, event_counts
        self.created: dict[tuple[Identity, str], tuple[str, str]] = {}
        self.requests = self.faults = 0
        self.duplicate_emails = False

    def send(self, fault: Fault | None, request: Callable[[], Any]) -> Any:
        """Return the response, or None if the process was killed. Without a fault no response may be 5xx."""
        self.simulator.fault = fault
        try:
            answer = request()
        except ProcessKilled:
            return None
        finally:
            self.simulator.fault = None
        if isinstance(answer, Reply):
            allowed = fault is not None and (answer.status, bool(answer.header("Retry-After"))) == (503, True)
            assert answer.status < 500 or allowed, answer.text
        return answer

    def record_order(self, who: Identity, key: str, body: str, answer: Reply | None) -> Any:
        """Check that a key and body create one order, which its owner can read."""
        if answer is None or answer.status != 201:
            return multiple()
        order_id = answer.json["order_id"]
        assert self.created.setdefault((who, key), (body, order_id)) == (body, order_id)
        assert shopping.read(self.simulator, who, order_id).status == 200
        return (who, order_id)

    def add_item(self, who: Identity, item: tuple[str, int]) -> None:
        """Add an item to the cart if it is available."""
        self.send(None, lambda: shopping.add(self.simulator, who, *item))

    def key(self, drawn: str) -> str:
        """Return the drawn key, which may have been used before, or a new one."""
        self.requests += 1
        return drawn or f"request {self.requests}"

    # Shoppers.

    @rule(who=strategies.people, fault=strategies.faults)
    def put_coupon(self, who, fault):
        self.send(fault, lambda: shopping.put_coupon(self.simulator, who))

    @rule(target=quotes, who=strategies.people, item=strategies.items)
    def quote(self, who, item):
        self.add_item(who, item)
        answer = self.send(None, lambda: shopping.quote(self.simulator, who))
        return (who, answer.json["quote_token"]) if answer.status == 200 else multiple()

    @rule(target=orders, quote=quotes, key=strategies.keys, fault=strategies.faults)
    def place_quoted(self, quote, key, fault):
        (who, token), key = quote, self.key(key)
        answer = self.send(fault, lambda: shopping.place_quoted(self.simulator, who, token, key))
        return self.record_order(who, key, token, answer)

    @rule(
        target=orders,
        who=strategies.people,
        item=st.one_of(strategies.items, st.none()),
        key=strategies.keys,
        fault=strategies.faults,
    )
    def place_cart(self, who, item, key, fault):
        return self.place_cart_of(who, item, key, fault)

    def place_cart_of(self, who, item, key, fault):
        key = self.key(key)
        if item:
            self.add_item(who, item)
        answer = self.send(fault, lambda: shopping.place_cart(self.simulator, who, key))
        return self.record_order(who, key, "the cart", answer)

    @initialize(target=orders, how=strategies.paid_purchases)
    def begin(self, how):
        """Start with an order or two, because hypothesis disables some rules in each run."""
        return self.buy(*how)

    @initialize(target=orders, how=strategies.purchases)
    def begin_too(self, how):
        return self.buy(*how)

    @rule(target=orders, how=strategies.purchases)
    def buy_as_usual(self, how):
        return self.buy(*how)

    def buy(self, who, item, card, stage, chance, capture):
        """Bring a new order to this stage without faults. Later payments use this capture method too."""
        self.simulator.capture = capture
        order = self.place_cart_of(who, item, "", None)
        if not isinstance(order, tuple):
            return order
        shopping.pay(self.simulator, order[0], order[1], card)
        self.simulator.pump(until_idle=stage != "paying", chance=chance)
        if stage in ("shipped", "delivered", "returned"):
            self.set_status_of(order, "shipped", None)
        if stage in ("delivered", "returned"):
            self.set_status_of(order, "delivered", None)
        if stage == "returned":
            created = self.return_of(order, 1, "", None)
            if isinstance(created, tuple):
                self.decide_return_of(created, ["approved", "received"], True, None)
        if stage == "disputed":
            shopping.dispute(self.simulator, order[1], "needs_response")
        if stage == "refund failed":
            self.send(None, lambda: shopping.cancel(self.simulator, who, order[1], self.key("")))
            self.simulator.pump(chance=chance)
            shopping.fail_refunds(self.simulator, order[1])
        return order

    @rule(order=orders, key=strategies.keys, card=strategies.cards, fault=strategies.faults)
    def pay(self, order, key, card, fault):
        (who, order_id), key = order, self.key(key)
        opened = self.send(fault, lambda: shopping.open_payment(self.simulator, who, order_id, key))
        if opened is not None and opened.status == 201:
            self.simulator.confirm_card(opened.json["provider_id"], card)

    @rule(order=orders, key=strategies.keys, fault=strategies.faults)
    def cancel(self, order, key, fault):
        (who, order_id), key = order, self.key(key)
        self.send(fault, lambda: shopping.cancel(self.simulator, who, order_id, key))

    # Staff and returns.

    @rule(order=orders, pieces=st.integers(0, 2), key=strategies.keys, fault=strategies.faults)
    def ship(self, order, pieces, key, fault):
        lines, key = self.lines_of(order, pieces) if pieces else None, self.key(key)
        self.send(fault, lambda: shopping.ship(self.simulator, order[1], key, lines))

    @rule(
        order=orders, status=st.sampled_from(["shipped", "delivered", "cancelled"]), fault=strategies.faults
    )
    def set_status(self, order, status, fault):
        self.set_status_of(order, status, fault)

    @rule(
        target=returns, order=orders, pieces=st.integers(1, 2), key=strategies.keys, fault=strategies.faults
    )
    def request_return(self, order, pieces, key, fault):
        return self.return_of(order, pieces, key, fault)

    @rule(
        created=returns, statuses=strategies.return_decisions, restock=st.booleans(), fault=strategies.faults
    )
    def decide_return(self, created, statuses, restock, fault):
        self.decide_return_of(created, statuses, restock, fault)

    def set_status_of(self, order, status, fault):
        self.send(fault, lambda: shopping.set_status(self.simulator, order[1], status))

    def return_of(self, order, pieces, key, fault):
        lines, key = self.lines_of(order, pieces), self.key(key)
        answer = self.send(
            fault, lambda: shopping.request_return(self.simulator, order[0], order[1], lines, key)
        )
        return (order[1], answer.json["return_id"]) if answer and answer.status == 201 else multiple()

    def decide_return_of(self, created, statuses, restock, fault):
        for status in statuses:
            restock_now = restock if status == "received" else None
            self.send(
                fault,
                partial(shopping.decide_return, self.simulator, created[0], created[1], status, restock_now),
            )

    def lines_of(self, order: tuple[Identity, str], pieces: int) -> dict[str, int]:
        return {shopping.read(self.simulator, *order).json["lines"][0]["sku"]: pieces}

    # Banks.

    @rule(order=orders, status=strategies.dispute_statuses)
    def dispute(self, order, status):
        shopping.dispute(self.simulator, order[1], status)

    @rule(order=orders)
    def fail_refunds(self, order):
        shopping.fail_refunds(self.simulator, order[1])

    # Time and background functions.

    @rule(minutes=st.sampled_from([1, 3, 10, 16, 31]))
    def wait(self, minutes):
        self.simulator.advance(minutes=minutes)

    @rule(hours=st.sampled_from([24 * 6 + 1, 24 * 8]), chance=strategies.chances)
    def days_pass(self, hours, chance):
        """Deliver everything, then let authorizations expire."""
        self.simulator.pump(chance=chance)
        self.simulator.advance(hours=hours)
        self.simulator.run_schedules()

    @rule(fault=st.one_of(st.none(), strategies.fault_points.map(lambda fault_point: Fault(*fault_point))))
    def sweep(self, fault):
        try:
            self.send(fault, self.simulator.sweep)
        except Exception:
            assert fault  # the sweeper logs it, and the next run continues

    @rule(rounds=st.integers(1, 3), chance=strategies.chances)
    def deliver_some(self, rounds, chance):
        for _ in range(rounds):
            self.simulator.pump(until_idle=False, chance=chance)

    @rule(chance=strategies.chances)
    def deliver_all(self, chance):
        self.simulator.pump(chance=chance)

    @precondition(lambda self: self.faults < MAX_FAULTS)
    @rule(function=strategies.background, fault_point=strategies.fault_points, chance=strategies.chances)
    def fail_in_background(self, function, fault_point, chance):
        self.faults += 1
        self.duplicate_emails |= function == "NotifyConsumer"
        n, when = fault_point
        self.simulator.fault = Fault(n, when, function=function)
        self.simulator.pump(chance=chance)
        self.simulator.fault = None

    @invariant()
    def invariants_hold_when_idle(self):
        if self.simulator.is_idle:
            self.check()

    def check(self):
        invariants.check(self.simulator, strategies.ON_HAND, duplicate_emails=self.duplicate_emails)
        invariants.check_sequences(self.simulator)

    def teardown(self):
        """Deliver everything, let all deadlines pass, and check that no order stays open."""
        self.simulator.pump()
        self.check()
        self.simulator.advance(minutes=31)
        self.simulator.run_schedules()
        self.simulator.pump()
        self.check()
        assert not {order.status for order in invariants.orders()} & {"pending", "awaiting_payment"}
        for order in invariants.orders():
            # Refunds that waited for the dispute are then made.
            shopping.dispute(self.simulator, order.order_id, "won")
        self.simulator.pump()
        self.check()
        self.event_counts.update(
            event["type"] for name in ("orders", "payments") for event in self.simulator.published(name)
        )


def test_invariants_hold_in_every_random_run(simulator):
    shopping.open_shop(simulator, strategies.ON_HAND)
    initial, event_counts = simulator.snapshot(), Counter[str]()
    machine: Any = partial(Orders, simulator, initial, event_counts)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=24, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
    # Runs without these events would prove nothing.
    assert event_counts.keys() >= REQUIRED_EVENTS, event_counts
