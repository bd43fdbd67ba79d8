"""Stripe's rate limit while the shop runs: effects are delayed, complete and in order."""

import json

import pytest

from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA

ON_HAND = {"A": 5}
TIMES = 20  # more than the queue's tries, and more than Lambda's limit for a recursion


def limit_rate(simulator, method: str, path: str) -> None:
    fault = {"path": path, "method": method, "times": TIMES, "status": 429}
    assert simulator.emulator.control("POST", "faults", json.dumps(fault)).status == 200


@pytest.mark.parametrize("capture", ["automatic", "manual"])
def test_twenty_rejections_delay_a_payment_and_its_refund(simulator, capture, capsys):
    shopping.open_shop(simulator, ON_HAND)
    simulator.capture = capture
    order_id = shopping.placed_order(simulator, ADA, "A", 2)
    assert shopping.pay(simulator, ADA, order_id)
    limit_rate(simulator, "GET", "/v1/payment_intents/*")
    started_at = simulator.now
    simulator.pump()
    assert shopping.read(simulator, ADA, order_id).json["status"] == "paid"
    assert (simulator.now - started_at).total_seconds() > TIMES * 10

    limit_rate(simulator, "POST", "/v1/refunds" if capture == "automatic" else "/v1/payment_intents/*/cancel")
    assert shopping.cancel(simulator, ADA, order_id, "cancel").status == 200
    simulator.pump()
    types = [event["type"] for event in simulator.published("payments")]
    expected = ["payment.succeeded", "payment.refunded"]
    assert types == (expected if capture == "automatic" else ["payment.authorized", "payment.voided"])
    assert simulator.dead_letters == []
    assert '"level":"ERROR"' not in capsys.readouterr().out
    invariants.check(simulator, ON_HAND)
    invariants.check_sequences(simulator)
