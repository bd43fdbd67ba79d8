"""What people were told: a letter for each event that asks for one, each of them once."""

from collections import Counter
from datetime import UTC, datetime

from ops.books import Books
from ops.checks.tally import Tally, unless
from ops.records import moment

ALWAYS = {
    "order.paid",
    "order.invoiced",
    "order.shipped",
    "order.delivered",
    "order.return_decided",
    "order.returned",
}
OF_PLACED = {"order.cancelled", "order.expired"}  # what was never placed, nobody is told of
GONE = {"sent", "delivered", "bounced", "complained"}


def each_letter_that_must_exist_does(books: Books, tally: Tally) -> None:
    """Each event that a person should hear of has its letter, once; none is of an event that was not."""
    because = Counter(row["event_id"] for row in books.notifications if row.get("event_id"))
    said = {event_id for order in books.orders.values() for event_id in order.events()}
    for order in books.orders.values():
        for event_id, entry in order.events().items():
            kind = event_id.partition(".")[2].partition(".")[2]
            if kind in ALWAYS or (kind in OF_PLACED and order.has("order.placed")):
                missing = not because[event_id] and books.is_old(entry.at)
                tally.look(event_id, unless(not missing, f"has no letter to {order.email}"))
    refunded = {e.partition(".")[0] for e in because if e.endswith(".payment.refunded")}
    for payment in books.payments.values():
        if payment.refunded and books.is_old(payment.updated_at):
            told = payment.payment_id in refunded
            tally.look(payment.payment_id, unless(told, f"gave back {payment.refunded}, and nobody was told"))
    _welcomes(books, tally, because)
    for event_id in because:
        if event_id.startswith("ord_") and event_id not in said:
            tally.look(event_id, "has a letter, and its order never said it")
    _one_each(books, tally)


def _welcomes(books: Books, tally: Tally, because: Counter[str]) -> None:
    greeted = {e.partition(".")[0] for e in because if e.endswith(".user.registered")}
    for user in books.users:
        if user.get("email") and books.is_old(moment(user["created_at"])):
            user_id = user["pk"].removeprefix("user#")
            tally.look(user_id, unless(user_id in greeted, "was not welcomed"))


def _one_each(books: Books, tally: Tally) -> None:
    rows = Counter(
        (row.get("event_id"), row["template"], row["channel"], row["to"]) for row in books.notifications
    )
    for (event_id, template, channel, to), times in rows.items():
        if event_id and times > 1:
            tally.look(str(event_id), f"was told {times} times as {template} by {channel} to {to}")
    failed: Counter[str] = Counter()
    for row in books.notifications:
        if row["status"] == "queued":
            taken_until = datetime.fromtimestamp(row.get("leased_until") or 0, UTC)
            late = books.is_old(max(moment(row["at"]), taken_until))
            tally.look(
                row["pk"], unless(not late, f"{row['template']} to {row['to']} is queued since {row['at']}")
            )
        failed[row["template"]] += row["status"] == "failed"
    for template, times in (+failed).items():
        tally.notes.append(f"{times} {template} could not be sent for good (`reason` in their rows)")


def each_letter_went_out_once(books: Books, tally: Tally) -> None:
    """Where the mailbox is seen: what is noted as sent lies there once, and nothing else does.

    A mail whose answer was lost is sent again: its twin is allowed, and named.
    """
    if books.mail is None:
        tally.notes.append("nobody sees the mailbox from here: what is noted as sent is believed")
        return
    left = dict(books.mail)
    known: set[tuple[str, str]] = set()
    for row in books.notifications:
        if row["channel"] == "email" and row["status"] in GONE:
            mail = left.pop(_message(row.get("provider_id")), None)
            tally.look(
                row["pk"], unless(mail is not None, f"{row['template']} to {row['to']} did not arrive")
            )
            if mail:
                known.add(mail)
    for message_id, (to, subject) in left.items():
        if (to, subject) in known:
            tally.notes.append(f"went out twice: {subject!r} to {to}")
        else:
            tally.look(message_id, f"{subject!r} to {to} went out, and no letter is noted as sent")


def _message(provider_id: str | None) -> str:
    return (provider_id or "").partition("@")[0]
