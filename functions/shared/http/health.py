"""The health check of a function: an invocation with `{"health": true}`."""

from collections.abc import Callable

from shared.runtime.observability import log
from shared.runtime.settings import CommonSettings


def health(probe: Callable[[], object] | None) -> dict[str, str]:
    """Return the status: `ok` if `probe` can access what the service depends on, `failing` if it raises."""
    try:
        if probe:
            probe()
        status = "ok"
    except Exception:
        log.exception("health check failed")
        status = "failing"
    return {"status": status, "version": CommonSettings.load().version}
