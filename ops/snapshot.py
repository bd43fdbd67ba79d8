"""A snapshot of everything that a stage and its Stripe account hold, which the checks compare."""

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ops.records import Order, Payment, Row, parse_order, parse_payments
from ops.stage import Stage

QUEUE_ATTRIBUTES = {
    "visible": "ApproximateNumberOfMessages",
    "in flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


@dataclass(frozen=True)
class Snapshot:
    """The contents of a stage. Changes younger than `grace_period` may still be in progress.

    `intents` are Stripe's PaymentIntents by id; `refunds` and `disputes` are by PaymentIntent. `emails` maps
    SES's message id to (to, subject), or is None if the mailbox cannot be read.
    """

    now: datetime
    grace_period: timedelta
    orders: Mapping[str, Order]
    payments: Mapping[str, Payment]
    inbox: Sequence[Row]
    variants: Mapping[str, Row]
    reservations: Mapping[str, Sequence[Row]]
    restocked: frozenset[str]
    carts: Sequence[Row]
    counters: Mapping[str, int]
    notifications: Sequence[Row]
    users: Sequence[Row]
    invoice_files: frozenset[str]
    queues: Mapping[str, Mapping[str, int]]
    intents: Mapping[str, Mapping[str, Any]]
    refunds: Mapping[str, Sequence[Mapping[str, Any]]]
    disputes: Mapping[str, Sequence[Mapping[str, Any]]]
    emails: Mapping[str, tuple[str, str]] | None

    def is_old(self, since: datetime) -> bool:
        """Return whether a change at this time is older than the grace period."""
        return since < self.now - self.grace_period


def read_snapshot(stage: Stage, now: datetime, grace_period: timedelta) -> Snapshot:
    """Read the stage's tables, queues and files, its mailbox, and Stripe.

    The stage changes meanwhile, so a change made during the read may look like a difference. Effects are read
    before their causes (notifications before orders, orders before payments, payments before Stripe), so that
    each effect's cause is in the snapshot.
    """
    notifications = [row for row in stage.table("notifications") if row["pk"].startswith("ntf_")]
    emails = _read_mailbox(stage)
    catalog = list(stage.table("catalog"))
    handled_events = stage.table("catalog-idempotency")
    carts = list(stage.table("carts"))
    counters = {row["pk"]: row["value"] for row in stage.table("orders-counters")}
    files = frozenset(stage.files("invoices"))
    orders = [parse_order(row) for row in stage.table("orders")]
    inbox = [row for row in stage.table("stripe-events") if row["pk"].startswith("evt_")]
    payment_rows = list(stage.table("payments"))
    return Snapshot(
        now=now,
        grace_period=grace_period,
        orders={order.order_id: order for order in orders},
        payments=parse_payments(payment_rows),
        inbox=inbox,
        variants={row["sku"]: row for row in catalog if "available" in row},
        reservations=_group(
            (row["pk"].removeprefix("reservation#"), row)
            for row in catalog
            if row["pk"].startswith("reservation#")
        ),
        restocked=frozenset(row["pk"] for row in handled_events if row["pk"].startswith("event#")),
        carts=carts,
        counters=counters,
        notifications=notifications,
        users=[row for row in stage.table("users") if row["pk"].startswith("user#")],
        invoice_files=files,
        queues=count_messages(stage),
        intents={each["id"]: each for each in _list_all(stage.stripe.payment_intents)},
        refunds=_group((each["payment_intent"], each) for each in _list_all(stage.stripe.refunds)),
        disputes=_group((each["payment_intent"], each) for each in _list_all(stage.stripe.disputes)),
        emails=emails,
    )


def _group(pairs: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def _list_all(kind: Any) -> Any:
    page = kind.list({"limit": 100})
    for each in page.auto_paging_iter():
        yield each.to_dict()


def count_messages(stage: Stage) -> dict[str, dict[str, int]]:
    """Return the approximate number of messages in each queue by state: visible, in flight, delayed."""
    sqs = stage.client("sqs")
    counts = {}
    for name, url in stage.queues().items():
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[*QUEUE_ATTRIBUTES.values()])
        values = answer["Attributes"]
        counts[name] = {state: int(values.get(attribute, 0)) for state, attribute in QUEUE_ATTRIBUTES.items()}
    return counts


def _read_mailbox(stage: Stage) -> dict[str, tuple[str, str]] | None:
    if stage.mailbox_url is None:
        return None
    with urllib.request.urlopen(stage.mailbox_url, timeout=30) as answer:  # noqa: S310  loopback
        accounts = json.load(answer)["messages"].values()
    return {
        entry["MessageId"].partition("@")[0]: (", ".join(entry["To"]), entry["Subject"])
        for sent in accounts
        for entry in sent
    }
