"""How a function is, asked by an invocation with `{"health": true}`."""

from collections.abc import Callable

from shared.observe import log
from shared.settings import Common


def health(probe: Callable[[], object] | None) -> dict[str, str]:
    """`ok` when `probe` can touch what the service cannot work without, `failing` where it raises."""
    try:
        if probe:
            probe()
        status = "ok"
    except Exception:
        log.exception("not healthy")
        status = "failing"
    return {"status": status, "version": Common.load().version}
