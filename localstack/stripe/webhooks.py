"""Signed delivery of events to webhook endpoints, with retries.

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
_TIMEOUT = 30.0  # seconds for an endpoint to respond, including a cold start
_WORKERS = 6
_CHAOS = random.Random()  # noqa: S311 - not for cryptography
# The endpoints that have accepted no delivery of an event.
UNDELIVERED = (
    "SELECT endpoint FROM deliveries WHERE event = objects.id AND state != 'cancelled'"
    " GROUP BY endpoint HAVING SUM(state = 'delivered') = 0"
)
_COUNT_UNDELIVERED = f"SELECT (SELECT COUNT(*) FROM ({UNDELIVERED})) AS n FROM objects WHERE id = ?"  # noqa: S608


def retry_delay(attempts: int) -> float:
    """Return the seconds until the next attempt: 1, 2, 4 … 60. Stripe retries for days."""
    return float(min(2 ** (attempts - 1), 60))


def sign(secrets: list[str], body: bytes, timestamp: int) -> str:
    """Return the Stripe-Signature header: an HMAC-SHA256 over `timestamp.body` for each valid secret."""
    signed = b"%d." % timestamp + body
    signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])


def schedule_deliveries(store: Store, event: Object, now: float) -> int:
    """Schedule an event's deliveries, with the chaos settings, and return the number of endpoints."""
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
    """Return the enabled endpoints that subscribe to the event's type."""
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
    """Sends due deliveries in several threads, so that a slow endpoint does not block the others."""

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
        """Stop the threads. A delivery in flight may be sent again after a restart."""
        for _ in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.join(timeout=0.5)

    def dispatch(self) -> None:
        """Queue every due delivery that is not in flight."""
        due = self._store.rows(
            "SELECT id FROM deliveries WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id LIMIT 200",
            self._clock.now(),
        )
        with self._lock:
            new_ids = [row["id"] for row in due if row["id"] not in self._in_flight]
            self._in_flight.update(new_ids)
        for number in new_ids:
            self._queue.put(number)

    def _work(self) -> None:
        while (number := self._queue.get()) is not None:
            try:
                self._deliver(number)
            except sqlite3.ProgrammingError:
                return  # the emulator is stopping and has closed the store
            except Exception:
                log.exception("delivery failed: %s", number)
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
                return  # the emulator was reset
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
                remaining = self._store.rows(_COUNT_UNDELIVERED, event_id)
                event["pending_webhooks"] = remaining[0]["n"]
                self._store.put(event)


def send(url: str, secrets: list[str], body: bytes) -> int | str:
    """Send once, signed with the real time. Return the HTTP status, or the error as text."""
    parts = urlsplit(url)
    connection_type = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connection_type(parts.hostname or "", parts.port, timeout=_TIMEOUT)
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
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
