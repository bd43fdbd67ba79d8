"""Ways to make a consistent shop inconsistent, each with the check that must find it.

A tamper function returns the subject of the difference that it causes.
"""

import json
from collections.abc import Callable
from typing import Any

import boto3

from tests.support import REGION

Tamper = Callable[[Any], str]
TAMPERED: dict[str, tuple[str, Tamper]] = {}


def found_by(check: str) -> Callable[[Tamper], Tamper]:
    def register(tamper: Tamper) -> Tamper:
        TAMPERED[tamper.__name__] = (check, tamper)
        return tamper

    return register


def _payment(shop: Any, order: str) -> dict[str, Any]:
    row: dict[str, Any] = shop.row("payments", sk="payment", order_id=shop.orders[order])
    return row


def _order(shop: Any, order: str) -> dict[str, Any]:
    row: dict[str, Any] = shop.row("orders", order_id=shop.orders[order])
    return row


def _notifications(shop: Any) -> list[dict[str, Any]]:
    return [row for row in shop.rows("notifications") if row["pk"].startswith("ntf_")]


def _confirmation(shop: Any) -> dict[str, Any]:
    """Return the confirmation of the returned order; its invoice is attached."""
    rows = [row for row in _notifications(shop) if row.get("order_id") == shop.orders["returned"]]
    return next(row for row in rows if row["template"] == "order_confirmation")


def _changed(shop: Any, table: str, row: dict[str, Any], **changes: Any) -> None:
    shop.put(table, row | changes)


@found_by("payments match Stripe")
def a_payment_has_another_status_than_at_stripe(shop):
    row = _payment(shop, "paid with a coupon")
    _changed(shop, "payments", row, status="partially_refunded")
    return row["payment_id"]


@found_by("payments match Stripe")
def a_payment_intent_has_no_payment(shop):
    params: Any = {
        "amount": 900,
        "currency": "gbp",
        "metadata": {"payment_id": "pay_none", "order_id": "ord_none"},
    }
    return shop.stage.stripe.payment_intents.create(params).id


@found_by("payments match Stripe")
def a_payment_intent_is_missing_at_stripe(shop):
    row = _payment(shop, "expired")
    real = row["intent_id"]
    params: Any = {"metadata": {"order_id": "", "payment_id": ""}}
    shop.stage.stripe.payment_intents.update(real, params)
    _changed(shop, "payments", row, intent_id="pi_none")
    return row["payment_id"]


