"""The emulator's clock: the machine's time plus an offset that tests set."""

import time

from localstack.stripe.store import Store


class Clock:
    """Returns seconds since the epoch. The offset is in the store, so it survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> float:
        return time.time() + float(self._store.setting("clock_offset", 0.0))

    def advance(self, seconds: float) -> None:
        offset = float(self._store.setting("clock_offset", 0.0))
        self._store.set_setting("clock_offset", offset + seconds)
