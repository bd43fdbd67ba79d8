"""A progress bar on a terminal, or a line per tenth elsewhere."""

import sys
import threading
import time


class Progress:
    """Counts steps from any thread."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self.started_at = time.monotonic()
        self.lock = threading.Lock()

    def step(self) -> None:
        with self.lock:
            self.done += 1
            if sys.stdout.isatty():
                full = 40 * self.done // self.total
                sys.stdout.write(f"\r{self.label:<10} [{'#' * full:<40}] {self.done}/{self.total}")
                sys.stdout.flush()
            elif self.done % max(1, self.total // 10) == 0:
                print(f"{self.label} {self.done}/{self.total}", flush=True)

    def end(self) -> None:
        newline = "\n" if sys.stdout.isatty() else ""
        print(f"{newline}{self.label} took {time.monotonic() - self.started_at:.1f} s")
