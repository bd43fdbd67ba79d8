"""The reconciler: reads Stripe's lists page by page, in slices, and repairs each difference.

Findings are written before they are repaired. Reading the page again shows whether the repair helped; a
repair with a delayed effect is checked by the next reconciliation.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from payments import orders_gateway, stripe_gateway, stripe_lists
from payments.domain.ledger import Entry
from payments.domain.payments import Payment, must_cancel, observe, owns_intent
from payments.domain.reconciliation import differences as rules
from payments.domain.reconciliation import runs
from payments.domain.reconciliation.differences import (
    Finding,
    ListedDispute,
    ListedIntent,
    ListedRefund,
    Repair,
)
from payments.domain.reconciliation.runs import Latest, Run, RunStatus, Stage
from payments.service import syncing
from payments.tables import ledger, payments, reconciliations, refunds
from shared.errors import Problem, Unavailable
from shared.runtime import clock, observability
from shared.runtime.observability import log

MIN_SECONDS_LEFT = 120.0  # seconds; enough to read another page and repair its findings
MIN_SECONDS_PER_CALL = 25.0  # seconds; the longest that reading one object, or one repair, takes
LEDGER_PAGE_SIZE = 100  # entries per Query; most payments have fewer than ten
FOLLOW_UPS_PER_PAGE = 20  # follow-ups; each is a call to Stripe
RATE_LIMIT_PAUSE = 5.0  # seconds; Stripe's limit is per second, and shoppers' calls come first
Listed = ListedIntent | ListedRefund | ListedDispute | Finding


def continue_run(
    reconciliation_id: str, version: int, time_left: Callable[[], float], now: datetime
) -> Run | None:
    """Run a slice of the reconciliation; return None if it is over or past `version`.

    Each write starts the next slice through the table's stream. If Stripe or orders is unavailable, the run
    fails and the next one compares the same window; at Stripe's rate limit it waits while the time allows.
    Raises ConcurrentUpdate, so that the stream retries.
    """
    run = reconciliations.run(reconciliation_id)
    if run is None or run.is_over or run.version != version:
        return None
    latest = reconciliations.latest()  # does not change during the run
    while True:
        try:
            after = _step(run, latest, time_left, now)
        except Exception as error:
            if _is_rate_limited(error) and time_left() >= MIN_SECONDS_LEFT:
                time.sleep(RATE_LIMIT_PAUSE)
                continue
            log.exception("reconciliation failed", extra={"reconciliation_id": reconciliation_id})
            after = runs.failed(run, _describe(error), now)
        run = _save(after, latest, now)
        if run is None or run.is_over or time_left() < MIN_SECONDS_LEFT:
            return run


def _is_rate_limited(error: Exception) -> bool:
    return isinstance(error, stripe_gateway.StripeUnavailable) and error.rate_limited


def _step(run: Run, latest: Latest, time_left: Callable[[], float], now: datetime) -> Run:
    """Repair the pending findings; without any, read a page and add its findings, or advance if it has no
    new ones."""
    if run.pending:
        for finding in run.pending:
            run = runs.with_repair(run, finding, _repair(finding, now))
            if time_left() < MIN_SECONDS_PER_CALL:
                break
        return run
    run = runs.started(run, now)
    page, looked_at, found = _page(run, latest), 0, list[Finding]()
    for listed in page.items:
        found += _differences(listed, now)
        looked_at += 1
        if time_left() < MIN_SECONDS_PER_CALL:
            break
    after = runs.with_findings(run, found, latest.follow_ups)
    if after.findings != run.findings:
        return after
    last = _id_of(page.items[looked_at - 1]) if looked_at else None
    more = page.more or looked_at < len(page.items)
    return runs.advance(run, looked_at, last, more, now, follow_ups=len(latest.follow_ups))


def _save(run: Run, latest: Latest, now: datetime) -> Run | None:
    """Write the run and return it with its new version; None if another slice was faster."""
    run = replace(run, updated_at=now)
    saved = replace(run, version=run.version + 1)
    if not run.is_over:
        return saved if reconciliations.save(run) else None
    if not reconciliations.end(run, runs.ended(latest, run)):
        return None
    _report(run)
    return saved


def _report(run: Run) -> None:
    tally = run.tally
    fields = {"reconciliation_id": run.reconciliation_id, "status": run.status.value, **vars(tally)}
    log.info("reconciliation finished", extra=fields)
    if run.status is RunStatus.FAILED:
        observability.count("ReconciliationsFailed")
    if tally.repaired:
        observability.count("Reconciled", tally.repaired)
    if tally.unexplained:
        observability.count("Unreconciled", tally.unexplained)


def _page(
    run: Run, latest: Latest
) -> (
    stripe_lists.Listed[ListedIntent]
    | stripe_lists.Listed[ListedRefund]
    | stripe_lists.Listed[ListedDispute]
    | stripe_lists.Listed[Finding]
):
    if run.stage is Stage.FOLLOW_UPS:
        remaining = runs.remaining_follow_ups(run, latest)
        page = [*remaining[:FOLLOW_UPS_PER_PAGE]]
        return stripe_lists.Listed(page, more=len(remaining) > FOLLOW_UPS_PER_PAGE)
    since, until = clock.epoch(run.since), clock.epoch(run.until) + 1
    if run.stage is Stage.INTENTS:
        return stripe_lists.intents(since, until, run.after)
    if run.stage is Stage.REFUNDS:
        return stripe_lists.refunds(since, until, run.after)
    since = clock.epoch(min(run.since, run.until - runs.DISPUTE_WINDOW))
    return stripe_lists.disputes(since, until, run.after)


def _differences(listed: Listed, now: datetime) -> list[Finding]:
    """Return the differences of an object. One that cannot be compared is a finding too and blocks no
    other."""
    try:
        if isinstance(listed, Finding):
            return [*_follow_up(listed, now)]
        return [] if rules.is_recent(listed.changed_at, now) else [*_compare(listed, now)]
    except Unavailable:
        raise
    except Exception as error:
        log.exception("object not compared", extra={"object": _id_of(listed)})
        # A follow-up that cannot be checked is left to staff.
        unexplained = [replace(listed, repaired=False)] if isinstance(listed, Finding) else []
        return [*unexplained, rules.unreadable(_id_of(listed), listed.payment_id, _describe(error))]


def _follow_up(earlier: Finding, now: datetime) -> Iterator[Finding]:
    """Yield the current differences of a payment after a delayed repair, and the earlier finding if it no
    longer differs. Yield nothing if the payment changed a moment ago."""
    held = payments.payment(earlier.payment_id or "")
    listed = stripe_lists.intent(earlier.provider_id)
    if held is None or any(rules.is_recent(at, now) for at in (held.updated_at, listed.changed_at)):
        return
    found = [*_intent_differences(held, listed, now)]
    yield from found
    if earlier.key not in {each.key for each in found}:
        yield replace(earlier, repaired=not found)  # a different difference is left to staff


def _compare(listed: ListedIntent | ListedRefund | ListedDispute, now: datetime) -> Iterator[Finding]:
    held = payments.payment(listed.payment_id) if listed.payment_id else None
    if isinstance(listed, ListedIntent):
        yield from _intent_differences(held, listed, now)
    elif held is None:
        return  # its foreign intent is a finding already
    elif isinstance(listed, ListedRefund):
        known = rules.known_refund(refunds.refunds_of(held.payment_id), listed)
        if found := rules.refund_difference(held, known, listed):
            yield found
    elif found := rules.dispute_difference(held, listed):
        yield found


def _intent_differences(held: Payment | None, listed: ListedIntent, now: datetime) -> Iterator[Finding]:
    if held is None or not owns_intent(held, listed.intent_id, listed.payment_id, listed.order_id):
        if rules.is_foreign(listed):
            yield rules.foreign(listed)
        return
    found = None
    if not rules.seems_same(held, listed):
        intent = stripe_gateway.intent(listed.intent_id)
        found = rules.payment_difference(held, observe(held, intent), listed.intent_id)
        if must_cancel(held, intent) and rules.can_be_paid(held, listed):
            found = rules.cancellation_difference(held, listed, None, now)
    if held.captures.captured and (unbalanced := rules.ledger_difference(held, _entries(held))):
        yield unbalanced
    # Events of a recent change may still be on their way to orders.
    if found is None and not rules.is_recent(held.updated_at, now):
        found = _order_difference(held, listed, now)
    if found:
        yield found


def _entries(held: Payment) -> Iterator[Entry]:
    """Yield the ledger entries up to the version of the payment that was read."""
    start = None
    while True:
        found = ledger.page(held.payment_id, LEDGER_PAGE_SIZE, start)
        yield from (entry for entry in found.items if entry.version <= held.version)
        if found.last is None:
            return
        start = found.last


def _order_difference(held: Payment, listed: ListedIntent, now: datetime) -> Finding | None:
    can_be_paid = rules.can_be_paid(held, listed)
    if not (held.secured or can_be_paid):
        return None
    order = orders_gateway.known(held.order.order_id)
    if order is None:
        return rules.unreadable(listed.intent_id, held.payment_id, "The order does not exist.")
    if can_be_paid and not held.captures.captured:
        if found := rules.cancellation_difference(held, listed, order, now):
            return found
    return rules.order_difference(held, order) if held.secured else None


def _repair(finding: Finding, now: datetime) -> bool | None:
    """Repair a finding; return whether that succeeded, or None if the effect is delayed. Raises
    Unavailable."""
    if finding.payment_id is None:
        return False
    intent_id = finding.provider_id if finding.provider_id.startswith("pi_") else None
    try:
        if finding.repair is Repair.REPUBLISH:
            syncing.change(finding.payment_id, _republish, now)
            return None
        if finding.repair is Repair.CANCEL:
            after = syncing.sync_from_stripe(finding.payment_id, now, intent_id=intent_id, cancel=True)
            return True if after.is_over else None
        syncing.sync_from_stripe(finding.payment_id, now, intent_id=intent_id)
    except Unavailable:
        raise
    except (Problem, stripe_gateway.StripeRefused, syncing.ForeignIntent):
        log.exception("repair failed", extra={"kind": finding.kind, "payment_id": finding.payment_id})
        return False
    return True


def _republish(held: Payment) -> syncing.Change:
    """Return a change that makes the relay publish the payment's latest events again."""
    return syncing.Change(replace(held, republish_count=held.republish_count + 1))


def _id_of(listed: Listed) -> str:
    if isinstance(listed, Finding):
        return listed.provider_id
    if isinstance(listed, ListedIntent):
        return listed.intent_id
    return listed.refund.provider_id if isinstance(listed, ListedRefund) else listed.dispute_id


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
