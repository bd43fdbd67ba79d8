"""What a three-line order costs from its quote to its invoice: Lambdas, calls, units, messages."""

from collections import Counter

from tests.shop import books, shopping
from tests.shop.meter import Meter
from tests.shop.shopping import ADA

ON_HAND = {"A": 9, "B": 9, "C": 9}


def test_a_three_line_order_keeps_its_budget_from_quote_to_paid(house, monkeypatch, capsys):
    shopping.open_shop(house, ON_HAND)
    shopping.fill(house, ADA, {"A": 1, "B": 2, "C": 3})
    house.pump()
    house.forget()
    running: list[str] = []
    run = house._run

    def noted(function, event, **how):
        running.append(function.name)
        try:
            return run(function, event, **how)
        finally:
            running.pop()

    monkeypatch.setattr(house, "_run", noted)
    meter = Meter(monkeypatch, lambda: running[-1] if running else "")
    house.log.clear()
    said = {name: len(house.said(name)) for name in ("orders", "payments", "catalog")}

    token = shopping.quote(house, ADA).json["quote_token"]
    quoting = _spent(house, meter)
    order_id = shopping.place_quoted(house, ADA, token, "key").json["order_id"]
    placing = _spent(house, meter)
    assert shopping.pay(house, ADA, order_id)
    house.pump()
    behind = _spent(house, meter)
    assert shopping.read(house, ADA, order_id).json["status"] == "paid"
    books.check(house, ON_HAND)

    told = Counter(event["type"] for name, seen in said.items() for event in house.said(name)[seen:])
    with capsys.disabled():
        print(f"\nquote: {quoting}\nplace: {placing}\npaid:  {behind}\nevents: {dict(told)}")
    assert quoting["units"] == 0
    assert (placing["lambdas"], placing["calls"]) == (2, 3)
    assert placing["units"] <= 20
    once = ("order.placed", "order.paid", "order.invoiced", "payment.succeeded")
    assert [told[kind] for kind in once] == [1, 1, 1, 1]


def _spent(house, meter) -> dict[str, int]:
    """Since the last look."""
    asked = sum(name.count("lambda.") for _, calls in house.log for name in calls)
    spent = {
        "lambdas": len(house.log) + asked,
        "calls": sum(meter.calls.values()),
        "units": sum(meter.units.values()),
        "messages": sum("sns." in name or "sqs." in name for _, calls in house.log for name in calls),
    }
    house.log.clear()
    meter.units.clear()
    meter.calls.clear()
    return spent
