"""Money that is held before it is taken: paid by a hold, renewed, captured, let go of."""

import pytest

from orders.app import commands, relay
from orders.domain.invoicing import invoiced
from orders.domain.orders import Order
from orders.invoicing.document import document_of
from orders.tables.rows import CounterRow
from shared.contracts.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentExpiring,
    PaymentRefunded,
    PaymentSucceeded,
    PaymentVoided,
)
from shared.contracts.quotes import CouponLimits
from shared.values.money import Money
from tests.orders.conftest import read
from tests.orders.invoicing.samples import SELLER
from tests.orders.paid_orders import details, fulfil, held, now, order_of, paid, placed, say, set_status
from tests.orders.samples import NOW
from tests.orders.test_events import images, types  # noqa: F401  a fixture
from tests.orders.test_reading import cancel
from tests.support import Context, stream_event


def test_an_order_is_paid_when_its_total_is_held_and_its_invoice_does_not_say_it_was_taken(shop):
    order = held()
    say(PaymentAuthorized, order)
    assert types(order) == ["order.placed", "order.paid"]
    assert document_of(numbered(order), SELLER).payment_note == "Your card is charged as the goods leave."
    say(PaymentSucceeded, order, version=3, captured=order["total"]["amount"])
    assert document_of(numbered(order), SELLER).payment_note == "Paid in full, thank you."


def numbered(order: dict) -> Order:
    return invoiced(order_of(order), "2026-000001", NOW)


def test_payments_is_told_who_paid_and_what_went_back(shop):
    order = paid()
    say(PaymentRefunded, order, version=3, captured=order["total"]["amount"], refunded=250)
    asked = {"command": "describe", "input": {"order_id": order["order_id"]}, "request_id": "r"}
    answer = commands(asked, Context())["output"]
    assert (answer["payment_id"], answer["refunded"]) == ("pay_1", 250)


def test_a_hold_of_another_sum_is_due_back_and_the_order_waits_on(shop):
    order = placed()
    say(PaymentAuthorized, order, secured=order["total"]["amount"] - 1)
    status, payment_id, due = now(order)
    assert (status, payment_id) == ("awaiting_payment", None)
    assert due["pay_1:late"].amount.amount == order["total"]["amount"] - 1


def test_what_is_captured_stands_on_the_timeline_once(shop):
    order = held()
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 1}])
    for _ in range(2):
        say(PaymentSucceeded, order, version=3, captured=1_494)
        say(PaymentCaptured, order, version=3, captured=1_494)
    say(PaymentCaptured, order, version=5, captured=2_000)
    say(PaymentCaptured, order, version=4, captured=1_600)
    assert details(order, "payment.captured") == ["£14.94 of pay_1", "£5.06 of pay_1"]
    assert order_of(order).captured == 2_000


def test_what_is_taken_at_once_is_no_capture_of_its_own(shop):
    assert types(paid()) == ["order.placed", "order.paid"]


def test_a_cancelled_order_owes_what_may_have_come_in_and_the_void_is_noted(shop):
    order = held()
    assert cancel(order["order_id"]).json["status"] == "cancelled"
    assert now(order)[2]["cancel"].amount.amount == order["total"]["amount"]
    say(PaymentVoided, order, version=3, secured=0)
    say(PaymentVoided, order, version=3, secured=0)
    assert types(order)[2:] == ["order.cancelled", "refund.due", "payment.voided"]
    assert read(order["order_id"]).json["refunded"]["amount"] == 0


def test_where_the_hold_lapses_before_anything_left_the_order_is_given_up(shop, images, published):  # noqa: F811
    limits = CouponLimits(overall=5)
    order = held(coupon="SPRING", coupon_limits=limits)
    assert CounterRow.get("coupon#SPRING").value == 1
    say(PaymentVoided, order, version=3, secured=0)
    shown = read(order["order_id"]).json
    assert (shown["status"], shown["reason"]) == ("cancelled", "authorization_expired")
    assert (now(order)[2], CounterRow.get("coupon#SPRING").value) == ({}, 0)
    relay(stream_event(*images), Context())
    said = [(event["type"], event["sequence"]) for event in published("orders")]
    assert said == [("order.placed", 1), ("order.paid", 2), ("order.cancelled", 3)]
    say(PaymentAuthorized, order, "pay_2", version=2)
    assert "pay_2:late" in now(order)[2], "who pays anew too late gets it back"


