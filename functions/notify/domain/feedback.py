"""Amazon SES's events about emails that it accepted, as its event publishing sends them.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from typing import Literal

from pydantic import ConfigDict, Field

from notify.domain.outcomes import Cause, Outcome, Status
from notify.domain.recipients import Block
from shared.models import Model
from shared.values.text import one_line

TAG = "notification"  # the email's tag and header that hold the notification's id
HEADER = "X-Notification-Id"
# Feedback types that are not complaints: the email was taken out of the junk folder (RFC 6430), or its
# signature did not verify (RFC 6591).
NOT_COMPLAINTS = frozenset({"not-spam", "auth-failure"})


class _SesObject(Model):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)  # it holds addresses


class _AffectedRecipient(_SesObject):
    email: str = Field(alias="emailAddress")
    diagnostic: str | None = Field(None, alias="diagnosticCode")


class _Bounce(_SesObject):
    type: str = Field(alias="bounceType")
    subtype: str = Field("", alias="bounceSubType")
    recipients: list[_AffectedRecipient] = Field([], alias="bouncedRecipients")


class _Complaint(_SesObject):
    type: str | None = Field(None, alias="complaintFeedbackType")
    recipients: list[_AffectedRecipient] = Field([], alias="complainedRecipients")

    @property
    def is_complaint(self) -> bool:
        return (self.type or "").lower() not in NOT_COMPLAINTS


class _Reject(_SesObject):
    reason: str = ""


class _Header(_SesObject):
    name: str
    value: str


class _SentEmail(_SesObject):
    destination: list[str] = []  # noqa: RUF012 - pydantic copies it
    headers: list[_Header] = []  # noqa: RUF012 - pydantic copies it
    tags: dict[str, list[str]] = {}  # noqa: RUF012 - pydantic copies it


class Feedback(_SesObject):
    """One event of SES. It has no outcome if it changes nothing: `Send`, `DeliveryDelay`, a report that is
    not a complaint."""

    kind: Literal["Bounce", "Complaint", "Delivery", "Reject"] | str = Field(alias="eventType")
    email: _SentEmail = Field(alias="mail")
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None
    reject: _Reject | None = None

    @property
    def notification_id(self) -> str | None:
        """The id of the notification, from the email's tag or else its header."""
        tags = self.email.tags.get(TAG, [])
        headers = [header.value for header in self.email.headers if header.name.lower() == HEADER.lower()]
        return next(iter([*tags, *headers]), None)

    @property
    def is_hard(self) -> bool:
        """Whether the address does not exist; `Transient` and `Undetermined` bounces may pass."""
        return self.bounce is not None and self.bounce.type == "Permanent"

    @property
    def is_soft(self) -> bool:
        """Whether this email bounced and the next one may arrive."""
        return self.bounce is not None and not self.is_hard

    @property
    def block(self) -> Block | None:
        """The block to set on the recipients' addresses."""
        if self.complaint is not None:
            return Block.COMPLAINT if self.complaint.is_complaint else None
        return Block.BOUNCE if self.is_hard else None

    @property
    def recipients(self) -> list[str]:
        report = self.bounce or self.complaint
        return [recipient.email for recipient in report.recipients] if report else []

    @property
    def outcome(self) -> Outcome | None:
        if self.bounce is not None:
            diagnostics = [each.diagnostic for each in self.bounce.recipients if each.diagnostic]
            reason = ", ".join(filter(None, [self.bounce.type, self.bounce.subtype, *diagnostics[:1]]))
            cause = Cause.BOUNCE if self.is_hard else Cause.SOFT_BOUNCE
            return Outcome(Status.BOUNCED, cause, one_line(reason))
        if self.complaint is not None:
            if not self.complaint.is_complaint:
                return None
            return Outcome(Status.COMPLAINED, Cause.COMPLAINT, one_line(self.complaint.type or "complaint"))
        if self.reject is not None:
            reason = one_line(f"SES rejected it: {self.reject.reason}")
            return Outcome(Status.FAILED, Cause.REJECTED, reason)
        return Outcome(Status.DELIVERED) if self.kind == "Delivery" else None
