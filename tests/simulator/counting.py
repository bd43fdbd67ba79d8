"""The counts that docs/scaling.md is computed from: what one order of three lines uses.

`make counts` runs it, which writes infra/scaling/counts.json.
"""

import json
import re
from collections import Counter
from typing import Any

import moto
import pytest

from infra.scaling.counts import PATH, Counted, Counts, Lists
from infra.scaling.partitions import PAGE, PARTITIONS
from localstack.stripe.server import LocalStripe
from tests.support import set_environment

set_environment()

from shared.dynamodb.sizes import size_of  # noqa: E402  these read the environment
from tests.simulator import shopping, tables  # noqa: E402
from tests.simulator.simulator import Simulator  # noqa: E402
from tests.simulator.usage import Usage  # noqa: E402
from tests.support import STAGE, Identity, staff  # noqa: E402

ON_HAND = {"A": 9, "B": 9, "C": 9}  # scarce, so each sale changes what the list of products shows
LINES = {"A": 1, "B": 2, "C": 3}
# A product of usual size, for pages of lists.
PRODUCT = {
    "title": "A product with a title of usual length",
    "description": "What it is made of, how large it is, and what it is good for. " * 6,
    "status": "active",
    "attributes": {"material": "stoneware", "capacity": "350 ml"},
}
# Functions that API Gateway invokes.
API_FUNCTIONS = ("CartApi", "OrdersApi", "PaymentsCheckout", "PaymentsWebhook")
CACHED = "secretsmanager"  # secrets are cached for minutes, so their calls do not grow with orders


def count_order(simulator: Simulator, usage: Usage, who: Identity) -> Counts:
    """Return what an order uses from its quote until it is paid, invoiced and emailed."""
    shopping.fill(simulator, who, LINES)
    simulator.pump()
    _forget(simulator, usage)
    emails = len(simulator._ses.sent_messages)
    token = shopping.quote(simulator, who).json["quote_token"]
    order_id = shopping.place_quoted(simulator, who, token, f"key of {who.user_id}").json["order_id"]
    assert shopping.pay(simulator, who, order_id)
    simulator.pump()
    assert shopping.read(simulator, who, order_id).json["status"] == "paid"
    simulator.invocations.pop()  # that read
    calls: dict[str, Counter[str]] = {}
    runs: Counter[str] = Counter()
    stripe: Counter[str] = Counter()
    for function, made in simulator.invocations:
        callers = [function]
        runs[function] += 1
        for call in made:
            depth = call.count("> ")
            del callers[depth + 1 :]
            call = call.replace("> ", "")
            service, _, name = call.partition(".")
            kind = call if service == "lambda" else service
            calls.setdefault(callers[depth], Counter())[kind] += service != CACHED
            if service == "lambda":
                callers.append(name)
                runs[name] += 1
            if service == "stripe":
                stripe[re.sub(r"/\w+", "/{id}", name)] += 1
    units: Counter[str] = Counter()
    for (place, _), number in usage.places.items():
        units[place.partition("/")[0]] += number
    return Counts(
        requests=dict(sorted((name, runs[name]) for name in API_FUNCTIONS)),
        runs=dict(sorted(runs.items())),
        calls={name: _present(each) for name, each in sorted(calls.items()) if _present(each)},
        write_units=dict(sorted(units.items())),
        partitions={
            partition.name: sum(
                number
                for (place, key), number in usage.places.items()
                if place == partition.place and re.fullmatch(partition.key, key)
            )
            for partition in PARTITIONS
        },
        stripe=dict(sorted(stripe.items())),
        emails=len(simulator._ses.sent_messages) - emails,
        sign_in=_sign_in(simulator),
    )


def count_lists(simulator: Simulator, usage: Usage) -> Lists:
    """Return the read units of one page of products, and the bytes of a product's row in the list."""
    for number in range(PAGE + 1):
        variants = [
            {"sku": f"{number}-{size}", "title": size, "price": shopping.gbp(500), "stock": 200}
            for size in ("small", "medium", "large")
        ]
        body = PRODUCT | {"variants": variants}
        assert simulator.call("catalog", "POST", "/products", body, staff()).status == 201
    usage.query_units = 0
    assert len(simulator.call("catalog", "GET", "/products").json["items"]) == PAGE
    rows = [row for row in tables.rows(f"tillstack-{STAGE}-catalog") if row["pk"]["S"] == "listing#all"]
    return Lists(page_units=usage.query_units, row_bytes=max(map(size_of, rows)))


def _sign_in(simulator: Simulator) -> dict[str, int]:
    """Return the calls of a guest's sign-in, which orders need before the first request. It is the second
    one, because the first one of a process also reads the public key."""
    for _ in range(2):
        simulator.invocations.clear()
        assert simulator.call("users", "POST", "/users/guest").status == 201
    ((_, made),) = simulator.invocations
    return _present(Counter(call.partition(".")[0] for call in made))


def _present(calls: Counter[str]) -> dict[str, int]:
    return {name: number for name, number in sorted(calls.items()) if number}


def _forget(simulator: Simulator, usage: Usage) -> None:
    simulator.invocations.clear()
    usage.places.clear()


def main() -> None:
    with moto.mock_aws(), LocalStripe() as local_stripe, pytest.MonkeyPatch.context() as patch:
        simulator: Any = Simulator(local_stripe, patch)
        shopping.open_shop(simulator, ON_HAND)
        usage = Usage(patch, lambda: "")
        order = count_order(simulator, usage, shopping.ADA)
        simulator.reset()
        counted = Counted(order=order, lists=count_lists(simulator, usage))
    PATH.write_text(json.dumps(counted.model_dump(), indent=2) + "\n")


if __name__ == "__main__":
    main()
