"""Bad days on request: errors, delays and lost answers for the calls of a path."""

import fnmatch
import threading
from dataclasses import dataclass

from localstack.stripe.errors import Object, invalid

_KINDS = ("status", "drop_after", "latency")


@dataclass
class Fault:
    """For `times` requests to `path` (a pattern with `*`; any method unless given): one of the three.

    `status` is answered instead of acting, as an error of the `code` given, and if it is `kept`, to every
    call under the same idempotency key, as Stripe does with its own failures; with `drop_after` the call acts
    and its answer is lost; `latency` are seconds before it acts.
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
    """The faults that are planned; they do not outlive the process."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, body: Object) -> Object:
        """Add a fault; 400 when it does not say which."""
        known = {"path", "times", "method", "code", "kept", *_KINDS}
        kinds = sum(name in body for name in _KINDS)
        if not isinstance(body.get("path"), str) or set(body) - known or kinds != 1:
            which = ", ".join(_KINDS)
            raise invalid(f"A fault has a path, one of {which}, and maybe times, method, code and kept.")
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
            raise invalid(f"A fault's figures are numbers: {error}") from error
        if fault.status is not None and not 400 <= fault.status <= 599:
            raise invalid("A fault's status is 400 to 599.")
        with self._lock:
            self._planned.append(fault)
        return {"planned": len(self._planned)}

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault planned for this request, used up by one."""
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
