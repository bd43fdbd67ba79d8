"""A driver of payments for tests: orders, cards, Stripe's webhooks, streams and queues."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen
from zlib import crc32

import boto3
import stripe

from payments.app import apply, checkout, consume, money, reads, relay, sweep, webhook
from payments.domain.inbox import HANDLED
from payments.domain.ledger import Entry
from payments.domain.payments import Payment
from payments.tables import ledger, payments
from shared.contracts.commands.orders import DescribeOrder, OrderForPayment
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import (
    FulfilmentData,
    OrderCancelled,
    OrderData,
    OrderExpired,
    OrderRefundDue,
    OrderShipped,
    RefundDueData,
)
from shared.messaging import rpc
from shared.runtime import clock
from shared.values.money import Money
from tests.support import (
    ENVIRONMENT,
    REGION,
    Context,
    Identity,
    Reply,
    call,
    customer,
    deliver,
    idempotency_headers,
    sqs_event,
    staff,
    stream_event,
)

SECRET = "whsec_test_current"
PLACED = datetime(2026, 1, 1, tzinfo=UTC)


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def signed(body: bytes, secret: str = SECRET, at: int | None = None) -> str:
    time = clock.epoch(clock.now()) if at is None else at
    return f"t={time},v1={hmac.digest(secret.encode(), f'{time}.'.encode() + body, 'sha256').hex()}"


def post_webhook(body: bytes, header: str | None) -> Reply:
    headers = {} if header is None else {"Stripe-Signature": header}
    return call(webhook.api, "POST", "/webhooks/stripe", raw=body.decode(), headers=headers)


@dataclass
class PaymentsDriver:
    url: str
    published: Callable[[], list[dict[str, Any]]]
    orders: dict[str, OrderData] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted: set[str] = field(default_factory=set)
    paid_by: dict[str, str] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.stripe = stripe.StripeClient("sk_test_shopper", base_addresses={"api": self.url}).v1
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)

    # Orders

    def order(self, order_id: str = "ord_1", total: int = 2000, **changes: Any) -> OrderData:
        values = {
            "order_id": order_id,
            "number": "7K4M2-9QX2D",
            "user_id": "usr_1",
            "email": "ada@example.com",
            "status": "awaiting_payment",
            "lines": [],
            "subtotal": gbp(total),
            "discount": gbp(0),
            "shipping": gbp(0),
            "tax": gbp(0),
            "total": gbp(total),
            "placed_at": PLACED,
            "expires_at": clock.now() + timedelta(minutes=30),
        }
        self.orders[order_id] = OrderData.model_validate(values | changes)
        return self.orders[order_id]

    def describe_order(self, function: str, command: Any) -> OrderForPayment:
        assert (function, type(command)) == (ENVIRONMENT["ORDERS_COMMANDS"], DescribeOrder)
        known = self.orders.get(command.order_id)
        if known is None or command.user_id not in (None, known.user_id):
            raise rpc.CommandRejected(
                {"type": "/problems/not-found", "status": 404, "detail": "The order does not exist."}
            )
        paid_by = self.paid_by.get(command.order_id)
        return OrderForPayment(order=self.orders[command.order_id], version=1, payment_id=paid_by)

    def order_ended(self, kind: type[OrderExpired] | type[OrderCancelled], order_id: str = "ord_1") -> Event:
        status = kind.event_type().removeprefix("order.")
        self.orders[order_id] = self.orders[order_id].model_copy(update={"status": status})
        return kind.of(self.orders[order_id], subject=order_id, version=9, at=PLACED)

    # Requests

    def pay(
        self,
        order_id: str = "ord_1",
        *,
        key: str | None = None,
        caller: Identity | None = None,
        **fields: str,
    ) -> Reply:
        return call(
            checkout.api,
            "POST",
            "/payments",
            body={"order_id": order_id, **fields},
            caller=caller or customer(),
            headers=idempotency_headers(key),
        )

    def get(self, path: str, caller: Identity | None = None) -> Reply:
        return call(reads.api, "GET", path, caller=caller or customer())

    def staff_post(
        self,
        action: str,
        payment_id: str,
        body: dict[str, Any],
        *,
        headers: dict[str, str] | None = None,
        caller: Identity | None = None,
    ) -> Reply:
        return call(
            money.api,
            "POST",
            f"/payments/{payment_id}/{action}",
            body=body,
            caller=caller or staff(),
            headers=idempotency_headers() if headers is None else headers,
        )

    def create_refund(self, payment_id: str, key: str | None = None, **body: Any) -> Reply:
        """Create a refund as staff."""
        return self.staff_post("refunds", payment_id, body, headers=idempotency_headers(key))

    def capture(self, payment_id: str, key: str | None = None, **body: Any) -> Reply:
        """Capture as staff."""
        return self.staff_post("capture", payment_id, body, headers=idempotency_headers(key))

    def advance(self, **by: float) -> None:
        """Advance the clock, here and at Stripe."""
        self.ahead += timedelta(**by)
        self.control_stripe("advance", seconds=timedelta(**by).total_seconds())

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sweep_later(self) -> list[str]:
        """Run the sweeper after its retry delay; return the published types."""
        self.advance(minutes=6)
        return self.sweep()

    def sweep(self, context: Context | None = None) -> list[str]:
        """Run the sweeper; return the published types."""
        sweep.sweep({}, context or Context())
        return self.published_types()

    def ledger(self, payment_id: str) -> list[Entry]:
        return [*ledger.page(payment_id, 100, None).items]

    def refunds(self, payment_id: str) -> list[dict[str, Any]]:
        """Return the payment's refunds as staff see them."""
        found: list[dict[str, Any]] = self.get(f"/payments/{payment_id}/refunds", staff()).json["items"]
        return found

    def payment(self, payment_id: str) -> Payment:
        found = payments.payment(payment_id)
        assert found is not None
        return found

    def status(self, payment_id: str) -> str:
        return str(self.get(f"/payments/{payment_id}").json["status"])

    def receive(self, *events: Event) -> None:
        assert deliver(consume.consume, *events) == []

    def refund_due(self, payment_id: str, amount: int, key: str = "k1", order_id: str = "ord_1") -> Event:
        data = RefundDueData(
            order_id=order_id, payment_id=payment_id, amount=gbp(amount), reason="late", refund_key=key
        )
        return OrderRefundDue.of(data, subject=order_id, version=10 + crc32(key.encode()), at=PLACED)

    def shipped(self, payment_id: str, due: int, *, fully_shipped: bool = False) -> Event:
        """Return the event of a fulfilment; `due` is the total for all goods shipped so far."""
        data = FulfilmentData(
            order_id="ord_1",
            number="7K4M2-9QX2D",
            user_id="usr_1",
            email="ada@example.com",
            fulfilment_id=f"ful_{due}",
            lines=[],
            fully_shipped=fully_shipped,
            payment_id=payment_id,
            capture_due=gbp(due),
        )
        return OrderShipped.of(data, subject="ord_1", version=20 + due, at=PLACED)

    # The shopper and Stripe

    def confirm(self, provider_id: str, card: str = "pm_card_visa") -> None:
        try:
            self.stripe.payment_intents.confirm(
                provider_id, {"payment_method": card, "return_url": "http://127.0.0.1/r"}
            )
        except stripe.CardError:
            assert card != "pm_card_visa"

    def break_stripe(self, **fault: Any) -> None:
        self.control_stripe("faults", **fault)

    def repair_stripe(self) -> None:
        urlopen(Request(f"{self.url}/_emulator/faults", method="DELETE")).close()

    def control_stripe(self, action: str, **fields: Any) -> None:
        """Call the local Stripe's control API."""
        body = json.dumps(fields).encode()
        urlopen(Request(f"{self.url}/_emulator/{action}", body, {"Content-Type": "application/json"})).close()

    def stripe_events(self) -> list[dict[str, Any]]:
        """Return the events to which the webhook endpoint subscribes, oldest first."""
        found = self.stripe.events.list({"limit": 100, "types": [*HANDLED]}).data
        return [event.to_dict() for event in reversed(found)]

    def cancel_intents(self, count: int) -> list[str]:
        """Create and cancel intents of another system, with one event each; return their ids."""
        created = [
            self.stripe.payment_intents.create({"amount": 500, "currency": "gbp"}).id for _ in range(count)
        ]
        for intent_id in created:
            self.stripe.payment_intents.cancel(intent_id)
        return created

    def post_event(self, event: dict[str, Any]) -> None:
        body = json.dumps(event, default=str).encode()  # the SDK parses some amounts to decimals
        assert post_webhook(body, signed(body)).status == 200

    # Streams and queues

    def deliver_all(self) -> list[str]:
        """Deliver new webhooks, the queue and the stream; return the published types."""
        for event in self.new_events():
            self.post_event(event)
        self.apply_events()
        return self.published_types()

    def new_events(self) -> list[dict[str, Any]]:
        """Return Stripe's events since the last call, oldest first."""
        found = [event for event in self.stripe_events() if event["id"] not in self.posted]
        self.posted |= {event["id"] for event in found}
        return found

    def apply_events(self) -> None:
        """Deliver the queue of Stripe events, and the payments' stream after each."""
        self.apply_without_relay(self.relay)

    def apply_without_relay(self, after_each: Callable[[], None] = lambda: None) -> None:
        for body in self.queued_messages():
            result = apply.apply(sqs_event(body), Context())
            assert result == {"batchItemFailures": []}
            after_each()

    def queued_messages(self) -> list[str]:
        url, bodies = ENVIRONMENT["PAYMENTS_STRIPE_QUEUE_URL"], []
        while batch := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def relay(self) -> None:
        """Deliver the payments' stream."""
        relay.relay(self._changes("PAYMENTS_TABLE"), Context())

    def published_types(self) -> list[str]:
        return [event["type"] for event in self.published_events()]

    def published_events(self) -> list[dict[str, Any]]:
        self.relay()
        return self.published()

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        items = self.dynamodb.scan(TableName=ENVIRONMENT[table])["Items"]
        return {item["pk"]["S"] + item.get("sk", {"S": ""})["S"]: item for item in items}

    def inbox(self) -> dict[str, str]:
        """Return the status of each stored event by id."""
        rows = self.rows("PAYMENTS_INBOX_TABLE").values()
        return {row["pk"]["S"]: row["status"]["S"] for row in rows if "status" in row}

    def _changes(self, table: str) -> dict[str, Any]:
        new, old = self.rows(table), self.seen.get(table, {})
        self.seen[table] = new
        return stream_event(*((old.get(key), row) for key, row in new.items() if old.get(key) != row))
