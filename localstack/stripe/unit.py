"""The unit of work of one request: reads, writes, timers and events in one transaction."""

from dataclasses import dataclass
from typing import Any

from localstack.stripe import ids
from localstack.stripe.errors import Object, StripeError
from localstack.stripe.parameters import API_VERSION
from localstack.stripe.store import Store
from localstack.stripe.webhooks import schedule_deliveries

_NAMES = {"payment_method": "PaymentMethod", "checkout.session": "checkout.session"}


@dataclass
class Unit:
    """A unit of work. `now` is the emulator's time in seconds; `request_id` is None in timers."""

    store: Store
    now: float
    base_url: str
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def timestamp(self) -> int:
        """Return the time in whole seconds, as objects have it."""
        return int(self.now)

    def get(self, kind: str, id_: str, param: str | None = None) -> Object:
        """Return the object. If it is missing, raises a 400 for the parameter `param`, or else a 404."""
        if found := self.store.get(kind, id_):
            return found
        raise self.missing(kind, id_, param)

    def missing(self, kind: str, id_: str, param: str | None = None) -> StripeError:
        """Return the error that there is no such object."""
        return StripeError(
            400 if param else 404,
            f"No such {_NAMES.get(kind, kind)}: '{id_[:80]}'",
            code="resource_missing",
            param=param or ("intent" if kind == "payment_intent" else "id"),
        )

    def save(self, obj: Object) -> None:
        self.store.put(obj)

    def schedule(self, seconds: float, action: str, target: str) -> None:
        """Schedule an action of `timers` on the object."""
        self.store.rows(
            "INSERT INTO timers (due_at, action, target) VALUES (?, ?, ?)", self.now + seconds, action, target
        )

    def emit(self, type_: str, obj: Object, before: Object | None = None) -> None:
        """Emit an event with a snapshot of the object and, given `before`, its previous attributes."""
        data: dict[str, Any] = {"object": public(obj)}
        if before is not None:
            old, new = public(before), data["object"]
            data["previous_attributes"] = {key: old[key] for key in old if old[key] != new.get(key)}
        event = {
            "id": ids.new("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.timestamp,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": type_,
        }
        event["pending_webhooks"] = schedule_deliveries(self.store, event, self.now)
        self.save(event)


def public(obj: Any) -> Any:
    """Return the object without internal fields, whose names begin with an underscore."""
    if isinstance(obj, dict):
        return {key: public(value) for key, value in obj.items() if not key.startswith("_")}
    if isinstance(obj, list):
        return [public(item) for item in obj]
    return obj
