"""What notify's tests ask of it: words by hand, preferences, an account that can be reached."""

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
    """The process ends here."""


def die(*_: object, **__: object) -> None:
    """In place of a function: the process ends where it is called."""
    raise Died


def pass_time(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + by)


def write(body: dict[str, Any], channel: str = "email", key: str | None = None) -> Reply:
    """Staff write by hand."""
    return call(
        api, "POST", f"/notifications/{channel}", body=body, caller=staff(), headers=idempotency_headers(key)
    )


def queued() -> list[str]:
    """The messages on notify's queue, taken off it."""
    sqs = boto3.client("sqs", region_name=REGION)
    answer = sqs.receive_message(QueueUrl=ENVIRONMENT["NOTIFY_QUEUE_URL"], MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def carry_out() -> list[str]:
    """Have what is queued sent; the ids of messages that come back."""
    answer = consume(sqs_event(*queued()), Context())
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def choose(body: dict[str, Any], if_match: str | None = None, user: str = "usr_1") -> Reply:
    headers = {"If-Match": if_match} if if_match else {}
    return call(api, "PUT", PREFERENCES, body=body, caller=customer(user), headers=headers)


def joined(phone: str | None) -> UserRegistered:
    """Ada opened an account."""
    facts = UserData(user_id="usr_1", email="ada@example.com", name="Ada", phone=phone)
    event = UserRegistered.of(facts, subject="usr_1", version=1, at=AT)
    assert isinstance(event, UserRegistered)
    return event


def register_reachable(preferences: dict[str, Any], phone: str | None = "+44 (0)7700 900-123") -> None:
    """Ada has an account with a number, and chose."""
    assert deliver(consume, joined(phone)) == []
    choose(preferences)
