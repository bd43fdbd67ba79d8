"""The emulator's time: the machine's, moved forward by as much as a test asked for."""

import time

from localstack.stripe.store import Store


class Clock:
    """Seconds since the epoch; the offset is kept in the store and so outlives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> float:
        return time.time() + float(self._store.setting("clock_offset", 0.0))

    def advance(self, seconds: float) -> None:
        offset = float(self._store.setting("clock_offset", 0.0))
        self._store.set_setting("clock_offset", offset + seconds)
