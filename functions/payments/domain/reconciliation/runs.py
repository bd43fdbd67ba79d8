"""The course of a reconciliation: its window, its progress and its findings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payments.domain.reconciliation.differences import MAX_ATTEMPTS, MAX_TEXT, Finding

# How long before the end of the last reconciliation the window begins: some changes are listed late.
OVERLAP = timedelta(hours=1)
FIRST_WINDOW = timedelta(hours=24)  # how long before now the first window begins
# Once a day the window is wider, because an order may end long after it was paid.
WIDE = timedelta(days=35)
WIDE_EVERY = timedelta(days=1)  # a wide window reads many pages of Stripe, so not every hour
# A reconciliation without a write for so long is considered dead.
DEAD_AFTER = timedelta(minutes=30)
# Banks decide within months, and disputes are few, so that all recent ones are compared every time.
DISPUTE_WINDOW = timedelta(days=120)
MAX_FINDINGS = 300  # findings per row; with those of one more page it stays under 400 KB


class RunStatus(StrEnum):
    """The state of a reconciliation."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Stage(StrEnum):
    """The list that is read: Stripe's three, in this order, then the follow-ups of earlier reconciliations.
    The values are keys of `looked_at` in the public API."""

    INTENTS = "payment_intents"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    FOLLOW_UPS = "asked"


@dataclass(frozen=True)
class Tally:
    """The numbers of differences, repaired differences and unexplained differences."""

    differences: int = 0
    repaired: int = 0
    unexplained: int = 0

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> "Tally":
        outcomes = [finding.repaired for finding in findings]
        return cls(len(outcomes), outcomes.count(True), outcomes.count(False))

    def __add__(self, more: "Tally") -> "Tally":
        return Tally(
            self.differences + more.differences,
            self.repaired + more.repaired,
            self.unexplained + more.unexplained,
        )


@dataclass(frozen=True)
class Run:
    """One reconciliation of the objects that Stripe created between `since` and `until`.

    It continues in list `stage` after the object `after`. `looked_at` counts objects per stage; `unlisted`
    counts the findings that are not stored.
    """

    reconciliation_id: str
    since: datetime
    until: datetime
    asked_by: str
    asked_at: datetime
    updated_at: datetime
    status: RunStatus = RunStatus.QUEUED
    stage: Stage = Stage.INTENTS
    after: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    looked_at: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unlisted: Tally = Tally()
    reason: str | None = None
    version: int = 1

    @property
    def is_over(self) -> bool:
        return self.status in (RunStatus.FINISHED, RunStatus.FAILED)

    @property
    def tally(self) -> Tally:
        return Tally.of(self.findings) + self.unlisted

    @property
    def pending(self) -> list[Finding]:
        """The findings whose repair was not attempted."""
        return [each for each in self.findings if each.repaired is None and not each.awaiting_check]

    def is_dead(self, now: datetime) -> bool:
        return not self.is_over and now - self.updated_at > DEAD_AFTER


@dataclass(frozen=True)
class Latest:
    """The state that reconciliations share: the id of the running one, until when everything is compared,
    until when the last wide window reached, and the findings whose repair must be checked."""

    running: str | None = None
    compared_until: datetime | None = None
    wide_until: datetime | None = None
    follow_ups: tuple[Finding, ...] = ()


