"""The Stripe webhook: verify an event's signature, store the event, and queue it to be applied."""

import re
from datetime import datetime, timedelta

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from payments import signature
from payments.domain.inbox import HANDLED, EventStatus, StripeEvent
from payments.service import inbox_queue
from payments.settings import settings
from payments.tables import inbox
from shared.errors import Malformed
from shared.models import Model
from shared.runtime import observability, secrets

# Anyone can send wrong signatures, and each must not cause a call to Secrets Manager.
REREAD_INTERVAL = timedelta(seconds=10)
PAYMENT_ID = re.compile(r"pay_[A-Za-z0-9]{1,60}")


class _Object(Model):
    """The object of an event. `payment_intent` is an id, or the intent itself if Stripe expanded it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: str = Field("", max_length=255)
    object: str = ""
    payment_intent: JsonValue = None
    metadata: JsonValue = None

    @property
    def intent_id(self) -> str | None:
        if self.object == "payment_intent":
            return self.id or None
        found = self.payment_intent
        found = found.get("id") if isinstance(found, dict) else found
        return found if isinstance(found, str) and found else None

    @property
    def payment_id(self) -> str | None:
        """The payment that the object's metadata names, unverified."""
        found = self.metadata.get("payment_id") if isinstance(self.metadata, dict) else None
        return found if isinstance(found, str) and PAYMENT_ID.fullmatch(found) else None


class _Data(Model):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    object: _Object


class _Event(Model):
    """The fields of Stripe's event that are used (https://docs.stripe.com/api/events/object)."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: str = Field(pattern=r"^evt_[A-Za-z0-9_]{1,250}$")
    type: str = Field(min_length=1, max_length=255)
    created: int
    data: _Data


class WebhookSecrets:
    """The signing secrets in use: `current`, and `previous` during a rotation."""

    def __init__(self) -> None:
        self.reread_at: datetime | None = None

    def verify(self, header: str, body: bytes, now: datetime) -> None:
        """Raise BadSignature if none of the secrets signed the body.

        After a mismatch the secrets are read again, because they may have been rotated; at most every 10
        seconds, so that forged requests do not cause a read each.
        """
        try:
            signature.verify(header, body, self._known(), now)
        except signature.UnknownSignature:
            if self.reread_at and now - self.reread_at < REREAD_INTERVAL:
                raise
            self.reread_at = now
            secrets.invalidate(settings().payments_webhook_secret_arn)
            signature.verify(header, body, self._known(), now)

    def _known(self) -> list[str]:
        found = secrets.secret(settings().payments_webhook_secret_arn)
        return [found[name] for name in ("current", "previous") if found.get(name)]


webhook_secrets = WebhookSecrets()


def receive(header: str, body: bytes, now: datetime) -> None:
    """Store a signed event once and queue it; an event of a type that payments does not handle is neither.

    A repeated event is queued again, because the first delivery may have ended before it was queued. Raises
    BadSignature, Malformed if the signed body is not an event, or Unavailable if it is not queued.
    """
    webhook_secrets.verify(header, body, now)
    event = read_event(body, now)
    if event.type not in HANDLED:
        observability.count("WebhooksIgnored")
        return
    is_new = inbox.store(event)
    inbox_queue.send([event])
    observability.count("WebhooksStored" if is_new else "WebhooksRepeated")


def read_event(body: bytes, now: datetime) -> StripeEvent:
    """Return the event in a verified body. Raises Malformed if it has none."""
    try:
        sent = _Event.model_validate_json(body)
    except ValidationError as error:
        raise Malformed("This is not a Stripe event.") from error
    subject = sent.data.object
    return StripeEvent(
        event_id=sent.id,
        type=sent.type,
        created=sent.created,
        object_id=subject.id,
        intent_id=subject.intent_id,
        payment_id=subject.payment_id,
        status=EventStatus.RECEIVED,
        received_at=now,
        request_id=observability.request_id() or None,
    )
