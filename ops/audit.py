"""`python -m ops.audit`: whether all that a stage holds agrees, with Stripe too; it changes nothing."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from stripe import StripeError

from ops import books
from ops.checks import CHECKS
from ops.checks.tally import Difference, Tally
from ops.stage import Stage, Unknown, add_options, chosen

SHOWN = 10
Report = Mapping[str, Tally]


def audit(stage: Stage, patience: timedelta = timedelta(0), now: datetime | None = None) -> Report:
    """Every check's answer, by its name. What is younger than `patience` is taken to be under way."""
    found = books.read(stage, now or datetime.now(UTC), patience)
    return {check.name: check.answer(found) for check in CHECKS}


def confirmed(first: Report, second: Report) -> Report:
    """The second report with those differences alone that the first had too: the others were under way."""
    return {
        name: Tally(
            tally.looked,
            [d for d in tally.differences if d.subject in _subjects(first[name])],
            tally.notes,
        )
        for name, tally in second.items()
    }


def _subjects(tally: Tally) -> set[str]:
    return {difference.subject for difference in tally.differences}


def is_clean(report: Report) -> bool:
    return not any(tally.differences for tally in report.values())


def as_table(report: Report) -> str:
    """For people: a line a check, then what differs and what to do about it."""
    lines = [f"{'audit':<28}{'looked at':>10}{'agreed':>10}{'differ':>10}"]
    for name, tally in report.items():
        differ = tally.looked - tally.agreed
        lines.append(f"{name:<28}{tally.looked:>10,}{tally.agreed:>10,}{differ:>10,}")
    steps = {check.name: check.next_step for check in CHECKS}
    for name, tally in report.items():
        if tally.differences:
            lines += ["", f"{name}: {len(tally.differences)} differences"]
            lines += [f"  {each.subject}: {each.found}" for each in tally.differences[:SHOWN]]
            more = len(tally.differences) - SHOWN
            lines += [f"  … and {more} more; --json tells all"] if more > 0 else []
            lines += [f"  → {steps[name]}"]
    notes = [f"  {name}: {note}" for name, tally in report.items() for note in tally.notes]
    if notes:
        lines += ["", "allowed, and worth knowing", *notes]
    lines += ["", "The audit is clean." if is_clean(report) else "The audit found differences."]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """For programs: everything."""
    said = {
        name: {
            "looked_at": tally.looked,
            "agreed": tally.agreed,
            "differences": [_plain(each) for each in tally.differences],
            "notes": tally.notes,
        }
        for name, tally in report.items()
    }
    return json.dumps({"clean": is_clean(report), "checks": said}, indent=2)


def _plain(difference: Difference) -> dict[str, Any]:
    return {"subject": difference.subject, "found": difference.found}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.audit", description=__doc__)
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="for programs: everything")
    parser.add_argument(
        "--minutes", type=float, help="what is younger may be under way (15 on AWS, 0 on a local cloud)"
    )
    parser.add_argument(
        "--again", type=float, default=0, metavar="SECONDS", help="look twice; tell what differs both times"
    )
    options = parser.parse_args()
    minutes = options.minutes if options.minutes is not None else 15 if options.stage else 0
    patience = timedelta(minutes=minutes)
    try:
        stage = chosen(options)
        report = audit(stage, patience)
        if options.again and not is_clean(report):
            time.sleep(options.again)
            report = confirmed(report, audit(stage, patience))
    except (Unknown, BotoCoreError, ClientError, StripeError) as error:
        sys.exit(f"audit: {error}")
    sys.stdout.write(f"{as_json(report) if options.json else as_table(report)}\n")
    sys.exit(0 if is_clean(report) else 1)


if __name__ == "__main__":
    main()
