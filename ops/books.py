"""Everything that a stage and its Stripe hold, read once, for the checks to compare."""

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ops.records import Order, Payment, Row, order_of, payments_of
from ops.stage import Stage

COUNTS = {
    "visible": "ApproximateNumberOfMessages",
    "in flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


@dataclass(frozen=True)
class Books:
    """What there is. `patience`: what is younger than that may still be under way. Of Stripe: PaymentIntents
    by id, refunds and disputes by their PaymentIntent. `mail` (None where nobody sees the mailbox): SES's
    message id → (to, subject)."""

    now: datetime
    patience: timedelta
    orders: Mapping[str, Order]
    payments: Mapping[str, Payment]
    slots: Mapping[str, Row]
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
    mail: Mapping[str, tuple[str, str]] | None

    def is_old(self, since: datetime) -> bool:
        """Whether it should long be settled."""
        return since < self.now - self.patience


def read(stage: Stage, now: datetime, patience: timedelta) -> Books:
    """Read all of it. News travel while it is read: what came to be only since looks like a difference.

    Consequences are read before their causes (letters before orders, orders before payments, payments before
    Stripe), so that what is there because of another finds that other.
    """
    notifications = [row for row in stage.table("notifications") if row["pk"].startswith("ntf_")]
    mail = _mail(stage)
    catalog = list(stage.table("catalog"))
    once = stage.table("catalog-idempotency")
    carts = list(stage.table("carts"))
    counters = {row["pk"]: row["value"] for row in stage.table("orders-counters")}
    files = frozenset(stage.files("invoices"))
    orders = [order_of(row) for row in stage.table("orders")]
    inbox = [row for row in stage.table("stripe-events") if row["pk"].startswith("evt_")]
    kept = list(stage.table("payments"))
    return Books(
        now=now,
        patience=patience,
        orders={order.order_id: order for order in orders},
        payments=payments_of(kept),
        slots={row["pk"].removeprefix("order#"): row for row in kept if row["sk"] == "slot"},
        inbox=inbox,
        variants={row["sku"]: row for row in catalog if "available" in row},
        reservations=_grouped(
            (row["pk"].removeprefix("reservation#"), row)
            for row in catalog
            if row["pk"].startswith("reservation#")
        ),
        restocked=frozenset(row["pk"] for row in once if row["pk"].startswith("event#")),
        carts=carts,
        counters=counters,
        notifications=notifications,
        users=[row for row in stage.table("users") if row["pk"].startswith("user#")],
        invoice_files=files,
        queues=counted(stage),
        intents={each["id"]: each for each in _listed(stage.stripe.payment_intents)},
        refunds=_grouped((each["payment_intent"], each) for each in _listed(stage.stripe.refunds)),
        disputes=_grouped((each["payment_intent"], each) for each in _listed(stage.stripe.disputes)),
        mail=mail,
    )


def _grouped(pairs: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _listed(kind: Any) -> Any:
    page = kind.list({"limit": 100})
    for each in page.auto_paging_iter():
        yield each.to_dict()


def counted(stage: Stage) -> dict[str, dict[str, int]]:
    """About how many messages each queue of the stage holds, by whether they can be seen."""
    sqs = stage.client("sqs")
    found = {}
    for name, url in stage.queues().items():
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[*COUNTS.values()])["Attributes"]
        found[name] = {what: int(answer.get(attribute, 0)) for what, attribute in COUNTS.items()}
    return found


def _mail(stage: Stage) -> dict[str, tuple[str, str]] | None:
    if stage.mailbox_url is None:
        return None
    with urllib.request.urlopen(stage.mailbox_url, timeout=30) as answer:  # noqa: S310  loopback
        accounts = json.load(answer)["messages"].values()
    return {
        entry["MessageId"].partition("@")[0]: (", ".join(entry["To"]), entry["Subject"])
        for sent in accounts
        for entry in sent
    }
