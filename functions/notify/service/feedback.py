"""Delivery feedback of SES: updates the notification and blocks addresses."""

from dataclasses import replace

from notify.domain import outcomes, recipients
from notify.domain.feedback import Feedback
from notify.domain.messages import Category, Channel, Message, Template
from notify.domain.outcomes import Cause, Outcome, Status
from notify.service import sms
from notify.settings import settings
from notify.tables import notifications
from notify.tables import recipients as recipient_rows
from notify.tables.rows import NotificationRow
from shared.dynamodb.concurrency import retry_on
from shared.dynamodb.rows import ConditionFailed, transaction
from shared.runtime import clock, observability
from shared.runtime.observability import log

TRIES = 4  # tries; the queue retries after that
MAX_DOUBLINGS = 3  # doublings; the last pause is at most 80 ms


@retry_on(ConditionFailed, tries=TRIES, max_doublings=MAX_DOUBLINGS)
def apply(feedback: Feedback) -> None:
    """Apply one event, which may arrive twice, late and in any order.

    Raises BeingSentError while the text message that replaces the email is being sent, ConcurrentUpdate, and
    any temporary failure.
    """
    row = notifications.find(feedback.notification_id) if feedback.notification_id else None
    if row is None:
        _block_recipients(feedback)
        log.warning("notification missing", extra={"kind": feedback.kind})
        return
    outcome = feedback.outcome
    cause = Cause(row.cause) if row.cause else None
    if outcome is None or not outcomes.advances(
        Status(row.status), cause, outcome.status, is_soft=feedback.is_soft
    ):
        if feedback.block:  # the address is blocked even if the status stays
            recipient_rows.block(row.to, feedback.block, clock.now())
        log.info("feedback ignored", extra={"notification": row.pk, "kind": feedback.kind})
        return
    if feedback.is_hard and _send_sms_instead(row):
        outcome = replace(outcome, instead=Channel.SMS.value)
    _record(row, feedback, outcome)
    log.info("feedback applied", extra={"notification": row.pk, "status": outcome.status})
    observability.count(f"Notifications{outcome.status.capitalize()}")


def _record(row: NotificationRow, feedback: Feedback, outcome: Outcome) -> None:
    """Record the status and the block in one transaction. Raises ConditionFailed if the row changed."""
    now = clock.now()
    with transaction(NotificationRow) as writes:
        notifications.add_outcome(writes, row, outcome, now)
        if feedback.block:
            recipient_rows.add_block(writes, row.to, feedback.block, now)


def _send_sms_instead(row: NotificationRow) -> bool:
    """Send the stored text message instead of a bounced email; return whether it was sent, now or before.

    Only notifications about orders have one. It is sent if the recipient wants text messages and the
    notification is neither superseded nor expired.
    """
    if row.category != Category.ORDERS or not row.sms_text or not row.user_id:
        return False
    message = Message(
        Template(row.template),
        row.dedupe_key,
        row.user_id,
        row.to,
        subject_id=row.subject_id or "",
        order_id=row.order_id,
        not_superseded_by=tuple(map(Template, row.not_superseded_by or ())),
        valid_until=row.valid_until,
    )
    recipient, superseding = recipient_rows.read(row.user_id, row.to, message.superseded_by)
    number = recipients.sms_number(Category.ORDERS, recipient)
    if number is None:
        return False
    now = clock.now()
    sms_row = notifications.new_row(message, Channel.SMS, number, row.event_id, now, instead_of=row.pk)
    if superseding or message.is_expired(now):
        return sms.was_sent(sms_row.pk)
    return sms.send(sms_row, row.sms_text, row.language or settings().notify_language)


def _block_recipients(feedback: Feedback) -> None:
    """Block the addresses of an email whose notification has been deleted."""
    if feedback.block:
        for address in feedback.recipients:
            recipient_rows.block(address, feedback.block, clock.now())
