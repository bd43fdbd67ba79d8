"""`python -m ops.audit`: checks that a stage's data is consistent, also with Stripe. It changes nothing."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from stripe import StripeError

from ops.checks import CHECKS
from ops.checks.results import CheckResult, Difference
from ops.snapshot import read_snapshot
from ops.stage import Stage, StageError, add_options, stage_from_options

MAX_SHOWN = 10
Report = Mapping[str, CheckResult]


def audit(stage: Stage, grace_period: timedelta = timedelta(0), now: datetime | None = None) -> Report:
    """Run every check; return the results by name. Changes younger than `grace_period` are ignored."""
    snapshot = read_snapshot(stage, now or datetime.now(UTC), grace_period)
    return {check.name: check.run(snapshot) for check in CHECKS}


def confirmed(first: Report, second: Report) -> Report:
    """Return the second report without the differences that are not in the first: those were in progress."""
    return {
        name: CheckResult(
            result.checked,
            [d for d in result.differences if d.subject in _subjects(first[name])],
            result.notes,
        )
        for name, result in second.items()
    }


def _subjects(result: CheckResult) -> set[str]:
    return {difference.subject for difference in result.differences}


def is_clean(report: Report) -> bool:
    return not any(result.differences for result in report.values())


def as_table(report: Report) -> str:
    """Return the report as text: one line per check, then the differences and what to do about them."""
    lines = [f"{'check':<32}{'checked':>10}{'passed':>10}{'failed':>10}"]
    for name, result in report.items():
        failed = result.checked - result.passed
        lines.append(f"{name:<32}{result.checked:>10,}{result.passed:>10,}{failed:>10,}")
    steps = {check.name: check.next_step for check in CHECKS}
    for name, result in report.items():
        if result.differences:
            lines += ["", f"{name}: {len(result.differences)} differences"]
            lines += [f"  {each.subject}: {each.found}" for each in result.differences[:MAX_SHOWN]]
            more = len(result.differences) - MAX_SHOWN
            lines += [f"  … and {more} more (--json shows all)"] if more > 0 else []
            lines += [f"  → {steps[name]}"]
    notes = [f"  {name}: {note}" for name, result in report.items() for note in result.notes]
    if notes:
        lines += ["", "Allowed, but unusual:", *notes]
    lines += ["", "The audit is clean." if is_clean(report) else "The audit found differences."]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """Return the whole report as JSON."""
    checks = {
        name: {
            "checked": result.checked,
            "passed": result.passed,
            "differences": [_difference_json(each) for each in result.differences],
            "notes": result.notes,
        }
        for name, result in report.items()
    }
    return json.dumps({"clean": is_clean(report), "checks": checks}, indent=2)


def _difference_json(difference: Difference) -> dict[str, Any]:
    return {"subject": difference.subject, "found": difference.found}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.audit", description=__doc__)
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="write the whole report as JSON")
    parser.add_argument(
        "--minutes",
        type=float,
        help="ignore changes of the last MINUTES (default: 15 on AWS, 0 on a local cloud)",
    )
    parser.add_argument(
        "--again",
        type=float,
        default=0,
        metavar="SECONDS",
        help="if there are differences, audit again after SECONDS and report those found both times",
    )
    options = parser.parse_args()
    minutes = options.minutes if options.minutes is not None else 15 if options.stage else 0
    grace_period = timedelta(minutes=minutes)
    try:
        stage = stage_from_options(options)
        report = audit(stage, grace_period)
        if options.again and not is_clean(report):
            time.sleep(options.again)
            report = confirmed(report, audit(stage, grace_period))
    except (StageError, BotoCoreError, ClientError, StripeError) as error:
        sys.exit(f"audit: {error}")
    sys.stdout.write(f"{as_json(report) if options.json else as_table(report)}\n")
    sys.exit(0 if is_clean(report) else 1)


if __name__ == "__main__":
    main()
