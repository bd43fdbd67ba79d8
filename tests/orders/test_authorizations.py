"""Manual capture: orders paid by an authorization that is captured, replaced or voided."""

import pytest

from orders.app.commands import commands
from orders.app.relay import relay
from orders.domain.invoicing import invoiced
from orders.domain.orders import Order
from orders.invoicing.document import document_of
from orders.tables.rows import CounterRow
from shared.contracts.events.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentExpiring,
    PaymentRefunded,
    PaymentSucceeded,
    PaymentVoided,
)
from shared.contracts.quotes import CouponLimits
from shared.values.money import Money
from tests.log_lines import metrics
from tests.orders.conftest import read
from tests.orders.invoicing.samples import SELLER
from tests.orders.paid_orders import (
    authorized,
    fulfil,
    paid,
    placed,
    publish_payment,
    set_status,
    state,
    stored_order,
    timeline_details,
)
from tests.orders.samples import NOW
from tests.orders.test_events import images, types  # noqa: F401  a fixture
from tests.orders.test_reading import cancel
from tests.support import Context, stream_event


def test_an_authorized_order_is_paid_but_its_invoice_does_not_say_so(shop):
    order = authorized()
    publish_payment(PaymentAuthorized, order)
    assert types(order) == ["order.placed", "order.paid"]
    assert document_of(numbered(order), SELLER).payment_note == "Your card is charged on shipment."
    publish_payment(PaymentSucceeded, order, version=3, captured=order["total"]["amount"])
    assert document_of(numbered(order), SELLER).payment_note == "Paid in full, thank you."


def numbered(order: dict) -> Order:
    return invoiced(stored_order(order), "2026-000001", NOW)


def test_describe_returns_the_payment_and_the_refunded_amount(shop):
    order = paid()
    publish_payment(PaymentRefunded, order, version=3, captured=order["total"]["amount"], refunded=250)
    event = {"command": "describe", "input": {"order_id": order["order_id"]}, "request_id": "r"}
    output = commands(event, Context())["output"]
    assert (output["payment_id"], output["refunded"]) == ("pay_1", 250)


def test_an_authorization_of_another_amount_is_due_for_refund(shop):
    order = placed()
    publish_payment(PaymentAuthorized, order, secured=order["total"]["amount"] - 1)
    status, payment_id, due = state(order)
    assert (status, payment_id) == ("awaiting_payment", None)
    assert due["pay_1:late"].amount.amount == order["total"]["amount"] - 1


def test_each_capture_is_on_the_timeline_once(shop):
    order = authorized()
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 1}])
    for _ in range(2):
        publish_payment(PaymentSucceeded, order, version=3, captured=1_494)
        publish_payment(PaymentCaptured, order, version=3, captured=1_494)
    publish_payment(PaymentCaptured, order, version=5, captured=2_000)
    publish_payment(PaymentCaptured, order, version=4, captured=1_600)
    assert timeline_details(order, "payment.captured") == ["£14.94 of pay_1", "£5.06 of pay_1"]
    assert stored_order(order).captured == 2_000


def test_an_automatic_capture_adds_no_capture_to_the_timeline(shop):
    assert types(paid()) == ["order.placed", "order.paid"]


def test_cancelling_an_authorized_order_makes_its_total_due_and_notes_the_void(shop):
    order = authorized()
    assert cancel(order["order_id"]).json["status"] == "cancelled"
    assert state(order)[2]["cancel"].amount.amount == order["total"]["amount"]
    publish_payment(PaymentVoided, order, version=3, secured=0)
    publish_payment(PaymentVoided, order, version=3, secured=0)
    assert types(order)[2:] == ["order.cancelled", "refund.due", "payment.voided"]
    assert read(order["order_id"]).json["refunded"]["amount"] == 0


def test_an_authorization_that_expires_before_shipment_cancels_the_order(shop, images, published):  # noqa: F811
    limits = CouponLimits(overall=5)
    order = authorized(coupon="SPRING", coupon_limits=limits)
    assert CounterRow.get("coupon#SPRING").value == 1
    publish_payment(PaymentVoided, order, version=3, secured=0)
    shown = read(order["order_id"]).json
    assert (shown["status"], shown["reason"]) == ("cancelled", "authorization_expired")
    assert (state(order)[2], CounterRow.get("coupon#SPRING").value) == ({}, 0)
    relay(stream_event(*images), Context())
    published_events = [(event["type"], event["sequence"]) for event in published("orders")]
    assert published_events == [("order.placed", 1), ("order.paid", 2), ("order.cancelled", 3)]
    publish_payment(PaymentAuthorized, order, "pay_2", version=2)
    assert "pay_2:late" in state(order)[2], "a late payment is refunded"


