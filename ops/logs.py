"""The log lines of a stage: those that contain an id, or new lines as they arrive."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.stage import Stage, StageError, add_options, stage_from_options

GROUPS = ("access", "functions")  # API Gateway's log and that of all functions
ID = re.compile(r"[\w.-]+")  # of a request, an order, a payment, an event …
OVERLAP = timedelta(seconds=30)  # CloudWatch may deliver a line this much later than a newer one
PLATFORM = re.compile(r"(START|END|REPORT) RequestId: |INIT_START ")


@dataclass(frozen=True)
class Line:
    """A log line: when it was written (UTC), its log, and the text."""

    at: datetime
    log: str
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a line in JSON; any other line is the field `message`."""
        try:
            parsed = json.loads(self.text)
        except ValueError:
            parsed = None
        return parsed if isinstance(parsed, dict) else {"message": self.text.rstrip()}

    @property
    def is_routine(self) -> bool:
        """Whether it is a metric, or Lambda's own line about an invocation that succeeded."""
        fields = self.fields
        platform = str(fields.get("type")).startswith("platform.")
        succeeded = platform and fields.get("record", {}).get("status", "success") == "success"
        return succeeded or "_aws" in fields or bool(PLATFORM.match(self.text))

    def __str__(self) -> str:
        """Return the line for people: time, service, level, message, other fields, stack trace."""
        fields = self.fields
        fields.pop("timestamp", None)
        head = [fields.pop("service", self.log), fields.pop("level", ""), fields.pop("message", "")]
        trace = str(fields.pop("exception", "")).splitlines()
        fields.pop("stack_trace", None)  # the same in JSON
        rest = (f"{name}={_short(value)}" for name, value in fields.items())
        time_of_day = f"{self.at:%H:%M:%S.%f}"[:12]
        first = "{} {:9} {:8}".format(time_of_day, *head[:2])
        return "\n    ".join([" ".join([first, f"{head[2]} ", *rest]).rstrip(), *trace])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def find(stage: Stage, wanted: str, since: datetime) -> list[Line]:
    """Return the lines of all services that contain the id, in the order in which they were written.

    Raises StageError if nothing is deployed on the stage.
    """
    return _in_order(line for _, line in _read(stage, since, f'"{wanted}"'))


class Follower:
    """Reads the lines that a stage's functions write from `since` on, and those added to some files."""

    def __init__(self, stage: Stage, since: datetime, files: Sequence[Path] = ()) -> None:
        self.stage = stage
        self.since = since
        self.seen: dict[str, datetime] = {}
        self.sizes = {file: file.stat().st_size for file in files if file.exists()}

    def poll(self) -> list[Line]:
        """Return the lines that were not returned before, in order. Raises StageError."""
        read = {key: line for key, line in _read(self.stage, self.since) if key not in self.seen}
        self.seen |= {key: line.at for key, line in read.items()}
        self.since = max([self.since, *(at - OVERLAP for at in self.seen.values())])
        self.seen = {key: at for key, at in self.seen.items() if at >= self.since}
        return _in_order([line for line in read.values() if not line.is_routine] + [*self._added()])

    def _added(self) -> Iterator[Line]:
        for path, size in self.sizes.items():
            content = path.read_bytes()
            added = content[size if size <= len(content) else 0 :]  # a restart truncates the log
            for text in added.decode(errors="replace").splitlines():
                yield Line(datetime.now(UTC), path.stem, text)
            self.sizes[path] = len(content)


def _in_order(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.at)


def _read(stage: Stage, since: datetime, pattern: str = "") -> Iterator[tuple[str, Line]]:
    """Yield the lines of the stage's log groups, each with a unique key."""
    logs = stage.client("logs")
    for group in GROUPS:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/tillstack/{stage.name}/{group}",
            startTime=int(since.timestamp() * 1000),
            filterPattern=pattern,
        )
        try:
            for event in (event for page in pages for event in page["events"]):
                key = event.get("eventId") or f"{event['logStreamName']} {event['message']}"
                yield key, _line(group, event)
        except logs.exceptions.ResourceNotFoundException:
            raise StageError(f"nothing is deployed on the stage '{stage.name}'") from None


def _line(group: str, event: dict[str, Any]) -> Line:
    """Return the line at the time in its text; the local engine notes only when the function ended."""
    line = Line(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), group, event["message"])
    try:
        return Line(datetime.fromisoformat(line.fields["timestamp"]).astimezone(UTC), group, line.text)
    except (KeyError, TypeError, ValueError):
        return line


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.logs", description=__doc__)
    add_options(parser)
    parser.add_argument("--id", help="print the lines with this id of the last hours, instead of following")
    parser.add_argument("--hours", type=float, default=24, help="how far back --id searches (default 24)")
    parser.add_argument("--file", type=Path, action="append", default=[], help="follow this file too")
    options = parser.parse_args()
    if options.id is not None and not ID.fullmatch(options.id):
        parser.error("an id consists of letters, digits, '_', '-' and '.'")
    now = datetime.now(UTC)
    try:
        stage = stage_from_options(options)
        if options.id is None:
            _follow(Follower(stage, now - timedelta(minutes=1), options.file))
        lines = find(stage, options.id, now - timedelta(hours=options.hours))
    except (StageError, BotoCoreError, ClientError) as error:
        sys.exit(f"logs: {error}")
    except KeyboardInterrupt:
        sys.exit()
    if not lines:
        sys.exit(f"logs: no line of the last {options.hours:g} hours contains {options.id}")
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _follow(follower: Follower) -> None:
    while True:
        sys.stdout.writelines(f"{line}\n" for line in follower.poll())
        sys.stdout.flush()
        time.sleep(1)


if __name__ == "__main__":
    main()
