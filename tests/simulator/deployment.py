"""The shop as it stands: its resources in moto, what is written in them, and how to have all of it again."""

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
from tests.simulator.queues import EventQueue, FunctionQueue
from tests.simulator.roles import Roles
from tests.simulator.transport import Fault, Transport
from tests.simulator.wiring import Wiring, queue_arn
from tests.support import ACCOUNT, ENVIRONMENT, REGION, SERVICES, make_resources

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """A shop at rest: what is written where, what was said and mailed so far, what Stripe knows."""

    now: datetime
    tables: tables.State
    places: list[int]
    said: dict[str, list[Any]]
    mails: list[Any]
    files: dict[str, list[Any]]
    stripe: bytes
    last_event: int
    webhooks: list[dict[str, Any]]
    capture: str


class Deployment:
    """What `sam deploy` makes, in process; made once (moto must be on), emptied by `reset`."""

    def __init__(self, local_stripe: LocalStripe, patch: pytest.MonkeyPatch) -> None:
        self.now = MORNING
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
        self.transport = Transport(self.wiring.asked, Roles(self.wiring.template))
        self.transport.install(patch)
        self.queues = [EventQueue(source) for source in self.wiring.streams]
        self.boxes = [FunctionQueue(source) for source in self.wiring.queues]
        self.last_event = 0
        self._clear()
        self.empty = self.keep()

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

    def keep(self) -> Kept:
        """The shop as it is, to be had again by `reset`; no message may be under way."""
        self.collect()
        assert not any(box.waiting for box in self.boxes)
        store = self.emulator.store
        with store._lock:
            stripe_state = store._connection.serialize()
        return Kept(
            now=self.now,
            tables=tables.kept(),
            places=[belt.read for belt in self.queues],
            said={name: list(queue._messages) for name, queue in self._queues.items()},
            mails=list(self._ses.sent_messages),
            files={name: list(bucket.keys.items()) for name, bucket in self._buckets.items()},
            stripe=stripe_state,
            last_event=self.last_event,
            webhooks=list(self.webhooks),
            capture=self.capture,
        )

    def reset(self, kept: Kept | None = None) -> None:
        """As it was when `keep` was called; without that as after the deployment."""
        kept = kept or self.empty
        self.now, self.last_event, self.capture = kept.now, kept.last_event, kept.capture
        tables.put_back(kept.tables)
        for belt, place in zip(self.queues, kept.places, strict=True):
            belt.go_to(place)
        for name, queue in self._queues.items():
            queue._messages[:] = kept.said[name]
        for box in self.boxes:
            box.waiting.clear()
        self._ses.sent_messages[:] = kept.mails
        for name, bucket in self._buckets.items():
            bucket.keys.clear()
            for key, file in kept.files[name]:
                bucket.keys[key] = file
        store = self.emulator.store
        with store._lock:
            store._connection.deserialize(kept.stripe)
        self._set_stripes_clock()
        self._clear()
        self.webhooks += kept.webhooks

    def _set_stripes_clock(self) -> None:
        """To ours; from here on it goes by the machine's, which no test is long enough to tell."""
        self.emulator.clock.advance(self.now.timestamp() - self.emulator.clock.now())

    def _clear(self) -> None:
        self.webhooks: list[dict[str, Any]] = []
        self.fault: Fault | None = None
        self.transport.down.clear()
        self.dead: list[str] = []
        self.log: list[tuple[str, list[str]]] = []
        self.forget()

    @property
    def _queues(self) -> dict[str, Any]:
        return dict(sqs_backends[ACCOUNT][REGION].queues)

    @property
    def _buckets(self) -> dict[str, Any]:
        return dict(s3_backends[ACCOUNT]["aws"].buckets)

    @property
    def _ses(self) -> Any:
        return ses_backends[ACCOUNT][REGION]

    def forget(self) -> None:
        """Every process is a new one: nothing is remembered but what is written."""
        secrets._cached.clear()
        inbox.webhook_secrets.reread_at = None

    def collect(self) -> None:
        """Take what arrived: messages out of SQS, events from Stripe."""
        for box in self.boxes:
            box.collect(self.now)
        found = self.emulator.store.rows(
            "SELECT seq, body FROM objects WHERE kind = 'event' AND seq > ? ORDER BY seq", self.last_event
        )
        for row in found:
            self.last_event = row["seq"]
            self.webhooks.append(json.loads(row["body"]))

    def said(self, service: str) -> list[dict[str, Any]]:
        """Every event on the service's topic since `reset`, in the order in which it went out."""
        queue = sqs_backends[ACCOUNT][REGION].queues[f"listener-{service}"]
        return [json.loads(message.body) for message in queue._messages]

    def files(self, bucket: str) -> list[str]:
        """The keys of what lies in the bucket."""
        return [*self._buckets[bucket].keys]

    def stripe_objects(self, kind: str) -> list[dict[str, Any]]:
        """Everything of the kind at Stripe (`payment_intent`, `refund`, …), oldest first."""
        return self.emulator.store.select(kind, [], 10_000, newest=False)