def window(latest: Latest, since: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the window to compare: from the requested time, else from the end of the last reconciliation,
    or once a day from WIDE before now."""
    if since is not None:
        return since, now
    if latest.compared_until is None:
        return now - FIRST_WINDOW, now
    since = latest.compared_until - OVERLAP
    if latest.wide_until is None or now - latest.wide_until >= WIDE_EVERY:
        since = min(since, now - WIDE)
    return since, now


def ended(latest: Latest, run: Run) -> Latest:
    """Return the shared state after the run. Its delayed repairs, and follow-ups that it did not reach, are
    the follow-ups of the next one. `compared_until` does not move over a gap before the run's window."""
    seen = {each.key for each in run.findings} - {each.key for each in run.pending}
    follow_ups = [replace(each, awaiting_check=False) for each in run.findings if each.awaiting_check]
    follow_ups += [each for each in latest.follow_ups if each.key not in seen]
    # A failed wide window is not repeated every hour, because recent objects would wait behind it.
    wide = latest.compared_until is None or run.since <= run.until - WIDE
    latest = replace(
        latest,
        follow_ups=tuple(follow_ups[:MAX_FINDINGS]),
        wide_until=run.until if wide else latest.wide_until,
    )
    if run.status is not RunStatus.FINISHED:
        return latest
    return replace(latest, compared_until=_compared_until(latest, run))


def started(run: Run, now: datetime) -> Run:
    """Return the run as running; the same run if it is already."""
    if run.status is RunStatus.RUNNING:
        return run
    return replace(run, status=RunStatus.RUNNING, started_at=now)


def _compared_until(latest: Latest, run: Run) -> datetime:
    if latest.compared_until is None:
        return run.until
    return (
        max(latest.compared_until, run.until) if run.since <= latest.compared_until else latest.compared_until
    )


def with_findings(run: Run, found: Iterable[Finding], follow_ups: Iterable[Finding] = ()) -> Run:
    """Return the run with the findings of a page; an equal run if all of them are known.

    A difference that is found again after its repair, or after MAX_ATTEMPTS delayed repairs (counted in
    `follow_ups`), is unexplained.
    """
    known = {finding.key: finding for finding in run.findings}
    attempts = {finding.key: finding.attempts for finding in follow_ups}
    for finding in found:
        before = known.get(finding.key)
        if before is None:
            count = attempts.get(finding.key, 0)
            unexplained = finding.repair is None or count >= MAX_ATTEMPTS
            repaired = finding.repaired if finding.repaired or not unexplained else False
            known[finding.key] = replace(finding, attempts=count, repaired=repaired)
        elif not finding.repaired and not before.awaiting_check:
            unexplained = finding.repair is None or before.repaired is not None
            known[finding.key] = replace(before, repaired=False if unexplained else None)
    return replace(run, findings=tuple(known.values()))


def with_repair(run: Run, finding: Finding, repaired: bool | None) -> Run:
    """Return the run with the result of a finding's repair; None if its effect is delayed."""
    tried = replace(finding, repaired=repaired)
    if repaired is None:
        tried = replace(finding, awaiting_check=True, attempts=finding.attempts + 1)
    known = {each.key: each for each in run.findings} | {finding.key: tried}
    return replace(run, findings=tuple(known.values()))


def remaining_follow_ups(run: Run, latest: Latest) -> tuple[Finding, ...]:
    """Return the follow-ups of earlier reconciliations that the run has not checked."""
    return latest.follow_ups[run.looked_at.get(Stage.FOLLOW_UPS.value, 0) :]


def advance(
    run: Run, looked_at: int, last: str | None, more: bool, now: datetime, follow_ups: int = 0
) -> Run:
    """Return the run after a page: at the next page, in the next list, or finished. `follow_ups` is their
    number; without any, that list is skipped."""
    counted = {**run.looked_at, run.stage.value: run.looked_at.get(run.stage.value, 0) + looked_at}
    # Unexplained findings are stored first, then those that await a check.
    ordered = sorted(run.findings, key=lambda each: (each.repaired is True, each.repaired is None))
    run = replace(
        run,
        looked_at=counted,
        findings=tuple(ordered[:MAX_FINDINGS]),
        unlisted=run.unlisted + Tally.of(ordered[MAX_FINDINGS:]),
    )
    if more and last:
        return replace(run, after=last)
    stages = [stage for stage in Stage if follow_ups or stage is not Stage.FOLLOW_UPS]
    following = stages[stages.index(run.stage) + 1 :]
    if following:
        return replace(run, stage=following[0], after=None)
    return replace(run, after=None, status=RunStatus.FINISHED, finished_at=now)


def failed(run: Run, reason: str, now: datetime) -> Run:
    """Return the run as failed; the next one compares the same window again."""
    return replace(run, status=RunStatus.FAILED, reason=reason[:MAX_TEXT], finished_at=now)
