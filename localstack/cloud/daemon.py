"""Background processes that keep running after the command that started them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localstack.cloud.local_cloud import LocalCloudError


@dataclass(frozen=True)
class Daemon:
    """A detached process with a record (`<name>.json`) and a log (`<name>.log`) in a folder."""

    name: str
    folder: Path

    @property
    def record(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def pid(self) -> int | None:
        """Return the id of the running process, or None.

        Process ids are reused, so the start time must match the record too.
        """
        try:
            record = json.loads(self.record.read_text())
            return record["pid"] if record["started"] == _start_time(record["pid"]) else None
        except (FileNotFoundError, json.JSONDecodeError, KeyError):
            return None

    def start(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        """Start the process in its own session, so that ^C or a closed terminal does not end it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.record.write_text(json.dumps({"pid": process.pid, "started": _start_time(process.pid)}))

    def stop(self) -> bool:
        """End the process group with SIGTERM, then SIGKILL after 10 s. Return whether it was running."""
        pid = self.pid()
        if pid:
            os.killpg(pid, signal.SIGTERM)
            if not wait_until(lambda: self.pid() is None, seconds=10):
                os.killpg(pid, signal.SIGKILL)
                wait_until(lambda: self.pid() is None, seconds=5)
        self.record.unlink(missing_ok=True)
        return pid is not None

    def log_tail(self, lines: int = 5) -> str:
        """Return the last lines of the log."""
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
        )


def _start_time(pid: int) -> str | None:
    """Return when a process started, in the system's own format; None if it has ended or is a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    ps = shutil.which("ps") or "/bin/ps"
    started = subprocess.run(
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return started.stdout.strip() or None


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Poll the condition until it is true. Return False if `seconds` pass first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def require_free(port: int, variable: str) -> None:
    """Raise LocalCloudError if the loopback port is in use; `variable` is the make variable to change."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise LocalCloudError(
                f"port {port} is in use by another program; end that program,"
                f" or run `make up {variable}={port + 1}`"
            ) from None
