"""What a three-line order costs from its quote to its invoice: Lambdas, calls, units, messages."""

from collections import Counter

from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.simulator.usage import Usage

ON_HAND = {"A": 9, "B": 9, "C": 9}


def test_a_three_line_order_keeps_its_budget_from_quote_to_paid(simulator, monkeypatch, capsys):
    shopping.open_shop(simulator, ON_HAND)
    shopping.fill(simulator, ADA, {"A": 1, "B": 2, "C": 3})
    simulator.pump()
    simulator.forget()
    running: list[str] = []
    run = simulator._run

    def noted(function, event, **how):
        running.append(function.name)
        try:
            return run(function, event, **how)
        finally:
            running.pop()

    monkeypatch.setattr(simulator, "_run", noted)
    usage = Usage(monkeypatch, lambda: running[-1] if running else "")
    simulator.log.clear()
    said = {name: len(simulator.said(name)) for name in ("orders", "payments", "catalog")}

    token = shopping.quote(simulator, ADA).json["quote_token"]
    quoting = _spent(simulator, usage)
    order_id = shopping.place_quoted(simulator, ADA, token, "key").json["order_id"]
    placing = _spent(simulator, usage)
    assert shopping.pay(simulator, ADA, order_id)
    simulator.pump()
    behind = _spent(simulator, usage)
    assert shopping.read(simulator, ADA, order_id).json["status"] == "paid"
    invariants.check(simulator, ON_HAND)

    told = Counter(event["type"] for name, seen in said.items() for event in simulator.said(name)[seen:])
    with capsys.disabled():
        print(f"\nquote: {quoting}\nplace: {placing}\npaid:  {behind}\nevents: {dict(told)}")
    assert quoting["units"] == 0
    assert (placing["lambdas"], placing["calls"]) == (2, 3)
    assert placing["units"] <= 20
    once = ("order.placed", "order.paid", "order.invoiced", "payment.succeeded")
    assert [told[kind] for kind in once] == [1, 1, 1, 1]


def _spent(simulator, usage) -> dict[str, int]:
    """Since the last look."""
    asked = sum(name.count("lambda.") for _, calls in simulator.log for name in calls)
    spent = {
        "lambdas": len(simulator.log) + asked,
        "calls": sum(usage.calls.values()),
        "units": sum(usage.units.values()),
        "messages": sum("sns." in name or "sqs." in name for _, calls in simulator.log for name in calls),
    }
    simulator.log.clear()
    usage.units.clear()
    usage.calls.clear()
    return spent