def test_where_a_part_has_left_staff_must_see_to_the_rest(shop, capsys):
    order = held()
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 1}])
    say(PaymentSucceeded, order, version=3, captured=1_494)
    say(PaymentVoided, order, version=4, captured=1_494, secured=1_494)
    assert now(order) == ("partially_shipped", "pay_1", {})
    assert types(order)[-1] == "payment.voided"
    assert "OrdersPaidInPart" in capsys.readouterr().out
    assert order_of(order).refundable == 1_494
    say(PaymentRefunded, order, version=5, captured=1_494, secured=1_494, refunded=1_494)
    assert now(order)[0] == "refunded", "all that came in is back"


@pytest.mark.parametrize("captured", [0, 1_494])
@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_what_has_left_and_will_not_be_paid_for_is_seen_by_staff(shop, capsys, status, captured):
    order = held()
    for at in ("shipped", "delivered")[: 1 + (status == "delivered")]:
        set_status(order, status=at)
    for _ in range(2):
        say(PaymentVoided, order, version=4, captured=captured, secured=captured)
    assert now(order) == (status, "pay_1", {})
    assert capsys.readouterr().out.count('"OrdersPaidInPart":[') == 1


def test_a_hold_that_ends_with_all_of_it_captured_is_nothing_to_see(shop, capsys):
    order = held()
    set_status(order, status="shipped")
    total = order["total"]["amount"]
    say(PaymentVoided, order, version=4, captured=total, secured=total)
    assert "OrdersPaidInPart" not in capsys.readouterr().out


def test_a_newer_payment_takes_the_place_of_a_hold_that_lapses_soon(shop):
    order = held()
    say(PaymentExpiring, order, version=3, capture_before=NOW)
    say(PaymentAuthorized, order, "pay_2")
    assert now(order) == ("paid", "pay_2", {})
    for _ in range(2):
        say(PaymentAuthorized, order)
        say(PaymentAuthorized, order, "pay_2")
    assert now(order) == ("paid", "pay_2", {})
    assert types(order)[2:] == ["payment.expiring", "payment.renewed"]
    assert details(order, "payment.expiring") == ["pay_1, authorized until 21 November 2026 12:00 UTC"]
    assert cancel(order["order_id"]).status == 200
    assert now(order)[2]["cancel"].payment_id == "pay_2"


def test_goods_that_left_meanwhile_are_paid_for_by_the_newer_hold(shop):
    order = held()
    fulfil(order)
    say(PaymentAuthorized, order, "pay_2")
    assert now(order) == ("shipped", "pay_2", {})
    say(PaymentSucceeded, order, "pay_2", version=3, captured=order["total"]["amount"])
    assert (order_of(order).captured, now(order)[2]) == (order["total"]["amount"], {})


def test_a_hold_that_was_captured_after_all_keeps_its_place(shop):
    order = held()
    fulfil(order)
    say(PaymentAuthorized, order, "pay_2")
    say(PaymentVoided, order, "pay_2", version=3, secured=0)
    say(PaymentSucceeded, order, version=3, captured=order["total"]["amount"])
    assert now(order) == ("shipped", "pay_1", {})
    say(PaymentAuthorized, order, "pay_2")
    assert now(order) == ("shipped", "pay_1", {})


def test_an_older_payment_that_is_heard_of_late_takes_no_place(shop):
    order = held("pay_2")
    say(PaymentAuthorized, order, "pay_1")
    status, payment_id, due = now(order)
    assert (status, payment_id, list(due)) == ("paid", "pay_2", ["pay_1:late"])


def test_of_two_payments_that_were_taken_the_second_is_due_back(shop):
    order = paid()
    say(PaymentSucceeded, order, "pay_2", captured=order["total"]["amount"])
    assert (now(order)[1], list(now(order)[2])) == ("pay_1", ["pay_2:late"])


def test_once_money_came_in_a_newer_payment_is_due_back(shop):
    order = held()
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 1}])
    say(PaymentSucceeded, order, version=3, captured=1_494)
    say(PaymentAuthorized, order, "pay_2")
    assert (now(order)[1], list(now(order)[2])) == ("pay_1", ["pay_2:late"])


def test_what_was_let_go_of_before_it_was_heard_of_pays_for_nothing(shop):
    order = placed()
    say(PaymentVoided, order, version=3, secured=0)
    say(PaymentAuthorized, order, version=2)
    assert now(order) == ("awaiting_payment", None, {})
    say(PaymentAuthorized, order, "pay_2")
    assert now(order)[:2] == ("paid", "pay_2")


@pytest.mark.parametrize("mine", [True, False])
def test_a_capture_of_a_payment_that_is_not_the_orders_is_only_counted(shop, mine):
    order = held()
    say(PaymentCaptured, order, "pay_1" if mine else "pay_9", version=7, captured=100)
    assert len(details(order, "payment.captured")) == mine
    assert order_of(order).totals_of("pay_1" if mine else "pay_9").captured == 100
    assert isinstance(order_of(order).agreed_terms.total, Money)
