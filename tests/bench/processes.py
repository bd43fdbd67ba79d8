"""Measurements of processes: their times, and the instructions that callgrind counts."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = str(Path(__file__).parent / "process.py")
INSTALL = "apt install valgrind"  # on Debian and Ubuntu
MISSING = f"valgrind is not installed, so instructions cannot be counted; install it (on Debian: {INSTALL})"

Times = dict[str, float]


@dataclass(frozen=True)
class Variant:
    """A process to measure: an interpreter, the paths that it imports from, a handler and its environment."""

    python: str
    paths: tuple[Path, ...]
    handler: str
    variables: Mapping[str, str]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instructions:
    """The instructions of a process without those of the interpreter's own start; `warm` is per request."""

    cold: int
    second: int
    warm: float


class MeasurementError(Exception):
    """A process failed; the message contains its output."""


def measure(variant: Variant, event: Mapping[str, Any] | None = None, warm: int = 0) -> Times:
    """Return the times of one process in milliseconds, and its number of modules. Raises MeasurementError."""
    times: Times = run(variant, event, warm)["times"]
    return times


def body(variant: Variant, event: Mapping[str, Any]) -> Any:
    """Return the document that the variant's handler responds with. Raises MeasurementError."""
    return json.loads(run(variant, event, 0)["body"])


def can_count() -> bool:
    """Return whether this machine can count instructions."""
    return shutil.which("valgrind") is not None


def count(variant: Variant, event: Mapping[str, Any], warm: int) -> Instructions:
    """Return the instructions of one process. Raises MeasurementError.

    callgrind writes a profile when the process enters `getppid`: before the import, after the first request,
    after the second, and after `warm` more.
    """
    valgrind = shutil.which("valgrind")
    if not valgrind:
        raise MeasurementError(MISSING)
    with tempfile.TemporaryDirectory(prefix="tillstack-callgrind-") as folder:
        options = ("--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={folder}/out")
        run(variant, event, warm, valgrind, *options)
        profiles = [(Path(folder) / f"out.{number}").read_text() for number in (2, 3, 4)]
    cold, second, rest = (int(re.findall(r"^totals: (\d+)$", text, re.MULTILINE)[0]) for text in profiles)
    return Instructions(cold, second, rest / warm)


def run(variant: Variant, event: Mapping[str, Any] | None, warm: int, *wrapper: str) -> Any:
    """Run one process and return what it prints. Raises MeasurementError.

    The process imports nothing but the variant's paths (-P -s -S), writes no byte code (-B), and hashes texts
    in the same way each time, because the order of sets changes the number of instructions.
    """
    paths = [str(path) for path in variant.paths]
    request = json.dumps({"paths": paths, "handler": variant.handler, "event": event, "warm": warm})
    command = [*wrapper, variant.python, "-P", "-s", "-S", "-B", *variant.options, SCRIPT, request]
    environment = {**variant.variables, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MeasurementError(f"{variant.handler} could not be measured:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)
