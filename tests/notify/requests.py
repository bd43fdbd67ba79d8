"""Requests to the API: messages of staff and preferences."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from notify.app.api import api
from notify.app.consume import consume
from shared.contracts.events import UserData, UserRegistered
from shared.runtime import clock
from tests.notify.event_data import AT
from tests.support import (
    ENVIRONMENT,
    REGION,
    Context,
    Reply,
    call,
    customer,
    deliver,
    idempotency_headers,
    sqs_event,
    staff,
)

PHONE = "+447700900123"
MAIL = {"to": "ada@example.com", "subject": "About your lamp", "text": "Dear Ada,\n\nit is here."}
TEXT = {"to": "+44 7700 900123", "message": "Your lamp is here."}
OFFER = MAIL | {"category": "marketing", "subject": "Lamps, half price"}

PREFERENCES = "/notifications/preferences"
DEFAULT = {"email": {"orders": True, "marketing": False}, "sms": {"orders": False, "marketing": False}}
ALL = {"email": {"orders": True, "marketing": True}, "sms": {"orders": True, "marketing": True}}
NONE = {"email": {"orders": False, "marketing": False}, "sms": {"orders": False, "marketing": False}}


class Died(BaseException):
    """The process died."""


def die(*_: object, **__: object) -> None:
    """Replace a function: the process dies when it is called."""
    raise Died


def pass_time(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + by)


def write(body: dict[str, Any], channel: str = "email", key: str | None = None) -> Reply:
    """Send a message as staff."""
    return call(
        api, "POST", f"/notifications/{channel}", body=body, caller=staff(), headers=idempotency_headers(key)
    )


def queued() -> list[str]:
    """Receive the messages on the service's queue."""
    sqs = boto3.client("sqs", region_name=REGION)
    answer = sqs.receive_message(QueueUrl=ENVIRONMENT["NOTIFY_QUEUE_URL"], MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def carry_out() -> list[str]:
    """Handle the queued messages; return the ids of those that return to the queue."""
    answer = consume(sqs_event(*queued()), Context())
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def choose(body: dict[str, Any], if_match: str | None = None, user: str = "usr_1") -> Reply:
    headers = {"If-Match": if_match} if if_match else {}
    return call(api, "PUT", PREFERENCES, body=body, caller=customer(user), headers=headers)


def registration(phone: str | None) -> UserRegistered:
    """Return the event of Ada's registration."""
    data = UserData(user_id="usr_1", email="ada@example.com", name="Ada", phone=phone)
    event = UserRegistered.of(data, subject="usr_1", version=1, at=AT)
    assert isinstance(event, UserRegistered)
    return event


def register_reachable(preferences: dict[str, Any], phone: str | None = "+44 (0)7700 900-123") -> None:
    """Register Ada with a number, and set her preferences."""
    assert deliver(consume, registration(phone)) == []
    choose(preferences)
