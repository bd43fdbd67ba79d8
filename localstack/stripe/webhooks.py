"""Signs events and delivers them to the endpoints that asked, again and again until they are taken.

Source: https://docs.stripe.com/webhooks
"""

import hashlib
import hmac
import http.client
import json
import logging
import queue
import random
import sqlite3
import threading
import time
from urllib.parse import urlsplit

from localstack.stripe.clock import Clock
from localstack.stripe.errors import Object
from localstack.stripe.store import Store

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 12
_TIMEOUT = 30.0  # seconds an endpoint has to answer, cold starts included
_WORKERS = 6
_CHAOS = random.Random()  # noqa: S311 - bad luck, not cryptography
# The endpoints that an event was meant for and that have not taken any delivery of it.
UNDELIVERED = (
    "SELECT endpoint FROM deliveries WHERE event = objects.id AND state != 'cancelled'"
    " GROUP BY endpoint HAVING SUM(state = 'delivered') = 0"
)
_COUNT_UNDELIVERED = f"SELECT (SELECT COUNT(*) FROM ({UNDELIVERED})) AS n FROM objects WHERE id = ?"  # noqa: S608


def retry_delay(attempts: int) -> float:
    """Seconds until the next attempt: 1, 2, 4 … 60. Stripe's own takes hours; here somebody is waiting."""
    return float(min(2 ** (attempts - 1), 60))


def sign(secrets: list[str], body: bytes, timestamp: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over `timestamp.body`, once for each secret that holds."""
    signed = b"%d." % timestamp + body
    signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])


def schedule_deliveries(store: Store, event: Object, now: float) -> int:
    """Plan an event's deliveries, with the chaos asked for; the number of endpoints that will hear it."""
    chaos = store.setting("chaos", {})
    endpoints = subscribed_endpoints(store, event)
    for endpoint in endpoints:
        copies = 2 if _CHAOS.random() < chaos.get("duplicate", 0) else 1
        for _ in range(copies):
            state = "dropped" if _CHAOS.random() < chaos.get("drop", 0) else "pending"
            delay = _CHAOS.uniform(0, chaos.get("delay_max", 0))
            schedule_delivery(store, event, endpoint, now + delay, state)
    return len(endpoints)


def subscribed_endpoints(store: Store, event: Object) -> list[Object]:
    """The endpoints that asked for such an event."""
    return [
        endpoint
        for endpoint in store.select("webhook_endpoint", [], 100)
        if endpoint["status"] == "enabled" and {"*", event["type"]} & set(endpoint["enabled_events"])
    ]


def schedule_delivery(
    store: Store, event: Object, endpoint: Object, due_at: float, state: str = "pending"
) -> None:
    store.rows(
        "INSERT INTO deliveries (event, type, endpoint, url, state, due_at) VALUES (?, ?, ?, ?, ?, ?)",
        event["id"],
        event["type"],
        endpoint["id"],
        endpoint["url"],
        state,
        due_at,
    )


class WebhookSender:
    """Delivers what is due, several at a time, so that one slow endpoint does not hold up the rest."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._queue: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._in_flight: set[int] = set()
        self._lock = threading.Lock()
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Take no more; what is under way may end, or be told again after a restart."""
        for _ in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.join(timeout=0.5)

    def dispatch(self) -> None:
        """Hand out every delivery that is due."""
        due = self._store.rows(
            "SELECT id FROM deliveries WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id LIMIT 200",
            self._clock.now(),
        )
        with self._lock:
            new = [row["id"] for row in due if row["id"] not in self._in_flight]
            self._in_flight.update(new)
        for number in new:
            self._queue.put(number)

    def _work(self) -> None:
        while (number := self._queue.get()) is not None:
            try:
                self._deliver(number)
            except sqlite3.ProgrammingError:
                return  # the store was closed under us: the emulator is ending
            except Exception:
                log.exception("delivery %s", number)  # and on with the others
            finally:
                with self._lock:
                    self._in_flight.discard(number)

    def _deliver(self, number: int) -> None:
        with self._store.transaction():
            found = self._store.rows("SELECT * FROM deliveries WHERE id = ? AND state = 'pending'", number)
            event = self._store.get("event", found[0]["event"]) if found else None
            endpoint = self._store.get("webhook_endpoint", found[0]["endpoint"]) if found else None
            if found and not (endpoint and event):
                self._store.rows("UPDATE deliveries SET state = 'cancelled' WHERE id = ?", number)
        if not (event and endpoint):
            return
        secrets = [endpoint["_secret"]]
        if self._clock.now() < endpoint.get("_previous_until", 0):
            secrets.append(endpoint["_previous_secret"])
        outcome = send(endpoint["url"], secrets, json.dumps(event, indent=2).encode())
        self._record(number, event["id"], outcome)

    def _record(self, number: int, event_id: str, outcome: int | str) -> None:
        accepted = isinstance(outcome, int) and 200 <= outcome < 300
        with self._store.transaction():
            found = self._store.rows("SELECT attempts FROM deliveries WHERE id = ?", number)
            if not found:
                return  # the emulator was reset meanwhile
            attempts = found[0]["attempts"] + 1
            state = "delivered" if accepted else "failed" if attempts >= MAX_ATTEMPTS else "pending"
            self._store.rows(
                "UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, outcome = ? WHERE id = ?",
                state,
                attempts,
                self._clock.now() + (0 if accepted else retry_delay(attempts)),
                str(outcome),
                number,
            )
            event = self._store.get("event", event_id)
            if accepted and event:
                left = self._store.rows(_COUNT_UNDELIVERED, event_id)
                event["pending_webhooks"] = left[0]["n"]
                self._store.put(event)


def send(url: str, secrets: list[str], body: bytes) -> int | str:
    """One attempt, signed with the real time: the HTTP status, or in words why there is none."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(
                "POST",
                path,
                body,
                {
                    "Content-Type": "application/json; charset=utf-8",
                    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                    "Stripe-Signature": sign(secrets, body, int(time.time())),
                },
            )
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
