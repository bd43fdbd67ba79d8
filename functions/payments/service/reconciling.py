"""A comparison with Stripe at work: page by page through Stripe's lists, in slices, each difference repaired.

What is found is written before it is repaired, and whether that helped is seen by reading the page again.
What could only be asked for, the next comparison looks at again.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from payments import orders_gateway, stripe_gateway, stripe_lists
from payments.domain.ledger import Entry
from payments.domain.payments import Payment, must_cancel, observed
from payments.domain.reconciling import differences as rules
from payments.domain.reconciling import runs
from payments.domain.reconciling.differences import Finding, ListedDispute, ListedIntent, ListedRefund, Repair
from payments.domain.reconciling.runs import Latest, Run, RunStatus, Stage
from payments.service import settling
from payments.tables import ledger, payments, reconciliations, refunds
from shared.errors import Problem, Unavailable
from shared.runtime import clock, observability
from shared.runtime.observability import log

ENOUGH = 120.0  # seconds left that make it worth while to read another page
LEAST = 25.0  # seconds that one look at Stripe, or one repair, needs at most
AT_ONCE = 20  # of what was asked for: each is a call at Stripe
Listed = ListedIntent | ListedRefund | ListedDispute | Finding


def go_on(reconciliation_id: str, version: int, time_left: Callable[[], float], now: datetime) -> Run | None:
    """A slice of the comparison as it was at `version`; None where it is over, or went on since.

    Each write brings the next slice, by the table's stream. Where Stripe, or orders, is away, the run ends as
    `failed` and the next one compares the same. Raises ConcurrentUpdate: the stream hands it over again.
    """
    run = reconciliations.run(reconciliation_id)
    if run is None or run.is_over or run.version != version:
        return None
    latest = reconciliations.latest()  # stays so while it runs
    while True:
        try:
            after = _step(run, latest, time_left, now)
        except Exception as error:
            log.exception("comparison failed", extra={"reconciliation_id": reconciliation_id})
            after = runs.failed(run, _words(error), now)
        run = _written(after, latest, now)
        if run is None or run.is_over or time_left() < ENOUGH:
            return run


def _step(run: Run, latest: Latest, time_left: Callable[[], float], now: datetime) -> Run:
    """Repair what is pending; else look at a page: what it shows that is new, or, with nothing new, go on."""
    if run.pending:
        for finding in run.pending:
            run = runs.concluded(run, finding, _repair(finding, now))
            if time_left() < LEAST:
                break
        return run
    run = runs.started(run, now)
    page, looked_at, found = _page(run, latest), 0, list[Finding]()
    for listed in page.items:
        found += _differences(listed, now)
        looked_at += 1
        if time_left() < LEAST:
            break
    after = runs.with_findings(run, found, latest.asked)
    if after.findings != run.findings:
        return after
    last = _id_of(page.items[looked_at - 1]) if looked_at else None
    more = page.more or looked_at < len(page.items)
    return runs.moved_on(run, looked_at, last, more, now, asked=len(latest.asked))


def _written(run: Run, latest: Latest, now: datetime) -> Run | None:
    """The run, written, with its new version; None where another slice was quicker."""
    run = runs.touched(run, now)
    if not run.is_over:
        return runs.next_version(run) if reconciliations.go_on(run) else None
    if not reconciliations.end(run, runs.ended(latest, run)):
        return None
    _report(run)
    return runs.next_version(run)


def _report(run: Run) -> None:
    tally = run.tally
    about = {"reconciliation_id": run.reconciliation_id, "status": run.status.value, **vars(tally)}
    log.info("compared with Stripe", extra=about)
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
    if run.stage is Stage.ASKED:
        asked = runs.to_look_at_again(run, latest)
        return stripe_lists.Listed([*asked[:AT_ONCE]], more=len(asked) > AT_ONCE)
    since, until = clock.epoch(run.since), clock.epoch(run.until) + 1
    if run.stage is Stage.INTENTS:
        return stripe_lists.intents(since, until, run.after)
    if run.stage is Stage.REFUNDS:
        return stripe_lists.refunds(since, until, run.after)
    return stripe_lists.disputes(
        clock.epoch(min(run.since, run.until - runs.DISPUTES_LIVE)), until, run.after
    )


def _differences(listed: Listed, now: datetime) -> list[Finding]:
    """What differs of an object; one that cannot be compared is a finding too, and holds up no other."""
    try:
        if isinstance(listed, Finding):
            return [*_looked_at_again(listed, now)]
        return [] if rules.is_on_its_way(listed.changed_at, now) else [*_compared(listed, now)]
    except Unavailable:
        raise
    except Exception as error:
        log.exception("not compared", extra={"object": _id_of(listed)})
        # What was asked for is up to a person then, and not carried on.
        given_up = [replace(listed, repaired=False)] if isinstance(listed, Finding) else []
        return [*given_up, rules.unreadable(_id_of(listed), listed.payment_id, _words(error))]


def _looked_at_again(asked: Finding, now: datetime) -> Iterator[Finding]:
    """What differs now of a payment of which something was asked for: that again, or that it agrees. Empty
    where it changed a moment ago: then nobody can say yet."""
    held = payments.payment(asked.payment_id or "")
    listed = stripe_lists.intent(asked.provider_id)
    if held is None or any(rules.is_on_its_way(at, now) for at in (held.updated_at, listed.changed_at)):
        return
    found = [*_intent_differs(held, listed, now)]
    yield from found
    if asked.key not in {each.key for each in found}:
        yield replace(asked, repaired=not found)  # what differs otherwise now is for a person to look at


def _compared(listed: ListedIntent | ListedRefund | ListedDispute, now: datetime) -> Iterator[Finding]:
    held = payments.payment(listed.payment_id) if listed.payment_id else None
    if isinstance(listed, ListedIntent):
        yield from _intent_differs(held, listed, now)
    elif held is None:
        return  # of an intent that is none of ours: told of as that
    elif isinstance(listed, ListedRefund):
        known = rules.known_refund(refunds.refunds_of(held.payment_id), listed)
        if found := rules.refund_differs(held, known, listed):
            yield found
    elif found := rules.dispute_differs(held, listed):
        yield found


def _intent_differs(held: Payment | None, listed: ListedIntent, now: datetime) -> Iterator[Finding]:
    if held is None or not rules.is_of(held, listed):
        if rules.is_foreign(listed):
            yield rules.foreign(listed)
        return
    found = None
    if not rules.seems_same(held, listed):
        look = stripe_gateway.intent(listed.intent_id)
        found = rules.differs(held, observed(held, look), listed.intent_id)
        if must_cancel(held, look) and rules.may_still_pay(held, listed):
            found = rules.never_heard(held, listed, None, now)
    if held.captured and (odd := rules.ledger_differs(held, _entries(held))):
        yield odd
    # What just changed here is on its way to orders.
    if found is None and not rules.is_on_its_way(held.updated_at, now):
        found = _order_differs(held, listed, now)
    if found:
        yield found


def _entries(held: Payment) -> Iterator[Entry]:
    """The ledger's entries up to the version of the payment that was read."""
    start = None
    while True:
        entries, start = ledger.page(held.payment_id, 100, start)
        yield from (entry for entry in entries if entry.version <= held.version)
        if start is None:
            return


