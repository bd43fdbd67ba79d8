"""The cost of a three-line order, step by step, from its quote until it is paid, invoiced and emailed."""

from collections import Counter
from dataclasses import astuple, dataclass, fields

from tests.notify import mailbox
from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.simulator.usage import Usage

ON_HAND = {"A": 9, "B": 9, "C": 9}
LINES = {"A": 1, "B": 2, "C": 3}


@dataclass(frozen=True)
class Cost:
    """What a step uses. `calls` and `write_units` are DynamoDB's, `stripe_reads` are its GET requests."""

    lambdas: int
    calls: int
    write_units: int
    stripe_reads: int
    emails: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def exceeds(self, budget: "Cost") -> list[str]:
        """Return the names of the counts that are above the budget."""
        return [each.name for each in fields(self) if getattr(self, each.name) > getattr(budget, each.name)]


# The steps after the quote share the last budget.
BUDGETS = {
    "POST /cart/quote": Cost(lambdas=1, calls=2, write_units=0, stripe_reads=0, emails=0),
    "POST /orders": Cost(lambdas=2, calls=3, write_units=20, stripe_reads=0, emails=0),
    "order.placed everywhere": Cost(lambdas=3, calls=7, write_units=10, stripe_reads=0, emails=0),
    "POST /payments": Cost(lambdas=2, calls=6, write_units=9, stripe_reads=0, emails=0),
    "webhook to email": Cost(lambdas=13, calls=16, write_units=30, stripe_reads=1, emails=1),
}
TOTAL = Cost(lambdas=22, calls=40, write_units=85, stripe_reads=2, emails=1)


class Meter:
    """Returns what each step used, by counting from the end of the last one."""

    def __init__(self, simulator, monkeypatch) -> None:
        self.simulator, self.usage, self.emails = simulator, Usage(monkeypatch, lambda: ""), 0
        self.read()

    def read(self) -> Cost:
        before, self.emails = self.emails, len(self.simulator._ses.sent_messages)
        made = [call for _, calls in self.simulator.invocations for call in calls]
        spent = Cost(
            lambdas=len(self.simulator.invocations) + sum("lambda." in call for call in made),
            calls=sum(self.usage.calls.values()),
            write_units=sum(self.usage.units.values()),
            stripe_reads=sum("stripe.get " in call for call in made),
            emails=self.emails - before,
        )
        self.simulator.invocations.clear()
        self.usage.units.clear()
        self.usage.calls.clear()
        return spent


def test_an_order_stays_within_its_budgets(simulator, monkeypatch, capsys):
    shopping.open_shop(simulator, ON_HAND)
    shopping.fill(simulator, ADA, LINES)
    simulator.pump()
    simulator.restart_processes()
    meter, costs = Meter(simulator, monkeypatch), dict[str, Cost]()
    published_before = {name: len(simulator.published(name)) for name in ("orders", "payments")}

    token = shopping.quote(simulator, ADA).json["quote_token"]
    costs["POST /cart/quote"] = meter.read()
    order_id = shopping.place_quoted(simulator, ADA, token, "key").json["order_id"]
    costs["POST /orders"] = meter.read()
    simulator.pump()
    costs["order.placed everywhere"] = meter.read()
    opened = shopping.open_payment(simulator, ADA, order_id, "pay").json
    costs["POST /payments"] = meter.read()
    assert simulator.confirm_card(opened["provider_id"])
    simulator.pump()
    costs["webhook to email"] = meter.read()
    assert shopping.read(simulator, ADA, order_id).json["status"] == "paid"

    (_, *steps) = costs.values()
    costs["order to email"] = sum(steps[1:], start=steps[0])
    with capsys.disabled():
        print(f"\n{table(costs)}")
    budgets = BUDGETS | {"order to email": TOTAL}
    above = {name: exceeded for name, cost in costs.items() if (exceeded := cost.exceeds(budgets[name]))}
    assert above == {}
    invariants.check(simulator, ON_HAND)
    events = Counter(
        event["type"]
        for name, count in published_before.items()
        for event in simulator.published(name)[count:]
    )
    assert events == Counter(["order.placed", "order.paid", "order.invoiced", "payment.succeeded"])
    (email,) = mailbox.emails()
    assert [name for name, _, _ in email.attachments] == ["2026-000001.pdf"]


def table(costs: dict[str, Cost]) -> str:
    """Return the costs as text, one line per step."""
    head = f"{'':<26}" + "".join(f"{each.name:>14}" for each in fields(Cost))
    return "\n".join(
        [head, *(f"{name:<26}" + "".join(f"{n:>14}" for n in astuple(cost)) for name, cost in costs.items())]
    )
