"""Injected faults: errors, delays and lost responses for API calls by path."""

import fnmatch
import threading
from dataclasses import dataclass

from localstack.stripe.errors import Object, invalid

_KINDS = ("status", "drop_after", "latency")


@dataclass
class Fault:
    """A fault for the next `times` requests to `path` (a pattern with `*`) with `method` (default any).

    `status`: respond with this error and `code` without running the request; if `kept`, store the error under
    the idempotency key, as Stripe stores its own failures. `drop_after`: run the request and close the
    connection without a response. `latency`: wait these seconds before running it.
    """

    path: str
    times: int = 1
    method: str | None = None
    status: int | None = None
    code: str | None = None
    kept: bool = False
    drop_after: bool = False
    latency: float = 0.0


class Faults:
    """The pending faults. They are lost when the process ends."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, body: Object) -> Object:
        """Add a fault. Raises a 400 if the body is invalid."""
        known = {"path", "times", "method", "code", "kept", *_KINDS}
        kinds = sum(name in body for name in _KINDS)
        if not isinstance(body.get("path"), str) or set(body) - known or kinds != 1:
            which = ", ".join(_KINDS)
            raise invalid(f"A fault needs a path and one of {which}. Optional: times, method, code, kept.")
        try:
            fault = Fault(
                path=body["path"],
                times=int(body.get("times", 1)),
                method=body.get("method"),
                status=int(body["status"]) if "status" in body else None,
                code=str(body["code"]) if "code" in body else None,
                kept=bool(body.get("kept", False)),
                drop_after=bool(body.get("drop_after", False)),
                latency=float(body.get("latency", 0)),
            )
        except (TypeError, ValueError) as error:
            raise invalid(f"times, status and latency must be numbers: {error}") from error
        if fault.status is not None and not 400 <= fault.status <= 599:
            raise invalid("A fault's status must be 400 to 599.")
        with self._lock:
            self._planned.append(fault)
        return {"planned": len(self._planned)}

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first pending fault for this request and count it down."""
        with self._lock:
            for fault in self._planned:
                if fault.method in (None, method) and fnmatch.fnmatchcase(path, fault.path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._planned.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()
