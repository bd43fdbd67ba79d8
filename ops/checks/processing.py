"""Checks that Stripe's events and the messages in queues were processed."""

from ops.checks.results import CheckResult, expect
from ops.records import parse_time
from ops.snapshot import Snapshot


def stripe_events_are_applied(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that each event in the inbox was applied or ignored."""
    for row in snapshot.inbox:
        status, event = row["status"], f"{row['type']} of {row['object_id']}"
        overdue = status == "received" and snapshot.is_old(parse_time(row["received_at"]))
        result.add(
            row["pk"],
            expect(status != "failed", f"{event} failed: {row.get('reason')}"),
            expect(not overdue, f"{event} was received at {row['received_at']} and is not applied"),
        )


def dead_letter_queues_are_empty(snapshot: Snapshot, result: CheckResult) -> None:
    """Check that no dead-letter queue holds a message. Messages in other queues become notes."""
    for name, counts in snapshot.queues.items():
        is_dead_letter_queue, messages = name.endswith("-dlq"), sum(counts.values())
        result.add(
            name, expect(not (is_dead_letter_queue and messages), f"holds {messages} messages that failed")
        )
        if messages and not is_dead_letter_queue:
            states = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
            result.notes.append(f"{name}: {states}")
