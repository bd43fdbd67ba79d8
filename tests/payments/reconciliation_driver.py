"""A driver of reconciliations for tests: the clock, the stream's slices, and the state of orders."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.app import reads, reconcile
from payments.domain.reconciliation.differences import DELIVERY_TIME
from shared.contracts.commands.orders import DescribeOrder, OrderForPayment
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.support import Context, Reply, call, staff, stream_event

AFTER_DELIVERY = DELIVERY_TIME + timedelta(minutes=1)


class ReconciliationDriver:
    """Runs reconciliations. `paid_by` and `refunded` are the state of orders, by order id."""

    def __init__(self, driver: PaymentsDriver, monkeypatch: pytest.MonkeyPatch) -> None:
        self.driver = driver
        self.paid_by: dict[str, str] = {}
        self.refunded: dict[str, int] = {}
        self.ahead = timedelta()
        self.seen: dict[str, dict[str, Any]] = {}
        self.slices = 0
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + self.ahead)
        monkeypatch.setattr(rpc, "call", self.describe_order)

    def wait(self, time: timedelta = AFTER_DELIVERY) -> None:
        self.ahead += time

    def describe_order(self, function: str, command: DescribeOrder) -> OrderForPayment:
        known = self.driver.describe_order(function, command)
        paid = {
            "payment_id": self.paid_by.get(command.order_id),
            "refunded": self.refunded.get(command.order_id, 0),
        }
        return known.model_copy(update=paid)

    def deliver_to_orders(self) -> list[str]:
        """Deliver the published events to orders; return their types."""
        events = self.driver.published_events()
        for event in events:
            data = event["data"]
            order = self.driver.orders.get(data.get("order_id", ""))
            if event["type"] == "payment.succeeded" and order and order.status == "awaiting_payment":
                self.driver.orders[order.order_id] = order.model_copy(update={"status": "paid"})
                self.paid_by[order.order_id] = data["payment_id"]
            if order and "refunded" in data:
                self.refunded[order.order_id] = data["refunded"]["amount"]
        return [event["type"] for event in events]

    def pay(self, order_id: str = "ord_1", card: str = "pm_card_visa") -> str:
        """Pay an order and deliver all events; return the payment's id."""
        payment_id = self.pay_without_webhooks(order_id, card)
        self.deliver_webhooks()
        self.deliver_to_orders()
        return payment_id

    def pay_without_webhooks(self, order_id: str = "ord_1", card: str = "pm_card_visa") -> str:
        """Pay an order at Stripe without its webhooks; return the payment's id."""
        self.driver.order(order_id)
        opened = self.driver.pay(order_id).json
        self.driver.confirm(opened["provider_id"], card)
        return str(opened["payment_id"])

    def deliver_webhooks(self) -> None:
        for event in self.driver.stripe_events():
            if event["id"] not in self.driver.posted:
                self.driver.posted.add(event["id"])
                self.driver.post_event(event)
        self.driver.apply_events()

    # Reconciliations

    def request(self, **body: Any) -> Reply:
        return call(reads.api, "POST", "/admin/reconciliations", body=body, caller=staff())

    def run_slice(self) -> bool:
        """Deliver the changed reconciliations to the reconciler; return False if there are none."""
        rows = {
            key: row
            for key, row in self.driver.rows("PAYMENTS_TABLE").items()
            if row["pk"]["S"] == "reconciliations" and row["sk"]["S"].startswith("rec_")
        }
        changed = [(self.seen.get(key), row) for key, row in rows.items() if self.seen.get(key) != row]
        self.seen = rows
        if changed:
            self.slices += 1
            reconcile.reconcile(stream_event(*changed), Context())
        return bool(changed)

    def run_slices(self) -> None:
        for _ in range(100):
            if not self.run_slice():
                return
        raise AssertionError("the reconciliation does not finish")

    def run(self, since: datetime | None = None) -> dict[str, Any]:
        """Request a reconciliation, run it to its end, and return its report."""
        requested = self.request(**({"since": since.isoformat()} if since else {}))
        assert requested.status == 202, requested.text
        self.run_slices()
        return self.report(requested.json["reconciliation_id"])

    def report(self, reconciliation_id: str) -> dict[str, Any]:
        response = self.driver.get(f"/admin/reconciliations/{reconciliation_id}", staff())
        assert response.status == 200
        found: dict[str, Any] = response.json
        return found

    def run_later(self) -> list[tuple[str, str | None, bool | None]]:
        """Wait, reconcile, and return (kind, repair, repaired) of each difference."""
        self.wait()
        report = self.run()
        assert report["status"] == "finished", report["reason"]
        return [(each["kind"], each["repair"], each["repaired"]) for each in report["findings"]]
