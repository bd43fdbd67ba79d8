"""Comparisons with Stripe, step by step: time passes, the stream brings slices, orders hear the news."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.app import reads, reconcile
from payments.domain.reconciling.differences import ON_ITS_WAY
from shared.contracts.commands import DescribeOrder, OrderForPayment
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.support import Context, Reply, call, staff, stream_event

A_WHILE = ON_ITS_WAY + timedelta(minutes=1)


class ReconciliationDriver:
    """Staff who compare the books. `paid_by` and `refunded` are what orders knows, by order."""

    def __init__(self, driver: PaymentsDriver, monkeypatch: pytest.MonkeyPatch) -> None:
        self.driver = driver
        self.paid_by: dict[str, str] = {}
        self.refunded: dict[str, int] = {}
        self.later = timedelta()
        self.seen: dict[str, dict[str, Any]] = {}
        self.slices = 0
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + self.later)
        monkeypatch.setattr(rpc, "call", self.answer_for_orders)

    def wait(self, time: timedelta = A_WHILE) -> None:
        self.later += time

    def answer_for_orders(self, function: str, question: DescribeOrder) -> OrderForPayment:
        known = self.driver.answer_for_orders(function, question)
        about = {
            "payment_id": self.paid_by.get(question.order_id),
            "refunded": self.refunded.get(question.order_id, 0),
        }
        return known.model_copy(update=about)

    def orders_hear(self) -> list[str]:
        """Orders take what payments said; its types."""
        facts = self.driver.facts()
        for fact in facts:
            about = fact["data"]
            order = self.driver.orders.get(about.get("order_id", ""))
            if fact["type"] == "payment.succeeded" and order and order.status == "awaiting_payment":
                self.driver.orders[order.order_id] = order.model_copy(update={"status": "paid"})
                self.paid_by[order.order_id] = about["payment_id"]
            if order and "refunded" in about:
                self.refunded[order.order_id] = about["refunded"]["amount"]
        return [fact["type"] for fact in facts]

    def paid(self, order_id: str = "ord_1", card: str = "pm_card_visa") -> str:
        """An order paid for, and everybody knows; the payment's id."""
        payment_id = self.paid_unheard(order_id, card)
        self._turn()
        self.orders_hear()
        return payment_id

    def paid_unheard(self, order_id: str = "ord_1", card: str = "pm_card_visa") -> str:
        """An order paid for, and nobody here was told; the payment's id."""
        self.driver.order(order_id)
        opened = self.driver.pay(order_id).json
        self.driver.card(opened["provider_id"], card)
        return str(opened["payment_id"])

    def _turn(self) -> None:
        for event in self.driver.stripe_events():
            if event["id"] not in self.driver.posted:
                self.driver.posted.add(event["id"])
                self.driver.post(event)
        self.driver.forward()
        self.driver.apply()

    # Comparing.

    def ask(self, **body: Any) -> Reply:
        return call(reads.api, "POST", "/admin/reconciliations", body=body, caller=staff())

    def stream(self) -> bool:
        """Hand the comparisons that were written since to the reconciler; False where none were."""
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

    def work(self) -> None:
        for _ in range(100):
            if not self.stream():
                return
        raise AssertionError("the comparison does not end")

    def compare(self, since: datetime | None = None) -> dict[str, Any]:
        """Ask for a comparison and let it run to its end; its report."""
        asked = self.ask(**({"since": since.isoformat()} if since else {}))
        assert asked.status == 202, asked.text
        self.work()
        return self.report(asked.json["reconciliation_id"])

    def report(self, reconciliation_id: str) -> dict[str, Any]:
        answer = self.driver.get(f"/admin/reconciliations/{reconciliation_id}", staff())
        assert answer.status == 200
        found: dict[str, Any] = answer.json
        return found

    def finds(self) -> list[tuple[str, str | None, bool | None]]:
        """Compare a while later: (kind, repair, repaired) of each difference."""
        self.wait()
        report = self.compare()
        assert report["status"] == "finished", report["reason"]
        return [(each["kind"], each["repair"], each["repaired"]) for each in report["findings"]]