@found_by("refunds match Stripe")
def a_requested_refund_is_missing_at_stripe(shop):
    row = _payment(shop, "cancelled")
    refund = next(r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ref_"))
    params = refund | {"sk": "ref_lost", "status": "requested"}
    shop.put("payments", {k: v for k, v in params.items() if k != "provider_id"})
    return f"{row['payment_id']} ref_lost"


@found_by("refunds match Stripe")
def a_refund_has_another_amount_than_at_stripe(shop):
    row = _payment(shop, "returned")
    refund = next(r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ref_"))
    _changed(shop, "payments", refund, amount=refund["amount"] - 1)
    return f"{row['payment_id']} {refund['sk']}"


@found_by("the ledger balances")
def a_ledger_entry_does_not_sum_to_zero(shop):
    row = _payment(shop, "paid with a coupon")
    entry = next(r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ledger#"))
    (account, amount), *rest = json.loads(entry["lines"])
    _changed(shop, "payments", entry, lines=json.dumps([[account, amount + 1], *rest]))
    return row["payment_id"]


@found_by("the ledger balances")
def a_ledger_entry_is_missing(shop):
    row = _payment(shop, "returned")
    entries = [r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ledger#")]
    shop.delete("payments", max(entries, key=lambda r: r["sk"]))
    return row["payment_id"]


@found_by("orders match payments")
def an_order_has_two_captured_payments(shop):
    """The second payment matches Stripe and its ledger."""
    order_id = shop.orders["paid with a coupon"]
    params: Any = {
        "amount": 900,
        "currency": "gbp",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {"payment_id": "pay_second", "order_id": order_id},
    }
    intent = shop.stage.stripe.payment_intents.create(params)
    row = _payment(shop, "paid with a coupon")
    second = {
        "pk": "payment#pay_second",
        "payment_id": "pay_second",
        "intent_id": intent.id,
        "amount": 900,
        "captured": 900,
    }
    shop.put("payments", row | second)
    lines = json.dumps([["stripe", 900], ["sales", -900]])
    entry = {"pk": second["pk"], "sk": "ledger#0000000002", "kind": "captured", "currency": "GBP"}
    shop.put("payments", entry | {"lines": lines})
    return order_id


@found_by("orders match payments")
def an_order_has_no_record_of_its_refund(shop):
    row = _order(shop, "returned")
    shop.put("orders", {k: v for k, v in row.items() if k != "refunded"})
    return row["order_id"]


@found_by("orders match payments")
def an_order_owes_a_refund(shop):
    row = _order(shop, "paid with a coupon")
    due = {"staff": [row["payment_id"], 100, "GBP", "a chip in the rim"]}
    _changed(shop, "orders", row, refunds_due=json.dumps(due))
    return row["order_id"]


@found_by("timelines match orders")
def an_order_has_a_status_without_timeline_entry(shop):
    row = _order(shop, "paid with a coupon")
    _changed(shop, "orders", row, status="shipped")
    return row["order_id"]


@found_by("timelines match orders")
def a_timeline_is_not_in_order_of_time(shop):
    row = _order(shop, "returned")
    timeline = json.loads(row["timeline"])
    timeline[0][0] += 10**9
    _changed(shop, "orders", row, timeline=json.dumps(timeline))
    return row["order_id"]


@found_by("nothing is overdue")
def an_order_is_past_its_deadline(shop):
    row = _order(shop, "waiting")
    _changed(shop, "orders", row, expires_at="2020-01-01T00:00:00.000000+0000")
    return row["order_id"]


@found_by("reservations match orders")
def a_paid_order_has_no_reservation(shop):
    order_id = shop.orders["paid with a coupon"]
    shop.delete("catalog", shop.row("catalog", pk=f"reservation#{order_id}", sk="head"))
    return order_id


@found_by("stock matches reservations")
def more_stock_is_reserved_than_orders_hold(shop):
    row = shop.row("catalog", sku="B")
    _changed(shop, "catalog", row, reserved=row["reserved"] + 1)
    return "B"


@found_by("returns are restocked")
def a_received_return_is_not_restocked(shop):
    mark = next(r for r in shop.rows("catalog-idempotency") if r["pk"].startswith("event#ret_"))
    shop.delete("catalog-idempotency", mark)
    return mark["pk"].removeprefix("event#").rpartition(".")[0]


@found_by("the cart's replica is current")
def the_cart_has_a_wrong_available_quantity(shop):
    row = shop.row("carts", pk="product#A")
    _changed(shop, "carts", row, available=row["available"] + 1)
    return "A"


@found_by("coupon counters match orders")
def a_coupon_counter_of_orders_is_too_high(shop):
    row = shop.row("orders-counters", pk="coupon#TEN")
    _changed(shop, "orders-counters", row, value=row["value"] + 1)
    return "coupon#TEN"


@found_by("coupon counters match orders")
def a_coupon_counter_of_the_cart_is_too_low(shop):
    row = shop.row("carts", pk="uses#TEN")
    _changed(shop, "carts", row, used=0)
    return "uses#TEN"


@found_by("invoices are complete")
def an_invoice_number_is_missing(shop):
    row = next(r for r in shop.rows("orders-counters") if r["pk"].startswith("invoices#"))
    _changed(shop, "orders-counters", row, value=row["value"] + 1)
    return row["pk"]


@found_by("invoices are complete")
def an_invoice_file_is_missing(shop):
    s3 = boto3.client("s3", region_name=REGION)
    order_id = shop.orders["returned"]
    bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "-invoices-" in b["Name"])
    (key,) = (k for k in shop.stage.files("invoices") if k.endswith(f"{order_id}.pdf"))
    s3.delete_object(Bucket=bucket, Key=key)
    return order_id


@found_by("events have notifications")
def a_notification_row_is_missing(shop):
    """Remove the email too, because otherwise the check of the mailbox would find it."""
    order_id = shop.orders["returned"]
    rows = [r for r in _notifications(shop) if r["event_id"].startswith(order_id)]
    row = next(r for r in rows if r["event_id"].endswith("order.delivered"))
    shop.delete("notifications", row)
    shop.remove_email(row["provider_id"])
    return row["event_id"]


@found_by("events have notifications")
def a_confirmation_is_missing(shop):
    row = _confirmation(shop)
    shop.put("notifications", row | {"template": "welcome"})
    return row["event_id"].replace("3.order.invoiced", "2.order.paid")


@found_by("events have notifications")
def an_invoice_was_never_sent(shop):
    row = _confirmation(shop)
    shop.put("notifications", {name: value for name, value in row.items() if name != "invoice_number"})
    return row["event_id"]


@found_by("events have notifications")
def an_invoice_was_sent_twice(shop):
    row = _confirmation(shop)
    alone = {"pk": "ntf_alone", "template": "invoice", "status": "suppressed"}
    shop.put("notifications", row | alone)
    return row["event_id"]


@found_by("events have notifications")
def a_notification_has_no_event(shop):
    row = next(r for r in _notifications(shop) if r["event_id"].endswith("order.delivered"))
    event_id = row["event_id"].replace(".order.delivered", "9.order.delivered")
    shop.put("notifications", row | {"pk": "ntf_strange", "status": "suppressed", "event_id": event_id})
    return event_id


@found_by("events have notifications")
def a_notification_stays_queued(shop):
    row = next(r for r in _notifications(shop) if r["event_id"].endswith("order.expired"))
    shop.put("notifications", row | {"status": "queued", "leased_until": 0})
    shop.remove_email(row["provider_id"])
    return row["pk"]


@found_by("sent emails are in the mailbox")
def a_sent_email_is_not_in_the_mailbox(shop):
    row = next(r for r in _notifications(shop) if r["status"] == "sent")
    shop.remove_email(row["provider_id"])
    return row["pk"]


@found_by("Stripe's events are applied")
def a_stripe_event_stays_received(shop):
    row = next(r for r in shop.rows("stripe-events") if r["status"] == "applied")
    _changed(shop, "stripe-events", row, status="received")
    return row["pk"]


@found_by("Stripe's events are applied")
def a_stripe_event_failed(shop):
    row = next(r for r in shop.rows("stripe-events") if r["status"] == "applied")
    _changed(shop, "stripe-events", row, status="failed", reason="a bug")
    return row["pk"]


@found_by("dead-letter queues are empty")
def a_message_is_in_a_dead_letter_queue(shop):
    url = shop.stage.queues()["tillstack-test-notify-dlq"]
    boto3.client("sqs", region_name=REGION).send_message(QueueUrl=url, MessageBody="{}")
    return "tillstack-test-notify-dlq"
