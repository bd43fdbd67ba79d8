"""Money that was given back and did not arrive: the books say so, and it can be given again."""

from tests.shop import books, shopping
from tests.shop.shopping import ADA
from tests.support import keyed, staff

ON_HAND = {"A": 5}


def test_a_refund_that_fails_later_is_due_again_and_the_books_balance(house):
    shopping.open_shop(house, ON_HAND)
    order_id = shopping.paid(house, ADA, "A", 2)
    assert shopping.cancel(house, ADA, order_id, "changed my mind").status == 200
    house.pump()
    (order,) = books.orders()
    total = order.agreed.total.amount
    assert order.refunded == total
    shopping.fail_refunds(house, order_id)
    house.pump()
    books.check(house, ON_HAND)
    books.check_sequences(house)
    (order,) = books.orders()
    assert order.refunded == 0
    assert "refund.failed" in [entry.type.value for entry in order.timeline]
    path = f"/payments/{order.payment_id}/refunds"
    again = house.call("payments", "POST", path, {}, staff(), keyed("again")["Idempotency-Key"])
    assert again.status == 201, again.json
    house.pump()
    books.check(house, ON_HAND)
    (order,) = books.orders()
    assert order.refunded == total
