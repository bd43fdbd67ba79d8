"""What races what after an order is placed: one wins, and nothing happens twice."""

from collections import Counter

from localstack.demo import cards
from localstack.demo.shopper import until
from localstack.mail.templates import letters
from tests.journeys.calls import after, cancel, order_now, settle
from tests.journeys.conftest import await_letters, new_key, refunds_of, settled, stock_of
from tests.support import run_concurrently


def _pay_and_cancel(local, staff, buyer, sku, later):
    """Both at once, cancelling `later` by so many seconds; `refunded`, or `cancelled` if no money came."""
    buyer.add(sku, 2)
    placed = buyer.order(buyer.quote())
    payment = buyer.payment(placed)

    intent, cancelled = run_concurrently(
        after(-later, lambda: cards.confirm(local, payment)), after(later, lambda: cancel(buyer, placed))
    )
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")

    def over():
        status = buyer.shop.expect(200, "GET", f"/payments/{payment['payment_id']}")["status"]
        return status if status in {"cancelled", "refunded"} else None

    outcome = until(over, "the payment to be closed or given back")
    assert outcome == ("refunded" if intent.get("status") == "succeeded" else "cancelled")
    wanted = [placed["total"]["amount"]] if outcome == "refunded" else []
    assert refunds_of(local, buyer, placed) == wanted
    until(lambda: stock_of(staff, sku) == (2, 0, 2), "the stock to come back")
    assert order_now(buyer, placed)["status"] == "cancelled"
    return outcome


def test_a_payment_that_races_a_cancellation_goes_back_or_never_comes(local, staff, shopper, goods):
    buyer = shopper()
    outcomes = [
        _pay_and_cancel(local, staff, buyer, goods(stock=2), later)
        for later in (-0.2, -0.05, 0, 0.03, 0.06, 0.1, 0.2, 0.4)
    ]
    assert "refunded" in outcomes


def _ship_and_cancel(staff, buyer, order, later):
    """Both at once, cancelling `later` by so many seconds; which of them won."""
    parcel = {"carrier": "DPD", "tracking": "1"}
    path = f"/orders/{order['order_id']}/fulfilments"
    shipped, cancelled = run_concurrently(
        lambda: staff.call("POST", path, parcel, **new_key()), after(later, lambda: cancel(buyer, order))
    )
    assert (shipped.status, cancelled.status) in {(201, 409), (409, 200)}
    winner = "cancelled" if cancelled.status == 200 else "shipped"
    found = order_now(buyer, order)
    assert (found["status"], len(found["fulfilments"])) == (winner, 1 if winner == "shipped" else 0)
    return winner


def test_of_a_cancellation_and_a_shipment_one_wins(local, staff, shopper, paid):
    buyer = shopper()
    starts = (0, 0, 0.01, 0.02, 0.05)
    orders = [paid(buyer, quantity=2, stock=2) for _ in starts]
    winners = [_ship_and_cancel(staff, buyer, *race) for race in zip(orders, starts, strict=True)]
    await_letters(buyer, *winners)
    await_letters(buyer, *["refunded"] * winners.count("cancelled"))

    def ends():
        return [(refunds_of(local, buyer, o), stock_of(staff, o["lines"][0]["sku"])) for o in orders]

    wanted = [
        ([order["total"]["amount"]], (2, 0, 2)) if winner == "cancelled" else ([], (0, 0, 0))
        for order, winner in zip(orders, winners, strict=True)
    ]
    until(lambda: ends() == wanted, "money and stock of what was cancelled to come back")
    assert settled(ends) == wanted


def test_what_is_asked_twice_at_once_happens_once(local, staff, shopper, paid):
    buyer = shopper()
    order = paid(buyer, quantity=3, stock=3, price=700)
    path, sku = f"/orders/{order['order_id']}", order["lines"][0]["sku"]

    parcel, once = {"carrier": "DPD", "tracking": "1"}, new_key()
    shipped = run_concurrently(*[lambda: staff.call("POST", f"{path}/fulfilments", parcel, **once)] * 4)
    assert Counter(answer.status for answer in shipped)[201] >= 1
    assert {answer.status for answer in shipped} <= {201, 409}
    assert len(order_now(buyer, order)["fulfilments"]) == 1

    body, once = {"lines": [{"sku": sku, "quantity": 1}], "reason": "one too many"}, new_key()
    asked = run_concurrently(*[lambda: buyer.shop.call("POST", f"{path}/returns", body, **once)] * 4)
    assert {answer.status for answer in asked} <= {201, 409}
    (made,) = order_now(buyer, order)["returns"]

    assert settle(staff, order, made["return_id"], status="approved").status == 200
    await_letters(buyer, "return approved")
    received = run_concurrently(*[lambda: settle(staff, order, made["return_id"], status="received")] * 6)
    assert Counter(answer.status for answer in received) == {200: 1, 409: 5}
    await_letters(buyer, "return received", "refunded")
    until(lambda: stock_of(staff, sku) == (1, 0, 1), "one piece to be on sale again")
    assert settled(lambda: refunds_of(local, buyer, order)) == [700]
    assert stock_of(staff, sku) == (1, 0, 1)
    assert order_now(buyer, order)["refunded"]["amount"] == 700
    told = letters(local, buyer.email)
    assert (told["shipped"], told["return received"], told["refunded"]) == (1, 1, 1)
