"""How far it is: a bar on the terminal; where there is none, a line now and then."""

import sys
import threading
import time


class Progress:
    """May be told of steps from any thread."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self.began = time.monotonic()
        self.lock = threading.Lock()

    def step(self) -> None:
        with self.lock:
            self.done += 1
            if sys.stdout.isatty():
                full = 40 * self.done // self.total
                sys.stdout.write(f"\r{self.what:<10} [{'#' * full:<40}] {self.done}/{self.total}")
                sys.stdout.flush()
            elif self.done % max(1, self.total // 10) == 0:
                print(f"{self.what} {self.done}/{self.total}", flush=True)

    def end(self) -> None:
        print(
            f"{chr(10) if sys.stdout.isatty() else ''}{self.what} took {time.monotonic() - self.began:.1f} s"
        )
