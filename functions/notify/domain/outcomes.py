"""What becomes of a notification, why, and in which order it can be heard of."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """`queued` waits, is being sent, or died while it was; `sent` was taken by SES or SNS."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Cause(StrEnum):
    """Why a notification was not sent, or did not arrive."""

    OVERTAKEN = "overtaken"
    PREFERENCE = "preference"
    LIMIT = "limit"
    BOUNCE = "bounce"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAINT = "complaint"
    OPTED_OUT = "opted_out"
    REFUSED = "refused"
    DIED = "died"


# With these its reader was to hear of it and did not, or said that it was unwelcome: the order is told.
UNREACHED = frozenset(
    {Cause.BOUNCE, Cause.SOFT_BOUNCE, Cause.COMPLAINT, Cause.OPTED_OUT, Cause.REFUSED, Cause.DIED}
)
# A receiving server may take a mail and give it back later, its reader may then complain: never the reverse.
_RANK = {Status.QUEUED: 0, Status.SENT: 1, Status.DELIVERED: 3, Status.BOUNCED: 4, Status.COMPLAINED: 5}
# A mail that came back for now arrives yet, or did: what answered was a holiday notice or a full mailbox.
_SOFT = 2


@dataclass(frozen=True)
class Outcome:
    """A status to settle on, and for readers of lists why. `instead` is the channel that told it."""

    status: Status
    cause: Cause | None = None
    reason: str | None = None
    instead: str | None = None


def moves_on(before: Status, cause: Cause | None, heard: Status, *, is_soft: bool = False) -> bool:
    """Whether what a provider says later is further than what is known; feedback comes in any order, twice.

    `cause` is that of what is known, `is_soft` whether a soft bounce is heard. A `failed` one whose sender
    died may have gone out after all; what was never sent hears nothing.
    """
    if before is Status.FAILED and cause is Cause.DIED:
        return True
    if heard is Status.FAILED:
        return before in {Status.QUEUED, Status.SENT}
    return before in _RANK and _rank(heard, is_soft) > _rank(before, cause is Cause.SOFT_BOUNCE)


def _rank(status: Status, is_soft: bool) -> int:
    return _SOFT if is_soft else _RANK[status]
