"""Whatever people, time, queues and dying processes do to orders: once it is quiet, the books balance."""

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
from tests.simulator.deployment import Kept
from tests.simulator.simulator import Simulator
from tests.simulator.transport import Fault, Killed
from tests.support import Identity, Reply

HAPPENED = {
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.cancelled",
    "order.expired",
    "payment.refunded",
    "payment.authorized",
    "payment.disputed",
}
MOST_FAULTS = 3  # behind the scenes in one life: a message that fails five times is set aside, and rightly


class Orders(RuleBasedStateMachine):
    """A rule does one thing in the shop; `ask` is how it asks, with what goes wrong on the way.

    The shop's own rows are the state; beside it only what a caller may rely on: which order a key made.
    """

    quotes: Any = Bundle("quotes")
    orders: Any = Bundle("orders")
    returns: Any = Bundle("returns")

    def __init__(self, simulator: Simulator, opened: Kept, lived: Counter[str]) -> None:
        super().__init__()
        simulator.transport.refused.clear()
        simulator.reset(opened)
        self.simulator, self.lived = simulator, lived
        self.made: dict[tuple[Identity, str], tuple[str, str]] = {}
        self.requests = self.faults = 0
        self.twice_told = False

    def ask(self, fault: Fault | None, request: Callable[[], Any]) -> Any:
        """What the request answers; None where its process died. Without a fault, nothing is unavailable."""
        self.simulator.fault = fault
        try:
            answer = request()
        except Killed:
            return None
        finally:
            self.simulator.fault = None
        if isinstance(answer, Reply):
            excused = fault is not None and (answer.status, bool(answer.header("Retry-After"))) == (503, True)
            assert answer.status < 500 or excused, answer.text
        return answer

    def ordered(self, who: Identity, key: str, body: str, answer: Reply | None) -> Any:
        """One order a key and body; who placed it sees it."""
        if answer is None or answer.status != 201:
            return multiple()
        order_id = answer.json["order_id"]
        assert self.made.setdefault((who, key), (body, order_id)) == (body, order_id)
        assert shopping.read(self.simulator, who, order_id).status == 200
        return (who, order_id)

    def wish(self, who: Identity, wish: tuple[str, int]) -> None:
        """More in the cart, if that is to be had."""
        self.ask(None, lambda: shopping.add(self.simulator, who, *wish))

    def key(self, drawn: str) -> str:
        """A key that was used before perhaps, or a fresh one."""
        self.requests += 1
        return drawn or f"request {self.requests}"

    # People.

    @rule(who=strategies.people, fault=strategies.faults)
    def put_coupon(self, who, fault):
        self.ask(fault, lambda: shopping.put_coupon(self.simulator, who))

    @rule(target=quotes, who=strategies.people, wish=strategies.wishes)
    def quote(self, who, wish):
        self.wish(who, wish)
        answer = self.ask(None, lambda: shopping.quote(self.simulator, who))
        return (who, answer.json["quote_token"]) if answer.status == 200 else multiple()

    @rule(target=orders, quote=quotes, key=strategies.keys, fault=strategies.faults)
    def place_quoted(self, quote, key, fault):
        (who, token), key = quote, self.key(key)
        answer = self.ask(fault, lambda: shopping.place_quoted(self.simulator, who, token, key))
        return self.ordered(who, key, token, answer)

    @rule(
        target=orders,
        who=strategies.people,
        wish=st.one_of(strategies.wishes, st.none()),
        key=strategies.keys,
        fault=strategies.faults,
    )
    def place_cart(self, who, wish, key, fault):
        return self.place_cart_of(who, wish, key, fault)

    def place_cart_of(self, who, wish, key, fault):
        key = self.key(key)
        if wish:
            self.wish(who, wish)
        answer = self.ask(fault, lambda: shopping.place_cart(self.simulator, who, key))
        return self.ordered(who, key, "the cart", answer)

    @initialize(target=orders, how=strategies.paid_purchases)
    def begin(self, how):
        """Every life has an order or two: hypothesis leaves some rules out of each."""
        return self.buy(*how)

    @initialize(target=orders, how=strategies.purchases)
    def begin_too(self, how):
        return self.buy(*how)

    @rule(target=orders, how=strategies.purchases)
    def buy_as_usual(self, how):
        return self.buy(*how)

    def buy(self, who, wish, card, stage, chance, capture):
        """An order that gets as far as that, while nothing fails; from then on money is taken that way."""
        self.simulator.capture = capture
        order = self.place_cart_of(who, wish, "", None)
        if not isinstance(order, tuple):
            return order
        shopping.pay(self.simulator, order[0], order[1], card)
        self.simulator.pump(until_quiet=stage != "paying", chance=chance)
        if stage in ("shipped", "delivered", "returned"):
            self.set_status_of(order, "shipped", None)
        if stage in ("delivered", "returned"):
            self.set_status_of(order, "delivered", None)
        if stage == "returned":
            made = self.return_of(order, 1, "", None)
            if isinstance(made, tuple):
                self.settle(made, ["approved", "received"], True, None)
        if stage == "disputed":
            shopping.dispute(self.simulator, order[1], "needs_response")
        if stage == "given back in vain":
            self.ask(None, lambda: shopping.cancel(self.simulator, who, order[1], self.key("")))
            self.simulator.pump(chance=chance)
            shopping.fail_refunds(self.simulator, order[1])
        return order

    @rule(order=orders, key=strategies.keys, card=strategies.cards, fault=strategies.faults)
    def pay(self, order, key, card, fault):
        (who, order_id), key = order, self.key(key)
        opened = self.ask(fault, lambda: shopping.open_payment(self.simulator, who, order_id, key))
        if opened is not None and opened.status == 201:
            self.simulator.card(opened.json["provider_id"], card)

    @rule(order=orders, key=strategies.keys, fault=strategies.faults)
    def cancel(self, order, key, fault):
        (who, order_id), key = order, self.key(key)
        self.ask(fault, lambda: shopping.cancel(self.simulator, who, order_id, key))

    # Staff, and what comes back.

    @rule(order=orders, pieces=st.integers(0, 2), key=strategies.keys, fault=strategies.faults)
    def ship(self, order, pieces, key, fault):
        lines, key = self.some_of(order, pieces) if pieces else None, self.key(key)
        self.ask(fault, lambda: shopping.ship(self.simulator, order[1], key, lines))

    @rule(
        order=orders, status=st.sampled_from(["shipped", "delivered", "cancelled"]), fault=strategies.faults
    )
    def set_status(self, order, status, fault):
        self.set_status_of(order, status, fault)

    @rule(
        target=returns, order=orders, pieces=st.integers(1, 2), key=strategies.keys, fault=strategies.faults
    )
    def ask_to_return(self, order, pieces, key, fault):
        return self.return_of(order, pieces, key, fault)

    @rule(made=returns, statuses=strategies.settled, restock=st.booleans(), fault=strategies.faults)
    def settle_return(self, made, statuses, restock, fault):
        self.settle(made, statuses, restock, fault)

    def set_status_of(self, order, status, fault):
        self.ask(fault, lambda: shopping.set_status(self.simulator, order[1], status))

    def return_of(self, order, pieces, key, fault):
        lines, key = self.some_of(order, pieces), self.key(key)
        answer = self.ask(
            fault, lambda: shopping.ask_to_return(self.simulator, order[0], order[1], lines, key)
        )
        return (order[1], answer.json["return_id"]) if answer and answer.status == 201 else multiple()

    def settle(self, made, statuses, restock, fault):
        for status in statuses:
            said = restock if status == "received" else None
            self.ask(fault, partial(shopping.settle_return, self.simulator, made[0], made[1], status, said))

    def some_of(self, order: tuple[Identity, str], pieces: int) -> dict[str, int]:
        return {shopping.read(self.simulator, *order).json["lines"][0]["sku"]: pieces}

    # Banks.

    @rule(order=orders, status=strategies.banks_say)
    def dispute(self, order, status):
        shopping.dispute(self.simulator, order[1], status)

    @rule(order=orders)
    def fail_refunds(self, order):
        shopping.fail_refunds(self.simulator, order[1])

    # Time, and what runs by itself.

    @rule(minutes=st.sampled_from([1, 3, 10, 16, 31]))
    def wait(self, minutes):
        self.simulator.advance(minutes=minutes)

    @rule(hours=st.sampled_from([24 * 6 + 1, 24 * 8]), chance=strategies.chances)
    def days_pass(self, hours, chance):
        """Holds come to their end; what was under way has long arrived."""
        self.simulator.pump(chance=chance)
        self.simulator.advance(hours=hours)
        self.simulator.tend()

    @rule(fault=st.one_of(st.none(), strategies.troubles.map(lambda trouble: Fault(*trouble))))
    def sweep(self, fault):
        try:
            self.ask(fault, self.simulator.sweep)
        except Exception:
            assert fault  # it is logged, and a minute later the next one goes on

    @rule(rounds=st.integers(1, 3), chance=strategies.chances)
    def some_of_it_arrives(self, rounds, chance):
        for _ in range(rounds):
            self.simulator.pump(until_quiet=False, chance=chance)

    @rule(chance=strategies.chances)
    def all_of_it_arrives(self, chance):
        self.simulator.pump(chance=chance)

    @precondition(lambda self: self.faults < MOST_FAULTS)
    @rule(function=strategies.background, trouble=strategies.troubles, chance=strategies.chances)
    def something_fails_behind_the_scenes(self, function, trouble, chance):
        self.faults += 1
        self.twice_told |= function == "NotifyConsumer"
        n, when = trouble
        self.simulator.fault = Fault(n, when, of=function)
        self.simulator.pump(chance=chance)
        self.simulator.fault = None

    @invariant()
    def the_books_balance_whenever_it_is_quiet(self):
        if self.simulator.is_quiet:
            self.check()

    def check(self):
        invariants.check(self.simulator, strategies.ON_HAND, twice_told=self.twice_told)
        invariants.check_sequences(self.simulator)

    def teardown(self):
        """In the end everything arrives, all deadlines pass, and nothing is left half-done."""
        self.simulator.pump()
        self.check()
        self.simulator.advance(minutes=31)
        self.simulator.tend()
        self.simulator.pump()
        self.check()
        assert not {order.status for order in invariants.orders()} & {"pending", "awaiting_payment"}
        for order in invariants.orders():
            shopping.dispute(self.simulator, order.order_id, "won")  # what waited for that goes back
        self.simulator.pump()
        self.check()
        self.lived.update(
            event["type"] for name in ("orders", "payments") for event in self.simulator.said(name)
        )


def test_the_books_balance_whatever_happens(simulator):
    shopping.open_shop(simulator, strategies.ON_HAND)
    opened, lived = simulator.keep(), Counter[str]()
    life: Any = partial(Orders, simulator, opened, lived)
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=24, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
    # Lives in which nothing happens prove nothing.
    assert lived.keys() >= HAPPENED, lived
