"""Refunds that fail later: the order records the failure, and the money can be refunded again."""

from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.support import idempotency_headers, staff

ON_HAND = {"A": 5}


def test_a_refund_that_fails_later_can_be_made_again(simulator):
    shopping.open_shop(simulator, ON_HAND)
    order_id = shopping.paid_order(simulator, ADA, "A", 2)
    assert shopping.cancel(simulator, ADA, order_id, "changed my mind").status == 200
    simulator.pump()
    (order,) = invariants.orders()
    total = order.agreed_terms.total.amount
    assert order.refunded == total
    shopping.fail_refunds(simulator, order_id)
    simulator.pump()
    invariants.check(simulator, ON_HAND)
    invariants.check_sequences(simulator)
    (order,) = invariants.orders()
    assert order.refunded == 0
    assert "refund.failed" in [entry.type.value for entry in order.timeline]
    path = f"/payments/{order.payment_id}/refunds"
    again = simulator.call(
        "payments", "POST", path, {}, staff(), idempotency_headers("again")["Idempotency-Key"]
    )
    assert again.status == 201, again.json
    simulator.pump()
    invariants.check(simulator, ON_HAND)
    (order,) = invariants.orders()
    assert order.refunded == total
