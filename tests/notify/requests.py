"""Requests to notify's API and queue."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest

from notify import own_queue
from notify.app.api import api
from notify.app.consume import consume
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import OrderPaid
from shared.runtime import clock
from tests.notify.event_data import registered
from tests.support import (
    ENVIRONMENT,
    REGION,
    Context,
    Reply,
    call,
    customer,
    idempotency_headers,
    sqs_event,
    staff,
)

PHONE = "+447700900123"
EMAIL_REQUEST = {"to": "ada@example.com", "subject": "About your lamp", "text": "Dear Ada,\n\nit is here."}
SMS_REQUEST = {"to": "+44 7700 900123", "message": "Your lamp is here."}
MARKETING_REQUEST = EMAIL_REQUEST | {"category": "marketing", "subject": "Lamps, half price"}

PREFERENCES = "/notifications/preferences"
DEFAULTS = {"email": {"orders": True, "marketing": False}, "sms": {"orders": False, "marketing": False}}
ALL_ON = {"email": {"orders": True, "marketing": True}, "sms": {"orders": True, "marketing": True}}
ALL_OFF = {"email": {"orders": False, "marketing": False}, "sms": {"orders": False, "marketing": False}}


class ProcessDied(BaseException):
    """Ends the process: no handler of the service catches it."""


def die(*_: object, **__: object) -> None:
    """Raise ProcessDied; tests patch it over the function in which the process dies."""
    raise ProcessDied


def advance_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + by)


def post_message(body: dict[str, Any], channel: str = "email", key: str | None = None) -> Reply:
    """Request a staff message."""
    return call(
        api, "POST", f"/notifications/{channel}", body=body, caller=staff(), headers=idempotency_headers(key)
    )


def receive_queued() -> list[str]:
    """Receive the messages on notify's queue; a second call does not return them again."""
    sqs = boto3.client("sqs", region_name=REGION)
    response = sqs.receive_message(QueueUrl=ENVIRONMENT["NOTIFY_QUEUE_URL"], MaxNumberOfMessages=10)
    return [message["Body"] for message in response.get("Messages", [])]


def consume_queued() -> list[str]:
    """Consume the messages on notify's queue as one batch; return the ids of the failed messages."""
    response = consume(sqs_event(*receive_queued()), Context())
    return [item["itemIdentifier"] for item in response["batchItemFailures"]]


def put_preferences(body: dict[str, Any], if_match: str | None = None, user: str = "usr_1") -> Reply:
    headers = {"If-Match": if_match} if if_match else {}
    return call(api, "PUT", PREFERENCES, body=body, caller=customer(user), headers=headers)


def deliver(consume: Callable[[Any, Any], Any], *events: Event) -> list[str]:
    """Pass events to a consumer as one batch, `order.paid` after it has waited for the invoice; return the
    ids of the failed messages."""
    bodies = [
        json.dumps(own_queue.postponed(event))
        if isinstance(event, OrderPaid)
        else event.model_dump_json(exclude_none=True)
        for event in events
    ]
    response = consume(sqs_event(*bodies), Context())
    return [item["itemIdentifier"] for item in response["batchItemFailures"]]


def register_customer(preferences: dict[str, Any], phone: str | None = "+44 (0)7700 900-123") -> None:
    """Register Ada with this phone number and save her preferences."""
    assert deliver(consume, registered(phone=phone)) == []
    put_preferences(preferences)
