"""The audit's checks, each with the first step to take if it finds a difference."""

from ops.checks import inventory, money, notifications, orders, processing
from ops.checks.results import Check

CHECKS: tuple[Check, ...] = (
    Check(
        "payments match Stripe",
        money.payments_match_stripe,
        "POST /admin/reconciliations repairs most differences. Examine the others in Stripe's dashboard.",
    ),
    Check(
        "refunds match Stripe",
        money.refunds_match_stripe,
        "Redrive the payments queue. A refund that Stripe rejected is logged as `refund failed`.",
    ),
    Check(
        "the ledger balances",
        money.the_ledger_balances,
        "The ledger is append-only and written with the payment, so this is a bug. Post a correction.",
    ),
    Check(
        "orders match payments",
        money.orders_match_payments,
        "Redrive, then reconcile. Refund money that the order does not owe by POST /payments/{id}/refunds.",
    ),
    Check(
        "timelines match orders",
        orders.timelines_match_orders,
        "Somebody or a bug changed the order's row. Compare it with point-in-time recovery.",
    ),
    Check(
        "nothing is overdue",
        orders.nothing_is_overdue,
        "Check whether the sweepers run. Their logs name what they cannot do.",
    ),
    Check(
        "reservations match orders",
        inventory.reservations_match_orders,
        "Redrive the catalog queue. Publish a lost event again (docs/operations.md, Replay).",
    ),
    Check(
        "stock matches reservations",
        inventory.stock_matches_reservations,
        "Count the stock and PUT /stock/{sku}. Then find what changed one counter without the other.",
    ),
    Check(
        "returns are restocked",
        inventory.received_returns_are_restocked,
        "Redrive the catalog queue, or POST /stock/{sku}/adjustments.",
    ),
    Check(
        "the cart's replica is current",
        inventory.the_carts_replica_is_current,
        "Invoke CartCommands with rebuild_replica (functions/cart/README.md).",
    ),
    Check(
        "coupon counters match orders",
        inventory.coupon_counters_match_orders,
        "Redrive the cart queue. Correct a counter of orders in its row while no orders are placed.",
    ),
    Check(
        "invoices are complete",
        orders.invoices_are_complete,
        "GET /orders/{id}/invoice creates a missing file again. Report a missing number to the accountant.",
    ),
    Check(
        "events have notifications",
        notifications.events_have_notifications,
        "Redrive the notify queue, or publish the named event again.",
    ),
    Check(
        "sent emails are in the mailbox",
        notifications.sent_emails_are_in_the_mailbox,
        "SES accepted the email but did not deliver it. Delete its notification and publish the event again.",
    ),
    Check(
        "Stripe's events are applied",
        processing.stripe_events_are_applied,
        "POST /admin/webhooks/{event_id}/replay. GET /admin/webhooks?status=failed shows the reason.",
    ),
    Check(
        "dead-letter queues are empty",
        processing.dead_letter_queues_are_empty,
        "Read a message (docs/operations.md), fix the cause, then run `make redrive`.",
    ),
)