def test_an_authorization_that_expires_after_a_part_shipment_is_reported(shop, capsys):
    order = authorized()
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 1}])
    publish_payment(PaymentSucceeded, order, version=3, captured=1_494)
    publish_payment(PaymentVoided, order, version=4, captured=1_494, secured=1_494)
    assert state(order) == ("partially_shipped", "pay_1", {})
    assert types(order)[-1] == "payment.voided"
    assert "OrdersPaidInPart" in capsys.readouterr().out
    assert stored_order(order).refundable == 1_494
    publish_payment(PaymentRefunded, order, version=5, captured=1_494, secured=1_494, refunded=1_494)
    assert state(order)[0] == "refunded", "everything captured is refunded"


@pytest.mark.parametrize("captured", [0, 1_494])
@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_shipped_goods_without_payment_are_reported_once(shop, capsys, status, captured):
    order = authorized()
    capsys.readouterr()  # placing an order counts too
    for at in ("shipped", "delivered")[: 1 + (status == "delivered")]:
        set_status(order, status=at)
    for _ in range(2):
        publish_payment(PaymentVoided, order, version=4, captured=captured, secured=captured)
    assert state(order) == (status, "pay_1", {})
    assert metrics(capsys) == {"OrdersPaidInPart": 1}


def test_a_void_after_full_capture_is_not_reported(shop, capsys):
    order = authorized()
    set_status(order, status="shipped")
    total = order["total"]["amount"]
    publish_payment(PaymentVoided, order, version=4, captured=total, secured=total)
    assert "OrdersPaidInPart" not in capsys.readouterr().out


def test_a_newer_payment_replaces_an_expiring_authorization(shop):
    order = authorized()
    publish_payment(PaymentExpiring, order, version=3, hold_until=NOW)
    publish_payment(PaymentAuthorized, order, "pay_2")
    assert state(order) == ("paid", "pay_2", {})
    for _ in range(2):
        publish_payment(PaymentAuthorized, order)
        publish_payment(PaymentAuthorized, order, "pay_2")
    assert state(order) == ("paid", "pay_2", {})
    assert types(order)[2:] == ["payment.expiring", "payment.renewed"]
    assert timeline_details(order, "payment.expiring") == [
        "pay_1, authorized until 21 November 2026 12:00 UTC"
    ]
    assert cancel(order["order_id"]).status == 200
    assert state(order)[2]["cancel"].payment_id == "pay_2"


def test_a_newer_authorization_pays_for_goods_shipped_before(shop):
    order = authorized()
    fulfil(order)
    publish_payment(PaymentAuthorized, order, "pay_2")
    assert state(order) == ("shipped", "pay_2", {})
    publish_payment(PaymentSucceeded, order, "pay_2", version=3, captured=order["total"]["amount"])
    assert (stored_order(order).captured, state(order)[2]) == (order["total"]["amount"], {})


def test_a_captured_authorization_is_not_replaced(shop):
    order = authorized()
    fulfil(order)
    publish_payment(PaymentAuthorized, order, "pay_2")
    publish_payment(PaymentVoided, order, "pay_2", version=3, secured=0)
    publish_payment(PaymentSucceeded, order, version=3, captured=order["total"]["amount"])
    assert state(order) == ("shipped", "pay_1", {})
    publish_payment(PaymentAuthorized, order, "pay_2")
    assert state(order) == ("shipped", "pay_1", {})


def test_an_older_payment_does_not_replace_a_newer_one(shop):
    order = authorized("pay_2")
    publish_payment(PaymentAuthorized, order, "pay_1")
    status, payment_id, due = state(order)
    assert (status, payment_id, list(due)) == ("paid", "pay_2", ["pay_1:late"])


def test_the_second_of_two_captured_payments_is_due_for_refund(shop):
    order = paid()
    publish_payment(PaymentSucceeded, order, "pay_2", captured=order["total"]["amount"])
    assert (state(order)[1], list(state(order)[2])) == ("pay_1", ["pay_2:late"])


def test_a_newer_payment_is_due_for_refund_after_a_capture(shop):
    order = authorized()
    fulfil(order, lines=[{"sku": "SKU-0000", "quantity": 1}])
    publish_payment(PaymentSucceeded, order, version=3, captured=1_494)
    publish_payment(PaymentAuthorized, order, "pay_2")
    assert (state(order)[1], list(state(order)[2])) == ("pay_1", ["pay_2:late"])


def test_a_payment_voided_before_its_authorization_event_pays_nothing(shop):
    order = placed()
    publish_payment(PaymentVoided, order, version=3, secured=0)
    publish_payment(PaymentAuthorized, order, version=2)
    assert state(order) == ("awaiting_payment", None, {})
    publish_payment(PaymentAuthorized, order, "pay_2")
    assert state(order)[:2] == ("paid", "pay_2")


@pytest.mark.parametrize("mine", [True, False])
def test_a_capture_of_another_payment_only_updates_its_totals(shop, mine):
    order = authorized()
    publish_payment(PaymentCaptured, order, "pay_1" if mine else "pay_9", version=7, captured=100)
    assert len(timeline_details(order, "payment.captured")) == mine
    assert stored_order(order).totals_of("pay_1" if mine else "pay_9").captured == 100
    assert isinstance(stored_order(order).agreed_terms.total, Money)
