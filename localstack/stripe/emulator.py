"""The emulator without HTTP: store, clock, webhook sender, timers and control plane."""

import json
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from localstack.stripe import api, decisions, pages, timers
from localstack.stripe.clock import Clock
from localstack.stripe.errors import Object, StripeError, invalid
from localstack.stripe.faults import Fault, Faults
from localstack.stripe.idempotency import Response
from localstack.stripe.parameters import API_VERSION
from localstack.stripe.resources import webhook_endpoints
from localstack.stripe.store import Store
from localstack.stripe.unit import Unit, public
from localstack.stripe.webhooks import WebhookSender, schedule_delivery, subscribed_endpoints

log = logging.getLogger(__name__)
_DECISIONS = {"dispute": decisions.dispute, "refund": decisions.refund, "review": decisions.review}
_SECRET_OVERLAP = 24 * 3600.0  # seconds that a webhook's old secret stays valid by default
_POLL_SECONDS = 0.2  # between checks for due timers and deliveries


class Emulator:
    """Serves requests from any thread; its own thread runs due timers and deliveries."""

    def __init__(self, state: Path | None) -> None:
        self.store = Store(state)
        self.clock = Clock(self.store)
        self.faults = Faults()
        self._sender = WebhookSender(self.store, self.clock)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._base_url = ""

    def start(self, base_url: str) -> None:
        self._base_url = base_url
        self._sender.start()
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)
        self._sender.stop()
        self.store.close()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self._run_timers()
                self._sender.dispatch()
            except Exception:
                log.exception("timers or deliveries failed; they are retried")
            self._wake.wait(_POLL_SECONDS)

    def _run_timers(self) -> None:
        if not self.store.rows("SELECT 1 FROM timers WHERE due_at <= ? LIMIT 1", self.clock.now()):
            return
        with self.store.transaction():
            timers.run_due(Unit(self.store, self.clock.now(), self._base_url))

    def respond(self, request: api.Request, override: Response | None = None) -> Response:
        """Return the API's response; `override` is returned instead of running the request."""
        response = api.respond(self.store, request, self.clock.now(), override)
        self._wake.set()
        return response

    def show_page(self, request: api.Request) -> pages.Page:
        """Return a shopper's page. A declined card is a page too, so its writes are kept."""
        with self.store.transaction():
            unit = Unit(self.store, self.clock.now(), request.base_url, request.id)
            page = pages.show(unit, request.method, request.path, request.text)
        self._wake.set()
        return page

    def apply_fault(self, fault: Fault | None) -> Response | None:
        """Wait for the fault's latency and return its error response, if it has one."""
        if fault is None:
            return None
        time.sleep(fault.latency)
        if fault.status is None:
            return None
        kind = "api_error" if fault.status >= 500 else "invalid_request_error"
        code = "rate_limit" if fault.status == 429 else None
        error = StripeError(fault.status, "An injected fault.", kind=kind, code=fault.code or code)
        return Response(fault.status, error.body())

    def control(self, method: str, name: str, text: str) -> Response:
        """Serve `/_emulator/<name>` of the control plane, with a JSON body."""
        actions: dict[str, Callable[[Object], Object]] = {
            "reset": self._reset,
            "advance": self._advance,
            "chaos": self._chaos,
            "faults": self.faults.plan,
            "resend": self._resend,
            "roll": self._roll,
            **{name: partial(self._decide, decision) for name, decision in _DECISIONS.items()},
        }
        try:
            if method == "GET" and name == "health":
                return Response(200, {"status": "ok", "api_version": API_VERSION, "now": self.clock.now()})
            if method == "GET" and name == "deliveries":
                return Response(200, self._deliveries())
            if method == "DELETE" and name == "faults":
                self.faults.clear()
                return Response(200, {"planned": 0})
            if method != "POST" or name not in actions:
                raise StripeError(
                    404, f"Unknown action of the control plane: {method} {name[:80]}. The README lists them."
                )
            response = actions[name](_json(text))
        except StripeError as error:
            return Response(error.status, error.body())
        self._wake.set()
        return Response(200, response)

    def _reset(self, body: Object) -> Object:
        self.store.wipe()
        self.faults.clear()
        return {"reset": True}

    def _advance(self, body: Object) -> Object:
        seconds = _number(body, "seconds")
        with self.store.transaction():
            self.clock.advance(seconds)
        self._run_timers()
        return {"now": self.clock.now()}

    def _chaos(self, body: Object) -> Object:
        if unknown := set(body) - {"duplicate", "delay_max", "drop"}:
            raise invalid(f"Unknown key {min(unknown)}. Allowed: duplicate, delay_max, drop.")
        chaos = {name: _number(body, name) for name in body}
        with self.store.transaction():
            self.store.set_setting("chaos", chaos)
        return chaos

    def _resend(self, body: Object) -> Object:
        with self.store.transaction():
            event = Unit(self.store, self.clock.now(), "").get("event", str(body.get("event", "")))
            endpoints = subscribed_endpoints(self.store, event)
            for endpoint in endpoints:
                schedule_delivery(self.store, event, endpoint, self.clock.now())
        return {"planned": len(endpoints)}

    def _roll(self, body: Object) -> Object:
        """Roll the secret of one endpoint or all; the old one stays valid for `seconds` (default one day)."""
        if unknown := set(body) - {"endpoint", "seconds"}:
            raise invalid(f"Unknown key {min(unknown)}. Allowed: endpoint, seconds.")
        overlap = _number(body, "seconds") if "seconds" in body else _SECRET_OVERLAP
        with self.store.transaction():
            unit = Unit(self.store, self.clock.now(), self._base_url)
            if "endpoint" in body:
                endpoints = [unit.get("webhook_endpoint", str(body["endpoint"]))]
            else:
                endpoints = self.store.select("webhook_endpoint", [], 100)
            return {"data": [webhook_endpoints.roll(unit, endpoint, overlap) for endpoint in endpoints]}

    def _decide(self, decision: Callable[[Unit, Object], Object], body: Object) -> Object:
        with self.store.transaction():
            decided: Object = public(decision(Unit(self.store, self.clock.now(), self._base_url), body))
            return decided

    def _deliveries(self) -> Object:
        rows = self.store.rows("SELECT * FROM deliveries ORDER BY id DESC LIMIT 1000")
        counts = self.store.rows("SELECT state, COUNT(*) AS n FROM deliveries GROUP BY state")
        return {
            "counts": {row["state"]: row["n"] for row in counts},
            "data": [dict(row) for row in rows],
        }


def _json(text: str) -> Object:
    try:
        body: Any = json.loads(text or "{}")
    except ValueError as error:
        raise invalid("The body must be JSON.") from error
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


def _number(body: Object, name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise invalid(f"{name} must be a number from 0 to 1e9.")
    return float(value)
