"""What Amazon SES says of a mail after it took it, in the JSON of its event publishing.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from notify.domain.outcomes import Cause, Outcome, Status
from notify.domain.readers import Block
from shared.values.text import one_line

TAG = "notification"  # of the mail, by which its feedback finds its notification
HEADER = "X-Notification-Id"
# Reports that come as complaints and are none: taken out of a junk folder (RFC 6430), or a signature that did
# not hold (RFC 6591).
NO_COMPLAINT = frozenset({"not-spam", "auth-failure"})


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)  # it holds addresses


class _Recipient(_Said):
    email: str = Field(alias="emailAddress")
    diagnostic: str | None = Field(None, alias="diagnosticCode")


class _Bounce(_Said):
    type: str = Field(alias="bounceType")
    subtype: str = Field("", alias="bounceSubType")
    recipients: list[_Recipient] = Field([], alias="bouncedRecipients")


class _Complaint(_Said):
    kind: str | None = Field(None, alias="complaintFeedbackType")
    recipients: list[_Recipient] = Field([], alias="complainedRecipients")

    @property
    def is_one(self) -> bool:
        return (self.kind or "").lower() not in NO_COMPLAINT


class _Reject(_Said):
    reason: str = ""


class _Header(_Said):
    name: str
    value: str


class _Mail(_Said):
    destination: list[str] = []
    headers: list[_Header] = []
    tags: dict[str, list[str]] = {}


class Feedback(_Said):
    """One event of SES. Those that say nothing new here (`Send`, `DeliveryDelay`, a report that is no
    complaint) have no outcome."""

    kind: Literal["Bounce", "Complaint", "Delivery", "Reject"] | str = Field(alias="eventType")
    mail: _Mail
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None
    reject: _Reject | None = None

    @property
    def notification_id(self) -> str | None:
        """Which notification the mail was: by its tag, else by its header."""
        tagged = self.mail.tags.get(TAG, [])
        named = [header.value for header in self.mail.headers if header.name.lower() == HEADER.lower()]
        return next(iter([*tagged, *named]), None)

    @property
    def is_hard(self) -> bool:
        """Whether the address is none: what is `Transient` or `Undetermined` may pass."""
        return self.bounce is not None and self.bounce.type == "Permanent"

    @property
    def is_soft(self) -> bool:
        """Whether a mail came back, or what answers for its reader did, and the next may arrive."""
        return self.bounce is not None and not self.is_hard

    @property
    def block(self) -> Block | None:
        """What keeps further mail from the recipients."""
        if self.complaint is not None:
            return Block.COMPLAINT if self.complaint.is_one else None
        return Block.BOUNCE if self.is_hard else None

    @property
    def recipients(self) -> list[str]:
        said = self.bounce or self.complaint
        return [recipient.email for recipient in said.recipients] if said else []

    @property
    def outcome(self) -> Outcome | None:
        if self.bounce is not None:
            said = [recipient.diagnostic for recipient in self.bounce.recipients if recipient.diagnostic]
            words = [self.bounce.type, self.bounce.subtype, *said[:1]]
            cause = Cause.BOUNCE if self.is_hard else Cause.SOFT_BOUNCE
            return Outcome(Status.BOUNCED, cause, one_line(", ".join(filter(None, words))))
        if self.complaint is not None:
            if not self.complaint.is_one:
                return None
            return Outcome(Status.COMPLAINED, Cause.COMPLAINT, one_line(self.complaint.kind or "complaint"))
        if self.reject is not None:
            return Outcome(Status.FAILED, Cause.REFUSED, one_line(f"SES rejected it: {self.reject.reason}"))
        return Outcome(Status.DELIVERED) if self.kind == "Delivery" else None
