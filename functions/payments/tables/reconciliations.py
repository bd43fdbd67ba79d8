"""Reconciliations with Stripe and the state that they share: rows of `PAYMENTS_TABLE`."""

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist, PutError

from payments.domain.reconciliation.differences import Finding, Kind, Repair
from payments.domain.reconciliation.runs import Latest, Run, RunStatus, Stage, Tally
from payments.tables.rows import PaymentsRow
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.pages import Found, read_page
from shared.dynamodb.rows import ConditionFailed, require_condition_failure, transaction

PK = "reconciliations"
LATEST = "latest"
PREFIX = "rec_"


class RunRow(PaymentsRow):
    """pk `reconciliations`, sk `rec_…`: one reconciliation. `tally` counts `findings` and `unlisted`
    together."""

    status = UnicodeAttribute()
    since = UTCDateTimeAttribute()
    until = UTCDateTimeAttribute()
    asked_by = UnicodeAttribute()
    asked_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    stage = UnicodeAttribute()
    after = UnicodeAttribute(null=True)
    started_at = UTCDateTimeAttribute(null=True)
    finished_at = UTCDateTimeAttribute(null=True)
    looked_at = JsonAttribute()
    findings = JsonAttribute(null=True)
    unlisted = JsonAttribute()
    tally = JsonAttribute()
    reason = UnicodeAttribute(null=True)
    version = NumberAttribute()

    @classmethod
    def of(cls, run: Run) -> "RunRow":
        plain = {
            name: value for name, value in vars(run).items() if name not in ("reconciliation_id", "findings")
        }
        return cls(
            PK,
            run.reconciliation_id,
            **plain
            | {
                "status": run.status.value,
                "stage": run.stage.value,
                "looked_at": dict(run.looked_at),
                "unlisted": vars(run.unlisted),
                "tally": vars(run.tally),
                "findings": [vars(finding) for finding in run.findings],
            },
        )

    def run(self) -> Run:
        """Return the reconciliation. If its findings were not read, they are only counted."""
        known = self.findings is not None
        return Run(
            reconciliation_id=self.sk,
            since=self.since,
            until=self.until,
            asked_by=self.asked_by,
            asked_at=self.asked_at,
            updated_at=self.updated_at,
            status=RunStatus(self.status),
            stage=Stage(self.stage),
            after=self.after,
            started_at=self.started_at,
            finished_at=self.finished_at,
            looked_at=self.looked_at,
            findings=tuple(_finding(each) for each in self.findings or []),
            unlisted=Tally(**(self.unlisted if known else self.tally)),
            reason=self.reason,
            version=int(self.version),
        )


class LatestRow(PaymentsRow):
    """pk `reconciliations`, sk `latest`: allows one running reconciliation, the only one that may change
    it."""

    running = UnicodeAttribute(null=True)
    compared_until = UTCDateTimeAttribute(null=True)
    wide_until = UTCDateTimeAttribute(null=True)
    follow_ups = JsonAttribute(null=True)


COUNTED = [name for name in RunRow.get_attributes() if name != "findings"]


def latest() -> Latest:
    """Return the state that reconciliations share, read consistently."""
    try:
        row = LatestRow.get(PK, LATEST, consistent_read=True)
    except DoesNotExist:
        return Latest()
    follow_ups = tuple(_finding(each) for each in row.follow_ups or [])
    return Latest(row.running, row.compared_until, row.wide_until, follow_ups)


def run(reconciliation_id: str) -> Run | None:
    """Return one reconciliation, read consistently: 1 GetItem."""
    try:
        return RunRow.get(PK, reconciliation_id, consistent_read=True).run()
    except DoesNotExist:
        return None


def run_of(image: Mapping[str, Any] | None) -> Run | None:
    """Return the reconciliation in a stream image; None if the row is of another kind."""
    if image is None or image["pk"]["S"] != PK or image["sk"]["S"] == LATEST:
        return None
    return RunRow.from_raw_data(dict(image)).run()


def page(limit: int, start: dict[str, Any] | None) -> Found[Run]:
    """Return a page of reconciliations without findings, newest first: 1 Query."""
    query = RunRow.query(
        PK,
        RunRow.sk.startswith(PREFIX),
        page_size=limit + 1,
        last_evaluated_key=start,
        scan_index_forward=False,
        attributes_to_get=COUNTED,
    )
    return read_page(query, RunRow, limit).map(RunRow.run)


def begin(run: Run) -> bool:
    """Write a new reconciliation as the running one; return False if one is running."""
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(RunRow.of(run), condition=RunRow.pk.does_not_exist())
            writes.update(
                LatestRow(PK, LATEST),
                [LatestRow.running.set(run.reconciliation_id)],
                condition=LatestRow.running.does_not_exist(),
            )
    except ConditionFailed:
        return False
    return True


def save(run: Run) -> bool:
    """Write a reconciliation's progress; return False if its version is outdated."""
    try:
        _next(run).save(RunRow.version == run.version)
    except PutError as error:
        require_condition_failure(error)
        return False
    return True


def end(run: Run, latest: Latest) -> bool:
    """Write a reconciliation's end and the shared state; return False if its version is outdated."""
    until, wide = latest.compared_until, latest.wide_until
    follow_ups = [vars(each) for each in latest.follow_ups]
    state = [
        LatestRow.compared_until.set(until) if until else LatestRow.compared_until.remove(),
        LatestRow.wide_until.set(wide) if wide else LatestRow.wide_until.remove(),
        LatestRow.follow_ups.set(follow_ups) if follow_ups else LatestRow.follow_ups.remove(),
    ]
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(_next(run), condition=RunRow.version == run.version)
            writes.update(
                LatestRow(PK, LATEST),
                [LatestRow.running.remove(), *state],
                condition=LatestRow.running == run.reconciliation_id,
            )
    except ConditionFailed:
        return False
    return True


def _next(run: Run) -> RunRow:
    row = RunRow.of(run)
    row.version = run.version + 1
    return row


def _finding(kept: Mapping[str, Any]) -> Finding:
    repair = Repair(kept["repair"]) if kept["repair"] else None
    return Finding(**{**kept, "kind": Kind(kept["kind"]), "repair": repair})
