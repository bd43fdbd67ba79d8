"""Comparisons with Stripe as people and schedules ask for them: one at a time."""

from datetime import UTC, datetime
from typing import Any

from payments.domain.reconciling import runs as rules
from payments.domain.reconciling.runs import Run
from payments.settings import settings
from payments.tables import reconciliations
from shared.dynamodb import concurrency
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import NotFound, invalid
from shared.http.paging import Cursors
from shared.runtime.secrets import secret
from shared.values.ids import MAX_ID_LENGTH, new_id

TRIES = 5
LIST = "reconciliations"
FIRST = datetime(2010, 1, 1, tzinfo=UTC)  # there was no Stripe before
cursors = Cursors(lambda: secret(settings().payments_cursor_secret_arn)["key"])


class NoSuchReconciliation(NotFound):
    """There is no comparison of this id."""


def ask(asked_by: str, since: datetime | None, now: datetime) -> Run:
    """Have everything since then compared (None: since the last time); the one that runs, where one does.

    Only writes it down: the table's stream starts it. Raises Invalid where `since` is not past, or before
    there was a Stripe, and Contended.
    """
    if since is not None and not FIRST <= since < now:
        raise invalid("/since", f"since is a moment in the past, and not before {FIRST.year}.")
    for _ in concurrency.backoff(TRIES, max_doublings=3):
        latest = reconciliations.latest()
        if latest.running:
            running = reconciliations.run(latest.running)
            if running is None or not running.is_dead(now):
                return _there(running)
            dead = rules.failed(running, "Empty was heard of it any more.", now)
            reconciliations.end(dead, rules.ended(latest, dead))
            continue
        begin, until = rules.window(latest, since, now)
        fresh = Run(new_id("rec"), begin, until, asked_by=asked_by, asked_at=now, updated_at=now)
        if reconciliations.begin(fresh):
            return fresh
    raise ConcurrentUpdate


def listed(limit: int, cursor: str | None) -> tuple[list[Run], str | None]:
    """A page of comparisons without their findings, newest first."""
    start: dict[str, Any] | None = cursors.read(cursor, LIST)
    found, last = reconciliations.page(limit, start)
    return found, cursors.write(last, LIST)


def one(reconciliation_id: str) -> Run:
    """A comparison with what it found. Raises NoSuchReconciliation."""
    is_one = reconciliation_id.startswith(reconciliations.PREFIX) and len(reconciliation_id) <= MAX_ID_LENGTH
    return _there(reconciliations.run(reconciliation_id) if is_one else None)


def _there(run: Run | None) -> Run:
    if run is None:
        raise NoSuchReconciliation("There is no such comparison.")
    return run
