"""Races after an order is placed: one request wins, and nothing happens twice."""

from collections import Counter

from localstack.demo import cards
from localstack.demo.shopper import until
from localstack.mail.sent import count_by_kind
from tests.journeys.calls import after_delay, cancel, decide_return, get_order
from tests.journeys.conftest import after_pause, new_key, stock_of, stripe_refunds, wait_for_messages
from tests.support import run_concurrently


def _pay_and_cancel(local, staff, buyer, sku, later):
    """Pay, and cancel `later` seconds later; return `refunded`, or `cancelled` if nothing was paid."""
    buyer.add(sku, 2)
    placed = buyer.order(buyer.quote())
    payment = buyer.payment(placed)

    intent, cancelled = run_concurrently(
        after_delay(-later, lambda: cards.confirm(local, payment)),
        after_delay(later, lambda: cancel(buyer, placed)),
    )
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")

    def final_status():
        status = buyer.shop.expect(200, "GET", f"/payments/{payment['payment_id']}")["status"]
        return status if status in {"cancelled", "refunded"} else None

    outcome = until(final_status, "the payment to be cancelled or refunded")
    assert outcome == ("refunded" if intent.get("status") == "succeeded" else "cancelled")
    wanted = [placed["total"]["amount"]] if outcome == "refunded" else []
    assert stripe_refunds(local, buyer, placed) == wanted
    until(lambda: stock_of(staff, sku) == (2, 0, 2), "the stock to be released")
    assert get_order(buyer, placed)["status"] == "cancelled"
    return outcome


def test_a_payment_that_races_a_cancellation_is_cancelled_or_refunded(local, staff, shopper, create_product):
    buyer = shopper()
    outcomes = [
        _pay_and_cancel(local, staff, buyer, create_product(stock=2), later)
        for later in (-0.2, -0.05, 0, 0.03, 0.06, 0.1, 0.2, 0.4)
    ]
    assert "refunded" in outcomes


def _ship_and_cancel(staff, buyer, order, later):
    """Ship and cancel at once, the cancellation `later` seconds later; return the status of the winner."""
    body = {"carrier": "DPD", "tracking": "1"}
    path = f"/orders/{order['order_id']}/fulfilments"
    shipped, cancelled = run_concurrently(
        lambda: staff.call("POST", path, body, **new_key()), after_delay(later, lambda: cancel(buyer, order))
    )
    assert (shipped.status, cancelled.status) in {(201, 409), (409, 200)}
    winner = "cancelled" if cancelled.status == 200 else "shipped"
    found = get_order(buyer, order)
    assert (found["status"], len(found["fulfilments"])) == (winner, 1 if winner == "shipped" else 0)
    return winner


def test_either_the_cancellation_or_the_fulfilment_wins(local, staff, shopper, place_paid_order):
    buyer = shopper()
    starts = (0, 0, 0.01, 0.02, 0.05)
    orders = [place_paid_order(buyer, quantity=2, stock=2) for _ in starts]
    winners = [_ship_and_cancel(staff, buyer, *race) for race in zip(orders, starts, strict=True)]
    wait_for_messages(buyer, *winners)
    wait_for_messages(buyer, *["refunded"] * winners.count("cancelled"))

    def results():
        return [(stripe_refunds(local, buyer, o), stock_of(staff, o["lines"][0]["sku"])) for o in orders]

    wanted = [
        ([order["total"]["amount"]], (2, 0, 2)) if winner == "cancelled" else ([], (0, 0, 0))
        for order, winner in zip(orders, winners, strict=True)
    ]
    until(lambda: results() == wanted, "cancelled orders to be refunded and their stock released")
    assert after_pause(results) == wanted


def test_concurrent_identical_requests_take_effect_once(local, staff, shopper, place_paid_order):
    buyer = shopper()
    order = place_paid_order(buyer, quantity=3, stock=3, price=700)
    path, sku = f"/orders/{order['order_id']}", order["lines"][0]["sku"]

    fulfilment, once = {"carrier": "DPD", "tracking": "1"}, new_key()
    shipped = run_concurrently(*[lambda: staff.call("POST", f"{path}/fulfilments", fulfilment, **once)] * 4)
    assert Counter(answer.status for answer in shipped)[201] >= 1
    assert {answer.status for answer in shipped} <= {201, 409}
    assert len(get_order(buyer, order)["fulfilments"]) == 1

    body, once = {"lines": [{"sku": sku, "quantity": 1}], "reason": "one too many"}, new_key()
    returned = run_concurrently(*[lambda: buyer.shop.call("POST", f"{path}/returns", body, **once)] * 4)
    assert {answer.status for answer in returned} <= {201, 409}
    (return_,) = get_order(buyer, order)["returns"]

    assert decide_return(staff, order, return_["return_id"], status="approved").status == 200
    wait_for_messages(buyer, "return approved")
    received = run_concurrently(
        *[lambda: decide_return(staff, order, return_["return_id"], status="received")] * 6
    )
    assert Counter(answer.status for answer in received) == {200: 1, 409: 5}
    wait_for_messages(buyer, "return received", "refunded")
    until(lambda: stock_of(staff, sku) == (1, 0, 1), "one piece to be restocked")
    assert after_pause(lambda: stripe_refunds(local, buyer, order)) == [700]
    assert stock_of(staff, sku) == (1, 0, 1)
    assert get_order(buyer, order)["refunded"]["amount"] == 700
    messages = count_by_kind(local, buyer.email)
    assert (messages["shipped"], messages["return received"], messages["refunded"]) == (1, 1, 1)
