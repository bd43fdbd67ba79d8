"""Requests for reconciliations with Stripe, one at a time, and their reports."""

from datetime import UTC, datetime
from typing import Any

from payments.domain.reconciliation import runs as rules
from payments.domain.reconciliation.runs import Run
from payments.settings import settings
from payments.tables import reconciliations
from shared.dynamodb import concurrency
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import NotFound, invalid
from shared.http.paging import Cursors, Listed
from shared.runtime.secrets import secret
from shared.values.ids import MAX_ID_LENGTH, new_id

TRIES = 5  # tries; requests conflict only when several start a reconciliation at once
MAX_DOUBLINGS = 3  # doublings; the last pause is at most 160 ms, so all tries end within a request
LIST = "reconciliations"
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)  # Stripe did not exist before
cursors = Cursors(lambda: secret(settings().payments_cursor_secret_arn)["key"])


class NoSuchReconciliation(NotFound):
    """There is no reconciliation with this id."""


def request(asked_by: str, since: datetime | None, now: datetime) -> Run:
    """Request a reconciliation from `since` (None: from the end of the last one), or return the running one.

    Only writes its row; the table's stream starts it. Raises Invalid if `since` is in the future or before
    EARLIEST, or ConcurrentUpdate.
    """
    if since is not None and not EARLIEST <= since < now:
        raise invalid("/since", f"since must be in the past and not before {EARLIEST.year}.")
    for _ in concurrency.backoff(TRIES, MAX_DOUBLINGS):
        latest = reconciliations.latest()
        if latest.running:
            running = reconciliations.run(latest.running)
            if running is None or not running.is_dead(now):
                return _existing(running)
            dead = rules.failed(running, "The reconciliation stopped without a result.", now)
            reconciliations.end(dead, rules.ended(latest, dead))
            continue
        begin, until = rules.window(latest, since, now)
        created = Run(new_id("rec"), begin, until, asked_by=asked_by, asked_at=now, updated_at=now)
        if reconciliations.begin(created):
            return created
    raise ConcurrentUpdate


def list_runs(limit: int, cursor: str | None) -> Listed[Run]:
    """Return a page of reconciliations without findings, newest first."""
    start: dict[str, Any] | None = cursors.read(cursor, LIST)
    return cursors.listed(reconciliations.page(limit, start), LIST)


def get(reconciliation_id: str) -> Run:
    """Return a reconciliation with its findings. Raises NoSuchReconciliation."""
    is_valid = (
        reconciliation_id.startswith(reconciliations.PREFIX) and len(reconciliation_id) <= MAX_ID_LENGTH
    )
    return _existing(reconciliations.run(reconciliation_id) if is_valid else None)


def _existing(run: Run | None) -> Run:
    if run is None:
        raise NoSuchReconciliation("The reconciliation does not exist.")
    return run
