"""Ways in which a shop can be wrong, each done to a shop where all is well: name → (check, how).

How it is done answers with the subject that is to be found.
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


def _letters(shop: Any) -> list[dict[str, Any]]:
    return [row for row in shop.rows("notifications") if row["pk"].startswith("ntf_")]


def _changed(shop: Any, table: str, row: dict[str, Any], **changes: Any) -> None:
    shop.put(table, row | changes)


@found_by("payments and Stripe")
def a_payment_knows_another_status_than_stripe(shop):
    row = _payment(shop, "paid with a coupon")
    _changed(shop, "payments", row, status="partially_refunded")
    return row["payment_id"]


@found_by("payments and Stripe")
def a_payment_intent_of_ours_belongs_to_no_payment(shop):
    asked: Any = {
        "amount": 900,
        "currency": "gbp",
        "metadata": {"payment_id": "pay_none", "order_id": "ord_none"},
    }
    return shop.stage.stripe.payment_intents.create(asked).id


@found_by("payments and Stripe")
def stripe_does_not_know_the_intent(shop):
    row = _payment(shop, "expired")
    real = row["provider_id"]
    asked: Any = {"metadata": {"order_id": "", "payment_id": ""}}
    shop.stage.stripe.payment_intents.update(real, asked)
    _changed(shop, "payments", row, provider_id="pi_none")
    return row["payment_id"]


@found_by("refunds and Stripe")
def a_refund_never_reached_stripe(shop):
    row = _payment(shop, "cancelled")
    refund = next(r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ref_"))
    asked = refund | {"sk": "ref_left", "status": "requested"}
    shop.put("payments", {k: v for k, v in asked.items() if k != "provider_id"})
    return f"{row['payment_id']} ref_left"


@found_by("refunds and Stripe")
def a_refund_is_of_another_amount_than_stripes(shop):
    row = _payment(shop, "returned")
    refund = next(r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ref_"))
    _changed(shop, "payments", refund, amount=refund["amount"] - 1)
    return f"{row['payment_id']} {refund['sk']}"


@found_by("the ledger")
def an_entry_does_not_sum_to_zero(shop):
    row = _payment(shop, "paid with a coupon")
    entry = next(r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ledger#"))
    (account, amount), *rest = json.loads(entry["lines"])
    _changed(shop, "payments", entry, lines=json.dumps([[account, amount + 1], *rest]))
    return row["payment_id"]


@found_by("the ledger")
def an_entry_is_missing(shop):
    row = _payment(shop, "returned")
    entries = [r for r in shop.rows("payments") if r["pk"] == row["pk"] and r["sk"].startswith("ledger#")]
    shop.delete("payments", max(entries, key=lambda r: r["sk"]))
    return row["payment_id"]


@found_by("orders and money")
def an_order_was_paid_twice(shop):
    """By another payment that is all right with Stripe, and in its ledger."""
    order_id = shop.orders["paid with a coupon"]
    asked: Any = {
        "amount": 900,
        "currency": "gbp",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {"payment_id": "pay_second", "order_id": order_id},
    }
    intent = shop.stage.stripe.payment_intents.create(asked)
    row = _payment(shop, "paid with a coupon")
    second = {
        "pk": "payment#pay_second",
        "payment_id": "pay_second",
        "provider_id": intent.id,
        "amount": 900,
        "captured": 900,
    }
    shop.put("payments", row | second)
    lines = json.dumps([["stripe", 900], ["sales", -900]])
    entry = {"pk": second["pk"], "sk": "ledger#0000000002", "kind": "captured", "currency": "GBP"}
    shop.put("payments", entry | {"lines": lines})
    return order_id


@found_by("orders and money")
def an_order_did_not_hear_of_its_refund(shop):
    row = _order(shop, "returned")
    shop.put("orders", {k: v for k, v in row.items() if k != "refunded"})
    return row["order_id"]


@found_by("orders and money")
def an_order_owes_money(shop):
    row = _order(shop, "paid with a coupon")
    due = {"by hand": [row["payment_id"], 100, "GBP", "a chip in the rim"]}
    _changed(shop, "orders", row, refunds_due=json.dumps(due))
    return row["order_id"]


@found_by("histories")
def an_order_is_further_than_its_history(shop):
    row = _order(shop, "paid with a coupon")
    _changed(shop, "orders", row, status="shipped")
    return row["order_id"]


@found_by("histories")
def an_order_was_delivered_before_it_left(shop):
    row = _order(shop, "returned")
    timeline = json.loads(row["timeline"])
    timeline[0][0] += 10**9
    _changed(shop, "orders", row, timeline=json.dumps(timeline))
    return row["order_id"]


@found_by("nothing is stuck")
def an_order_outlives_its_deadline(shop):
    row = _order(shop, "waiting")
    _changed(shop, "orders", row, expires_at="2020-01-01T00:00:00.000000+0000")
    return row["order_id"]


@found_by("reservations")
def an_order_holds_nothing(shop):
    order_id = shop.orders["paid with a coupon"]
    shop.delete("catalog", shop.row("catalog", pk=f"reservation#{order_id}", sk="head"))
    return order_id


@found_by("shelves")
def more_is_reserved_than_orders_hold(shop):
    row = shop.row("catalog", sku="B")
    _changed(shop, "catalog", row, reserved=row["reserved"] + 1)
    return "B"


@found_by("returned goods")
def returned_goods_were_not_put_on_the_shelf(shop):
    mark = next(r for r in shop.rows("catalog-idempotency") if r["pk"].startswith("event#ret_"))
    shop.delete("catalog-idempotency", mark)
    return mark["pk"].removeprefix("event#").rpartition(".")[0]


@found_by("cart's view of products")
def carts_think_there_is_more_than_there_is(shop):
    row = shop.row("carts", pk="product#A")
    _changed(shop, "carts", row, available=row["available"] + 1)
    return "A"


@found_by("coupons")
def a_coupon_is_counted_once_too_often(shop):
    row = shop.row("orders-counters", pk="coupon#TEN")
    _changed(shop, "orders-counters", row, value=row["value"] + 1)
    return "coupon#TEN"


@found_by("coupons")
def the_cart_did_not_hear_of_an_order_with_a_coupon(shop):
    row = shop.row("carts", pk="uses#TEN")
    _changed(shop, "carts", row, used=0)
    return "uses#TEN"


@found_by("invoices")
def a_number_was_given_to_nobody(shop):
    row = next(r for r in shop.rows("orders-counters") if r["pk"].startswith("invoices#"))
    _changed(shop, "orders-counters", row, value=row["value"] + 1)
    return row["pk"]


@found_by("invoices")
def a_file_of_an_invoice_is_gone(shop):
    s3 = boto3.client("s3", region_name=REGION)
    order_id = shop.orders["returned"]
    bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "-invoices-" in b["Name"])
    (key,) = (k for k in shop.stage.files("invoices") if k.endswith(f"{order_id}.pdf"))
    s3.delete_object(Bucket=bucket, Key=key)
    return order_id


@found_by("letters")
def an_event_of_an_order_has_no_letter(shop):
    """Nor a mail: else the mailbox would wonder about that."""
    order_id = shop.orders["returned"]
    rows = [r for r in _letters(shop) if r["event_id"].startswith(order_id)]
    row = next(r for r in rows if r["event_id"].endswith("order.delivered"))
    shop.delete("notifications", row)
    shop.forget_mail(row["provider_id"])
    return row["event_id"]


@found_by("letters")
def a_letter_is_of_what_never_was(shop):
    row = next(r for r in _letters(shop) if r["event_id"].endswith("order.delivered"))
    said = row["event_id"].replace(".order.delivered", "9.order.delivered")
    shop.put("notifications", row | {"pk": "ntf_strange", "status": "suppressed", "event_id": said})
    return said


@found_by("letters")
def nobody_sends_a_letter_any_more(shop):
    row = next(r for r in _letters(shop) if r["event_id"].endswith("order.expired"))
    shop.put("notifications", row | {"status": "queued", "leased_until": 0})
    shop.forget_mail(row["provider_id"])
    return row["pk"]


@found_by("the mailbox")
def a_letter_that_is_noted_as_sent_did_not_arrive(shop):
    row = next(r for r in _letters(shop) if r["status"] == "sent")
    shop.forget_mail(row["provider_id"])
    return row["pk"]


@found_by("Stripe's events")
def an_event_of_stripe_was_not_applied(shop):
    row = next(r for r in shop.rows("stripe-events") if r["status"] == "applied")
    _changed(shop, "stripe-events", row, status="received")
    return row["pk"]


@found_by("Stripe's events")
def an_event_of_stripe_failed(shop):
    row = next(r for r in shop.rows("stripe-events") if r["status"] == "applied")
    _changed(shop, "stripe-events", row, status="failed", reason="a bug")
    return row["pk"]


@found_by("queues")
def a_message_was_given_up(shop):
    url = shop.stage.queues()["tillstack-test-notify-dlq"]
    boto3.client("sqs", region_name=REGION).send_message(QueueUrl=url, MessageBody="{}")
    return "tillstack-test-notify-dlq"
