"""What must agree in a shop at rest: one function a question, every answer with its subject."""

from ops.checks import goods, letters, money, orders, rest
from ops.checks.tally import Check

CHECKS: tuple[Check, ...] = (
    Check(
        "payments and Stripe",
        money.payments_are_as_stripe_says,
        "POST /admin/reconciliations looks at Stripe anew and repairs; what stays is for a person.",
    ),
    Check(
        "refunds and Stripe",
        money.refunds_are_as_stripe_says,
        "Redrive the payments queue; a refund that Stripe refused is in the log as `RefundsFailed`.",
    ),
    Check(
        "the ledger",
        money.the_ledger_adds_up,
        "It is append-only and written with the payment, so this is a bug: keep it, and post a correction.",
    ),
    Check(
        "orders and money",
        money.orders_keep_what_they_were_paid,
        "Redrive; then reconcile. Money kept beyond the order goes back by POST /payments/{id}/refunds.",
    ),
    Check(
        "histories",
        orders.histories_lead_to_where_orders_are,
        "An order's row was changed by hand or by a bug: compare with point-in-time recovery.",
    ),
    Check(
        "nothing is stuck",
        orders.nothing_waits_for_ever,
        "See whether the sweepers run; their logs name what they cannot do.",
    ),
    Check(
        "reservations",
        goods.reservations_follow_orders,
        "Redrive the catalog queue; an event that is lost is published again (docs/operations.md, Replay).",
    ),
    Check(
        "shelves",
        goods.shelves_hold_what_is_reserved,
        "Count the shelf and PUT /stock/{sku}; then find out who moved one counter without the other.",
    ),
    Check(
        "returned goods",
        goods.returned_goods_are_on_the_shelf,
        "Redrive the catalog queue, or POST /stock/{sku}/adjustments.",
    ),
    Check(
        "cart's view of products",
        goods.carts_know_the_products,
        "Invoke CartCommands with rebuild_replica (functions/cart/README.md).",
    ),
    Check(
        "coupons",
        goods.coupons_are_counted,
        "Redrive the cart queue; a counter of orders is put right by hand, at rest.",
    ),
    Check(
        "invoices",
        orders.invoices_have_no_gap,
        "GET /orders/{id}/invoice draws a missing file anew; a number that is missing is for the accountant.",
    ),
    Check(
        "letters",
        letters.each_letter_that_must_exist_does,
        "Redrive the notify queue, or publish the event named again.",
    ),
    Check(
        "the mailbox",
        letters.each_letter_went_out_once,
        "SES took it and it is not there: delete the letter's row and publish its event again.",
    ),
    Check(
        "Stripe's events",
        rest.each_event_was_applied,
        "POST /admin/webhooks/{event_id}/replay; the reason is in GET /admin/webhooks?status=failed.",
    ),
    Check(
        "queues",
        rest.nothing_was_given_up,
        "Look at one (docs/operations.md), put the cause right, then python -m ops.redrive.",
    ),
)
