"""A comparison's own course: which window, how far it is, what it found so far."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payments.domain.reconciling.differences import SAID_ENOUGH, TEXT, Finding

# A comparison begins so long before the last one's end, and the first one so long before now.
OVERLAP = timedelta(hours=1)
FIRST_WINDOW = timedelta(hours=24)
# Once a day it goes back so far: an order may end long after it was paid for.
WIDE = timedelta(days=35)
WIDE_EVERY = timedelta(days=1)
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
    """Which of Stripe's lists is read, in this order; in the end, what earlier comparisons asked for."""

    INTENTS = "payment_intents"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    ASKED = "asked"


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
        """What is found and neither repaired, nor asked for, nor given up."""
        return [each for each in self.findings if each.repaired is None and not each.waiting]

    def is_dead(self, now: datetime) -> bool:
        return not self.is_over and now - self.updated_at > DEAD_AFTER


@dataclass(frozen=True)
class Latest:
    """What is known of all comparisons: the one that runs, until when all is compared, until when one
    last went back as far as `WIDE`, and what was asked for and is to be looked at again."""

    running: str | None = None
    compared_until: datetime | None = None
    wide_until: datetime | None = None
    asked: tuple[Finding, ...] = ()


def window(latest: Latest, since: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From when until when to compare: what was asked for, else what is new since the last comparison, and
    once a day as far back as `WIDE`."""
    if since is not None:
        return since, now
    if latest.compared_until is None:
        return now - FIRST_WINDOW, now
    since = latest.compared_until - OVERLAP
    if latest.wide_until is None or now - latest.wide_until >= WIDE_EVERY:
        since = min(since, now - WIDE)
    return since, now


def ended(latest: Latest, run: Run) -> Latest:
    """What is known once the run is over: what it asked for is looked at again by the next, and so is what it
    did not come to. One that left a gap behind it does not say how far all is compared."""
    seen = {each.key for each in run.findings} - {each.key for each in run.pending}
    asked = [replace(each, waiting=False) for each in run.findings if each.waiting]
    asked += [each for each in latest.asked if each.key not in seen]
    # One that failed is not begun again each hour: what is new would wait behind it.
    wide = latest.compared_until is None or run.since <= run.until - WIDE
    latest = replace(
        latest,
        asked=tuple(asked[:MOST_LISTED]),
        wide_until=run.until if wide else latest.wide_until,
    )
    if run.status is not RunStatus.FINISHED:
        return latest
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


def with_findings(run: Run, found: Iterable[Finding], earlier: Iterable[Finding] = ()) -> Run:
    """The run with what a page showed; itself where that is all known. `earlier`: what was asked for before.

    What is found again after its repair was not repaired; what was asked for often enough is up to a person.
    """
    known = {finding.key: finding for finding in run.findings}
    asked = {finding.key: finding.asked for finding in earlier}
    for finding in found:
        before = known.get(finding.key)
        if before is None:
            times = asked.get(finding.key, 0)
            in_vain = finding.repair is None or times >= SAID_ENOUGH
            repaired = finding.repaired if finding.repaired or not in_vain else False
            known[finding.key] = replace(finding, asked=times, repaired=repaired)
        elif not finding.repaired and not before.waiting:
            in_vain = finding.repair is None or before.repaired is not None
            known[finding.key] = replace(before, repaired=False if in_vain else None)
    return replace(run, findings=tuple(known.values()))


def concluded(run: Run, finding: Finding, repaired: bool | None) -> Run:
    """The run with a finding's repair tried; None: it was asked for, and the next comparison sees."""
    tried = replace(finding, repaired=repaired)
    if repaired is None:
        tried = replace(finding, waiting=True, asked=finding.asked + 1)
    known = {each.key: each for each in run.findings} | {finding.key: tried}
    return replace(run, findings=tuple(known.values()))


def to_look_at_again(run: Run, latest: Latest) -> tuple[Finding, ...]:
    """What of earlier comparisons' askings this one has not come to yet."""
    return latest.asked[run.looked_at.get(Stage.ASKED.value, 0) :]


def moved_on(run: Run, looked_at: int, last: str | None, more: bool, now: datetime, asked: int = 0) -> Run:
    """The run after a page: at the next one, in the next list, or at its end. `asked`: for how many things
    earlier comparisons asked; without any there is no such list."""
    counted = {**run.looked_at, run.stage.value: run.looked_at.get(run.stage.value, 0) + looked_at}
    # What is unexplained stays longest, then what is to be looked at again.
    listed = sorted(run.findings, key=lambda each: (each.repaired is True, each.repaired is None))
    run = replace(
        run,
        looked_at=counted,
        findings=tuple(listed[:MOST_LISTED]),
        unlisted=run.unlisted + Tally.of(listed[MOST_LISTED:]),
    )
    if more and last:
        return replace(run, after=last)
    stages = [stage for stage in Stage if asked or stage is not Stage.ASKED]
    following = stages[stages.index(run.stage) + 1 :]
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