def _order_differs(held: Payment, listed: ListedIntent, now: datetime) -> Finding | None:
    may_still_pay = rules.may_still_pay(held, listed)
    if not (held.secured or may_still_pay):
        return None
    order = orders_gateway.known(held.order_id)
    if order is None:
        return rules.unreadable(listed.intent_id, held.payment_id, "There is no such order.")
    if may_still_pay and not held.captured and (found := rules.never_heard(held, listed, order, now)):
        return found
    return rules.order_differs(held, order) if held.secured else None


def _repair(finding: Finding, now: datetime) -> bool | None:
    """Do what a webhook or the news would have brought about; whether that could be, None where it could only
    be asked for. Raises Unavailable."""
    if finding.payment_id is None:
        return False
    intent_id = finding.provider_id if finding.provider_id.startswith("pi_") else None
    try:
        if finding.repair is Repair.SAY_AGAIN:
            settling.change(finding.payment_id, _once_more, now)
            return None
        if finding.repair is Repair.CANCEL:
            after = settling.settle(finding.payment_id, now, intent_id=intent_id, unwanted=True)
            return True if after.is_over else None
        settling.settle(finding.payment_id, now, intent_id=intent_id)
    except Unavailable:
        raise
    except (Problem, stripe_gateway.StripeRefused):
        log.exception("not repaired", extra={"kind": finding.kind, "payment_id": finding.payment_id})
        return False
    return True


def _once_more(held: Payment) -> settling.Change:
    """The same payment, and a change by which the relay says its latest news again."""
    return settling.Change(replace(held, said_again=held.said_again + 1))


def _id_of(listed: Listed) -> str:
    if isinstance(listed, Finding):
        return listed.provider_id
    if isinstance(listed, ListedIntent):
        return listed.intent_id
    return listed.refund.provider_id if isinstance(listed, ListedRefund) else listed.dispute_id


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
