"""Whether anything is left half done: Stripe's events that were not applied, messages that were given up."""

from ops.books import Books
from ops.checks.tally import Tally, unless
from ops.records import moment


def each_event_was_applied(books: Books, tally: Tally) -> None:
    """Each of Stripe's events that came was applied or needs nothing."""
    for row in books.inbox:
        status, what = row["status"], f"{row['type']} of {row['object_id']}"
        waits = status == "received" and books.is_old(moment(row["received_at"]))
        tally.look(
            row["pk"],
            unless(status != "failed", f"{what} failed: {row.get('reason')}"),
            unless(not waits, f"{what} came {row['received_at']} and was not applied"),
        )


def nothing_was_given_up(books: Books, tally: Tally) -> None:
    """No dead-letter queue holds a message; what waits in others is named."""
    for name, counts in books.queues.items():
        dead, waiting = name.endswith("-dlq"), sum(counts.values())
        tally.look(name, unless(not (dead and waiting), f"holds {waiting} messages that were given up"))
        if waiting and not dead:
            tally.notes.append(f"{name}: {', '.join(f'{n} {what}' for what, n in counts.items() if n)}")
