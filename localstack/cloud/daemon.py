"""Processes that outlive the command that started them, and are ended only when they surely are the same."""

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
    """One detached process with a record (`<name>.json`) and a log (`<name>.log`) in a folder."""

    name: str
    folder: Path

    @property
    def record(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def pid(self) -> int | None:
        """Its process id while it lives. A process of that id born at another time is a stranger."""
        try:
            record = json.loads(self.record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return record["pid"] if record["born"] == _born(record["pid"]) else None

    def start(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        """Start it in a session of its own, so that neither ^C nor the end of the terminal reaches it."""
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
        self.record.write_text(json.dumps({"pid": process.pid, "born": _born(process.pid)}))

    def stop(self) -> bool:
        """End it and all it started, kindly and then firmly. False when it did not live."""
        pid = self.pid()
        if pid:
            os.killpg(pid, signal.SIGTERM)
            if not wait_until(lambda: self.pid() is None, seconds=10):
                os.killpg(pid, signal.SIGKILL)
                wait_until(lambda: self.pid() is None, seconds=5)
        self.record.unlink(missing_ok=True)
        return pid is not None

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
        )


def _born(pid: int) -> str | None:
    """When a process started, in whatever unit this system tells it; None when it is dead or a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    ps = shutil.which("ps") or "/bin/ps"
    born = subprocess.run([ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return born.stdout.strip() or None


def wait_until(true: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Ask again and again until it is true; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not true():
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
                f"port {port} is taken by another program; end that, or say make up {variable}={port + 1}"
            ) from None
