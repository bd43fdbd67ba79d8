"""Checks that events have their notifications, and that emails were delivered."""

from collections import Counter
from datetime import UTC, datetime

from ops.checks.results import CheckResult, expect
from ops.records import parse_time
from ops.snapshot import Snapshot

NOTIFIED = {
    "order.shipped",
    "order.delivered",
    "order.return_decided",
    "order.returned",
}
NOTIFIED_IF_PLACED = {"order.cancelled", "order.expired"}
SENT = {"sent", "delivered", "bounced", "complained"}


def events_have_notifications(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each event that people are notified of has one notification, and the reverse.

    A paid order has one confirmation; its invoice is attached to that or has a notification of its own.
    """
    notified = Counter(row["event_id"] for row in snapshot.notifications if row.get("event_id"))
    published = {event_id for order in snapshot.orders.values() for event_id in order.events()}
    for order in snapshot.orders.values():
        for event_id, entry in order.events().items():
            kind = event_id.partition(".")[2].partition(".")[2]
            if kind in NOTIFIED or (kind in NOTIFIED_IF_PLACED and order.has("order.placed")):
                missing = not notified[event_id] and snapshot.is_old(entry.at)
                result.add(event_id, expect(not missing, f"has no notification to {order.email}"))
    refunded = {e.partition(".")[0] for e in notified if e.endswith(".payment.refunded")}
    for payment in snapshot.payments.values():
        if payment.refunded and snapshot.is_old(payment.updated_at):
            result.add(
                payment.payment_id,
                expect(
                    payment.payment_id in refunded,
                    f"has {payment.refunded} refunded and no notification of it",
                ),
            )
    _check_confirmations(snapshot, result)
    _check_welcomes(snapshot, result, notified)
    for event_id in notified:
        if event_id.startswith("ord_") and event_id not in published:
            result.add(event_id, "has a notification, but its order did not publish it")
    _check_duplicates(snapshot, result)
    _check_queued(snapshot, result)


def _check_confirmations(snapshot: Snapshot, result: CheckResult) -> None:
    emails = [row for row in snapshot.notifications if row["channel"] == "email"]
    confirmed = {row["order_id"] for row in emails if row["template"] == "order_confirmation"}
    # A confirmation that was superseded was not sent, so its invoice is sent alone.
    invoiced = Counter(
        row["order_id"] for row in emails if row.get("invoice_number") and row.get("cause") != "superseded"
    )
    for order in snapshot.orders.values():
        for event_id, entry in order.events().items():
            is_old = snapshot.is_old(entry.at)
            if entry.kind == "order.paid" and order.order_id not in confirmed and is_old:
                result.add(event_id, f"has no confirmation to {order.email}")
            if entry.kind == "order.invoiced":
                times = invoiced[order.order_id]
                result.add(
                    event_id,
                    expect(times > 0 or not is_old, f"has no email with its invoice to {order.email}"),
                    expect(times <= 1, f"has its invoice in {times} emails to {order.email}"),
                )


def _check_welcomes(snapshot: Snapshot, result: CheckResult, notified: Counter[str]) -> None:
    welcomed = {e.partition(".")[0] for e in notified if e.endswith(".user.registered")}
    for user in snapshot.users:
        if user.get("email") and snapshot.is_old(parse_time(user["created_at"])):
            user_id = user["pk"].removeprefix("user#")
            result.add(user_id, expect(user_id in welcomed, "has no welcome message"))


def _check_duplicates(snapshot: Snapshot, result: CheckResult) -> None:
    rows = Counter(
        (row.get("event_id"), row["template"], row["channel"], row["to"]) for row in snapshot.notifications
    )
    for (event_id, template, channel, to), count in rows.items():
        if event_id and count > 1:
            result.add(str(event_id), f"has {count} notifications {template} by {channel} to {to}")


def _check_queued(snapshot: Snapshot, result: CheckResult) -> None:
    failed: Counter[str] = Counter()
    for row in snapshot.notifications:
        if row["status"] == "queued":
            leased_until = datetime.fromtimestamp(row.get("leased_until") or 0, UTC)
            overdue = snapshot.is_old(max(parse_time(row["updated_at"]), leased_until))
            result.add(
                row["pk"],
                expect(not overdue, f"{row['template']} to {row['to']} is queued since {row['updated_at']}"),
            )
        failed[row["template"]] += row["status"] == "failed"
    for template, count in (+failed).items():
        result.notes.append(f"{count} {template} failed permanently (see `reason` in their rows)")


def sent_emails_are_in_the_mailbox(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that the emails in the mailbox are those that are recorded as sent.

    An email whose response from SES was lost is sent again; the duplicate becomes a note. Without access to
    the mailbox nothing is checked.
    """
    if snapshot.emails is None:
        result.notes.append("the mailbox of this stage cannot be read, so delivery was not checked")
        return
    unmatched = dict(snapshot.emails)
    matched: set[tuple[str, str]] = set()
    for row in snapshot.notifications:
        if row["channel"] == "email" and row["status"] in SENT:
            email = unmatched.pop(_message_id(row.get("provider_id")), None)
            result.add(
                row["pk"],
                expect(email is not None, f"{row['template']} to {row['to']} is sent but not in the mailbox"),
            )
            if email:
                matched.add(email)
    for message_id, (to, subject) in unmatched.items():
        if (to, subject) in matched:
            result.notes.append(f"sent twice: {subject!r} to {to}")
        else:
            result.add(message_id, f"{subject!r} to {to} is in the mailbox but not recorded as sent")


def _message_id(provider_id: str | None) -> str:
    return (provider_id or "").partition("@")[0]
