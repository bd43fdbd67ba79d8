"""Stripe's events, kept as they come: who they are from is checked, nothing is done about them yet."""

import re
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from payments import signature
from payments.domain.inbox import EventStatus, StripeEvent, is_handled
from payments.settings import settings
from payments.tables import inbox
from shared.errors import Malformed
from shared.runtime import observability, secrets

REREAD_AFTER = timedelta(seconds=10)
PAYMENT_ID = re.compile(r"pay_[A-Za-z0-9]{1,60}")
LARGEST_PAYLOAD = 300 * 1024  # a row may have 400 KB


class _Object(BaseModel):
    """What an event is about. `payment_intent` is an id, or the intent itself where Stripe expanded it."""

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
        """Which payment of ours the object's metadata names, be it so or not."""
        found = self.metadata.get("payment_id") if isinstance(self.metadata, dict) else None
        return found if isinstance(found, str) and PAYMENT_ID.fullmatch(found) else None


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    object: _Object


class _Event(BaseModel):
    """Stripe's event envelope (https://docs.stripe.com/api/events/object), as much of it as is needed."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: str = Field(pattern=r"^evt_[A-Za-z0-9_]{1,250}$")
    type: str = Field(min_length=1, max_length=255)
    created: int
    data: _Data


class WebhookSecrets:
    """The signing secrets now in use: `current`, and `previous` while one is rolled."""

    def __init__(self) -> None:
        self.reread_at: datetime | None = None

    def verify(self, header: str, body: bytes, now: datetime) -> None:
        """Raise BadSignature where none of them signed this.

        The secret may just have been rolled, so a mismatch has it read again: every 10 seconds at most, lest
        forgers make us ask for ever.
        """
        try:
            signature.verify(header, body, self._known(), now)
        except signature.UnknownSignature:
            if self.reread_at and now - self.reread_at < REREAD_AFTER:
                raise
            self.reread_at = now
            secrets.invalidate(settings().payments_webhook_secret_arn)
            signature.verify(header, body, self._known(), now)

    def _known(self) -> list[str]:
        found = secrets.secret(settings().payments_webhook_secret_arn)
        return [found[name] for name in ("current", "previous") if found.get(name)]


webhook_secrets = WebhookSecrets()


def receive(header: str, body: bytes, now: datetime) -> None:
    """Keep a signed event, once: one conditional write, and all that happens before Stripe is answered.

    Raises BadSignature, or Malformed where signed bytes are no event.
    """
    webhook_secrets.verify(header, body, now)
    observability.count("WebhooksKept" if keep(body, now) else "WebhooksRepeated")


def keep(body: bytes, now: datetime) -> bool:
    """Keep an event that is known to be Stripe's; False where it was kept before. One conditional write.

    Raises Malformed where the bytes are no event.
    """
    try:
        sent = _Event.model_validate_json(body)
    except ValidationError as error:
        raise Malformed("This is not a Stripe event.") from error
    about = sent.data.object
    event = StripeEvent(
        event_id=sent.id,
        type=sent.type,
        created=sent.created,
        object_id=about.id,
        intent_id=about.intent_id,
        payment_id=about.payment_id,
        status=EventStatus.RECEIVED if is_handled(sent.type) else EventStatus.IGNORED,
        received_at=now,
    )
    payload = body.decode("utf-8", "replace") if len(body) <= LARGEST_PAYLOAD else None
    return inbox.keep(event, payload)
