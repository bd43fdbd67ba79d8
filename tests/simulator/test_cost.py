"""The cost of a three-line order from quote to invoice: Lambdas, DynamoDB calls, write units, messages."""

from collections import Counter

from tests.notify import mailbox
from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.simulator.usage import Usage

ON_HAND = {"A": 9, "B": 9, "C": 9}


def test_a_three_line_order_stays_within_its_budget(simulator, monkeypatch, capsys):
    shopping.open_shop(simulator, ON_HAND)
    shopping.fill(simulator, ADA, {"A": 1, "B": 2, "C": 3})
    simulator.pump()
    simulator.restart_processes()
    running: list[str] = []
    run = simulator._invoke

    def record_function(function, event, **how):
        running.append(function.name)
        try:
            return run(function, event, **how)
        finally:
            running.pop()

    monkeypatch.setattr(simulator, "_invoke", record_function)
    usage = Usage(monkeypatch, lambda: running[-1] if running else "")
    simulator.invocations.clear()
    published_before = {name: len(simulator.published(name)) for name in ("orders", "payments", "catalog")}

    token = shopping.quote(simulator, ADA).json["quote_token"]
    quoting = _spent(simulator, usage)
    order_id = shopping.place_quoted(simulator, ADA, token, "key").json["order_id"]
    placing = _spent(simulator, usage)
    assert shopping.pay(simulator, ADA, order_id)
    simulator.pump()
    paying = _spent(simulator, usage)
    assert shopping.read(simulator, ADA, order_id).json["status"] == "paid"
    invariants.check(simulator, ON_HAND)

    events = Counter(
        event["type"]
        for name, count in published_before.items()
        for event in simulator.published(name)[count:]
    )
    with capsys.disabled():
        print(f"\nquote: {quoting}\nplace: {placing}\npaid:  {paying}\nevents: {dict(events)}")
    assert quoting["units"] == 0
    assert (placing["lambdas"], placing["calls"]) == (2, 3)
    assert placing["units"] <= 20
    once = ("order.placed", "order.paid", "order.invoiced", "payment.succeeded")
    assert [events[kind] for kind in once] == [1, 1, 1, 1]
    (email,) = mailbox.emails()
    assert [name for name, _, _ in email.attachments] == ["2026-000001.pdf"]


def _spent(simulator, usage) -> dict[str, int]:
    """Return the cost since the last call."""
    invoked = sum(name.count("lambda.") for _, calls in simulator.invocations for name in calls)
    spent = {
        "lambdas": len(simulator.invocations) + invoked,
        "calls": sum(usage.calls.values()),
        "units": sum(usage.units.values()),
        "messages": sum(
            "sns." in name or "sqs." in name for _, calls in simulator.invocations for name in calls
        ),
    }
    simulator.invocations.clear()
    usage.units.clear()
    usage.calls.clear()
    return spent
