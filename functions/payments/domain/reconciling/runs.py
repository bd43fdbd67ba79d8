"""A comparison's own course: which window, how far it is, what it found so far."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payments.domain.reconciling.differences import TEXT, Finding

# A comparison begins so long before the last one's end, and the first one so long before now.
OVERLAP = timedelta(hours=1)
FIRST_WINDOW = timedelta(hours=24)
# A comparison of which nothing was heard for so long is dead.
DEAD_AFTER = timedelta(minutes=30)
# Banks decide within months, and disputes are few: all that are young enough are looked at, every time.
DISPUTES_LIVE = timedelta(days=120)
NAMED = 5
MOST_LISTED = 300  # findings a row keeps; with a page's more it stays under 400 KB


class RunStatus(StrEnum):
    """How far a comparison is."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Stage(StrEnum):
    """Which of Stripe's lists is read; in this order."""

    INTENTS = "payment_intents"
    REFUNDS = "refunds"
    DISPUTES = "disputes"


@dataclass(frozen=True)
class Tally:
    """How many differences, how many of them repaired, and how many nobody can explain."""

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
    """One comparison of what Stripe made between `since` and `until`.

    `stage` and `after` (Stripe's id) are where it goes on. `looked_at` counts objects a stage; `unlisted` are
    the findings that are counted and not kept.
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
        """What is found and neither repaired nor given up."""
        return [finding for finding in self.findings if finding.repaired is None]

    def is_dead(self, now: datetime) -> bool:
        return not self.is_over and now - self.updated_at > DEAD_AFTER


@dataclass(frozen=True)
class Latest:
    """What is known of all comparisons: the one that runs, and until when all is compared."""

    running: str | None = None
    compared_until: datetime | None = None


def window(latest: Latest, since: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From when until when to compare: what was asked for, else what is new since the last comparison."""
    if since is None:
        since = latest.compared_until - OVERLAP if latest.compared_until else now - FIRST_WINDOW
    return since, now


def with_compared(latest: Latest, run: Run) -> Latest:
    """What is known once the run is finished: one that left a gap behind it does not say how far all is."""
    return replace(latest, compared_until=_compared_until(latest, run))


def started(run: Run, now: datetime) -> Run:
    """The run at work; itself where it is already."""
    if run.status is RunStatus.RUNNING:
        return run
    return replace(run, status=RunStatus.RUNNING, started_at=now)


def touched(run: Run, now: datetime) -> Run:
    """The run as it is written: it is alive."""
    return replace(run, updated_at=now)


def next_version(run: Run) -> Run:
    """The run as it stands after its write."""
    return replace(run, version=run.version + 1)


def _compared_until(latest: Latest, run: Run) -> datetime:
    if latest.compared_until is None:
        return run.until
    return (
        max(latest.compared_until, run.until) if run.since <= latest.compared_until else latest.compared_until
    )


def with_findings(run: Run, found: Iterable[Finding]) -> Run:
    """The run with what a page showed; itself where that is all known.

    What is found again after its repair was not repaired.
    """
    known = {finding.key: finding for finding in run.findings}
    for finding in found:
        before = known.get(finding.key)
        repaired = False if finding.repair is None or (before and before.repaired is not None) else None
        known[finding.key] = replace(before or finding, repaired=repaired)
    return replace(run, findings=tuple(known.values()))


def concluded(run: Run, finding: Finding, repaired: bool) -> Run:
    """The run with a finding's repair tried."""
    known = {each.key: each for each in run.findings} | {finding.key: replace(finding, repaired=repaired)}
    return replace(run, findings=tuple(known.values()))


def moved_on(run: Run, looked_at: int, last: str | None, more: bool, now: datetime) -> Run:
    """The run after a page: at the next one, in the next list, or at its end."""
    counted = {**run.looked_at, run.stage.value: run.looked_at.get(run.stage.value, 0) + looked_at}
    listed = sorted(
        run.findings, key=lambda finding: finding.repaired is True
    )  # stable: the unexplained stay
    run = replace(
        run,
        looked_at=counted,
        findings=tuple(listed[:MOST_LISTED]),
        unlisted=run.unlisted + Tally.of(listed[MOST_LISTED:]),
    )
    if more and last:
        return replace(run, after=last)
    following = [*Stage][[*Stage].index(run.stage) + 1 :]
    if following:
        return replace(run, stage=following[0], after=None)
    return replace(run, after=None, status=RunStatus.FINISHED, finished_at=now)


def failed(run: Run, reason: str, now: datetime) -> Run:
    """The run given up; the next one compares the same again."""
    return replace(run, status=RunStatus.FAILED, reason=reason[:TEXT], finished_at=now)


def summary(run: Run) -> str:
    """What is unexplained, in a line for staff: how many of each kind, and the first few by their ids."""
    odd = [finding for finding in run.findings if finding.repaired is False]
    kinds = Counter(finding.kind.value for finding in odd)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    named = ", ".join(dict.fromkeys(finding.payment_id or finding.provider_id for finding in odd[:NAMED]))
    return f"{counted}: {named}" if odd else "none of them is kept"
