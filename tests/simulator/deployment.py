"""The deployment: the resources of all services in moto, with snapshots of everything that they store."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto.s3.models import s3_backends
from moto.ses.models import ses_backends
from moto.sqs.models import sqs_backends

from localstack.stripe.server import LocalStripe
from payments import stripe_gateway
from payments.service import checkout, inbox
from payments.settings import settings as payments_settings
from shared.runtime import clock, secrets
from tests.simulator import tables
from tests.simulator.queues import QueueReader, StreamReader
from tests.simulator.roles import Roles
from tests.simulator.transport import Fault, Transport
from tests.simulator.wiring import Wiring, queue_arn
from tests.support import ACCOUNT, ENVIRONMENT, REGION, SERVICES, make_resources

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """The state of an idle shop: tables, files, published events, emails, and Stripe's database."""

    now: datetime
    tables: tables.State
    positions: list[int]
    published: dict[str, list[Any]]
    emails: list[Any]
    files: dict[str, list[Any]]
    stripe: bytes
    last_event: int
    webhooks: list[dict[str, Any]]
    capture: str


class Deployment:
    """The resources that `sam deploy` creates, in moto, which must be active; `reset` restores a snapshot."""

    def __init__(self, local_stripe: LocalStripe, patch: pytest.MonkeyPatch) -> None:
        self.now = START
        self.emulator = local_stripe.emulator
        self._set_stripes_clock()
        patch.setattr(clock, "now", lambda: self.now)
        self.capture = "automatic"
        known = payments_settings().model_copy(update={"payments_stripe_url": local_stripe.url})
        patch.setattr(stripe_gateway, "settings", lambda: known)
        patch.setattr(
            checkout, "settings", lambda: known.model_copy(update={"payments_capture": self.capture})
        )
        patch.setattr(inbox.webhook_secrets, "reread_at", None)
        self.wiring = Wiring()
        self._make()
        self.transport = Transport(self.wiring.callees, Roles(self.wiring.template))
        self.transport.install(patch)
        self.streams = [StreamReader(source) for source in self.wiring.streams]
        self.queues = [QueueReader(source) for source in self.wiring.queues]
        self.last_event = 0
        self._clear()
        self.initial = self.snapshot()

    def _make(self) -> None:
        make_resources()
        dynamodb, sns, sqs, ses = (
            boto3.client(name, region_name=REGION) for name in ("dynamodb", "sns", "sqs", "ses")
        )
        ses.verify_domain_identity(Domain="tillstack.example")
        for table, view in self.wiring.stream_views.items():
            dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": True, **view})
        for wanted in self.wiring.subscriptions:
            sns.subscribe(
                TopicArn=wanted.topic_arn,
                Protocol="sqs",
                Endpoint=wanted.queue_arn,
                Attributes=wanted.attributes,
            )
        topics = {entry["TopicArn"] for entry in sns.list_topics()["Topics"]}
        for service in SERVICES:
            if (topic := ENVIRONMENT[f"{service.upper()}_TOPIC_ARN"]) in topics:
                sqs.create_queue(QueueName=f"listener-{service}")
                sns.subscribe(
                    TopicArn=topic,
                    Protocol="sqs",
                    Endpoint=queue_arn(f"listener-{service}"),
                    Attributes={"RawMessageDelivery": "true"},
                )

    def snapshot(self) -> Snapshot:
        """Return the current state for `reset`. The queues must be empty."""
        self.collect()
        assert not any(queue.waiting for queue in self.queues)
        store = self.emulator.store
        with store._lock:
            stripe_state = store._connection.serialize()
        return Snapshot(
            now=self.now,
            tables=tables.snapshot(),
            positions=[stream.position for stream in self.streams],
            published={name: list(queue._messages) for name, queue in self._sqs_queues.items()},
            emails=list(self._ses.sent_messages),
            files={name: list(bucket.keys.items()) for name, bucket in self._buckets.items()},
            stripe=stripe_state,
            last_event=self.last_event,
            webhooks=list(self.webhooks),
            capture=self.capture,
        )

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Restore a snapshot, by default the state after the deployment."""
        snapshot = snapshot or self.initial
        self.now, self.last_event, self.capture = snapshot.now, snapshot.last_event, snapshot.capture
        tables.restore(snapshot.tables)
        for stream, position in zip(self.streams, snapshot.positions, strict=True):
            stream.seek(position)
        for name, queue in self._sqs_queues.items():
            queue._messages[:] = snapshot.published[name]
        for queue in self.queues:
            queue.waiting.clear()
        self._ses.sent_messages[:] = snapshot.emails
        for name, bucket in self._buckets.items():
            bucket.keys.clear()
            for key, file in snapshot.files[name]:
                bucket.keys[key] = file
        store = self.emulator.store
        with store._lock:
            store._connection.deserialize(snapshot.stripe)
        self._set_stripes_clock()
        self._clear()
        self.webhooks += snapshot.webhooks

    def _set_stripes_clock(self) -> None:
        """Set Stripe's clock to ours. It then runs in real time, which is close enough for a test."""
        self.emulator.clock.advance(self.now.timestamp() - self.emulator.clock.now())

    def _clear(self) -> None:
        self.webhooks: list[dict[str, Any]] = []
        self.fault: Fault | None = None
        self.transport.down.clear()
        self.dead_letters: list[str] = []
        self.invocations: list[tuple[str, list[str]]] = []
        self.restart_processes()

    @property
    def _sqs_queues(self) -> dict[str, Any]:
        return dict(sqs_backends[ACCOUNT][REGION].queues)

    @property
    def _buckets(self) -> dict[str, Any]:
        return dict(s3_backends[ACCOUNT]["aws"].buckets)

    @property
    def _ses(self) -> Any:
        return ses_backends[ACCOUNT][REGION]

    def restart_processes(self) -> None:
        """Clear everything that functions cache in memory."""
        secrets._cached.clear()
        inbox.webhook_secrets.reread_at = None

    def collect(self) -> None:
        """Collect new messages from SQS and the events to which Stripe's webhook endpoint subscribes."""
        for queue in self.queues:
            queue.receive(self.now)
        found = self.emulator.store.rows(
            "SELECT seq, body FROM objects WHERE kind = 'event' AND seq > ? ORDER BY seq", self.last_event
        )
        for row in found:
            self.last_event = row["seq"]
            event = json.loads(row["body"])
            if event["type"] in self.wiring.stripe_events:
                self.webhooks.append(event)

    def published(self, service: str) -> list[dict[str, Any]]:
        """Return every event on the service's topic since `reset`, in order of publication."""
        queue = sqs_backends[ACCOUNT][REGION].queues[f"listener-{service}"]
        return [json.loads(message.body) for message in queue._messages]

    def files(self, bucket: str) -> list[str]:
        """Return the keys of the bucket's objects."""
        return [*self._buckets[bucket].keys]

    def stripe_objects(self, kind: str) -> list[dict[str, Any]]:
        """Return all of Stripe's objects of the kind (`payment_intent`, `refund`, …), oldest first."""
        return self.emulator.store.select(kind, [], 10_000, newest=False)
