"""The statuses of a notification, their causes, and the order in which feedback may change them."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """`queued`: not sent yet, or being sent; `sent`: SES or SNS accepted it."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Cause(StrEnum):
    """The cause of a notification that was not sent or did not arrive. `interrupted`: the process died or
    got no response, so it may have been sent."""

    SUPERSEDED = "superseded"
    PREFERENCE = "preference"
    LIMIT = "limit"
    BOUNCE = "bounce"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAINT = "complaint"
    OPTED_OUT = "opted_out"
    REJECTED = "rejected"
    INTERRUPTED = "interrupted"


# The recipient should have received it and did not, or complained: `notification.bounced` is published.
UNDELIVERED = frozenset(
    {
        Cause.BOUNCE,
        Cause.SOFT_BOUNCE,
        Cause.COMPLAINT,
        Cause.OPTED_OUT,
        Cause.REJECTED,
        Cause.INTERRUPTED,
    }
)
# A server may accept an email and bounce it later, and its recipient may then complain; never the reverse.
_RANK = {Status.QUEUED: 0, Status.SENT: 1, Status.DELIVERED: 3, Status.BOUNCED: 4, Status.COMPLAINED: 5}
# After a soft bounce (a full mailbox, an absence note) the email may still be delivered.
_SOFT = 2


@dataclass(frozen=True)
class Outcome:
    """A status with its cause, and a reason for people. `instead` is the channel that was used instead."""

    status: Status
    cause: Cause | None = None
    reason: str | None = None
    instead: str | None = None


def advances(before: Status, cause: Cause | None, reported: Status, *, is_soft: bool = False) -> bool:
    """Return whether a reported status replaces the status before; feedback repeats and has no order.

    `cause` belongs to the status before; `is_soft`: a soft bounce is reported. An interrupted notification
    accepts any report, because it may have been sent; one that was never sent accepts none.
    """
    if before is Status.FAILED and cause is Cause.INTERRUPTED:
        return True
    if reported is Status.FAILED:
        return before in {Status.QUEUED, Status.SENT}
    return before in _RANK and _rank(reported, is_soft) > _rank(before, cause is Cause.SOFT_BOUNCE)


def _rank(status: Status, is_soft: bool) -> int:
    return _SOFT if is_soft else _RANK[status]
