"""The delivery of a message: by email, by text message in addition, or by text message instead."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from notify.domain import limits, recipients
from notify.domain.limits import Limit
from notify.domain.messages import Attachment, Category, Channel, InvoiceRef, Message, Template
from notify.domain.outcomes import UNDELIVERED, Cause, Outcome, Status
from notify.domain.recipients import Recipient
from notify.rendering import render, render_sms
from notify.service import dispatch, sms
from notify.settings import settings
from notify.tables import notifications
from notify.tables import recipients as recipient_rows
from notify.tables.notifications import Claim
from notify.tables.rows import NotificationRow
from shared.runtime import clock

SUPERSEDED = Outcome(Status.SUPPRESSED, Cause.SUPERSEDED, "superseded by a later notification")
EXPIRED = Outcome(Status.SUPPRESSED, Cause.SUPERSEDED, "the requested action is no longer possible")
# Causes that suppress the message on every channel.
_ALL_CHANNELS = {Cause.SUPERSEDED, Cause.LIMIT}

Stored = Mapping[str, NotificationRow]  # the notifications that exist, by id
Attach = Callable[[InvoiceRef], tuple[Attachment, ...]]


def send(message: Message, event_id: str) -> None:
    """Read what the delivery depends on, then `deliver` the message. It has no invoice."""
    message = _with_address(message)
    recipient, stored = read(message)
    deliver(message, event_id, recipient, stored)


def read(message: Message, *others: str) -> tuple[Recipient, Stored]:
    """Return the recipient, and the notifications that exist: the message's own, those that supersede it, and
    `others`."""
    return recipient_rows.read(message.user_id, message.to, [message.id, *others, *message.superseded_by])


def deliver(
    message: Message, event_id: str, recipient: Recipient, stored: Stored, attach: Attach | None = None
) -> NotificationRow:
    """Send the message once per channel; again if the process dies between sending and recording.

    `stored` holds its notification and those that supersede it, as far as they exist. `attach` fetches the
    invoice before the notification is claimed. Returns the notification of the email.
    Raises BeingSentError while another process sends it, and any temporary failure: the queue retries.
    """
    now = clock.now()
    late = EXPIRED if message.is_expired(now) else SUPERSEDED if superseded(message, stored) else None
    suppressed = late or recipients.suppression_reason(message.category, recipient)
    is_open = message.id not in stored or stored[message.id].status == Status.QUEUED
    attachments = attach(message.invoice) if attach and message.invoice and is_open and not suppressed else ()
    claim = _claim(message, event_id, stored)
    if not claim.is_ours and (late or claim.row.cause in _ALL_CHANNELS):
        return claim.row
    if claim.is_ours and late:
        dispatch.record_outcome(claim.row, late)
    elif claim.is_ours and suppressed:
        _record_suppressed(message, claim.row, recipient, suppressed)
    elif claim.is_ours:
        language = language_of(recipient)
        dispatch.send_email(
            claim.row,
            lambda: render(message, language, attachments),
            language=language,
            sms_text=_sms_fallback(message, recipient),
        )
        send_sms(message, recipient, claim.row.event_id)
    else:
        # The process that sent the email may have died before it sent the text message.
        send_sms(message, recipient, event_id)
    return claim.row


def superseded(message: Message, stored: Stored) -> bool:
    """Return whether a notification that supersedes the message exists."""
    return any(each in stored for each in message.superseded_by)


def send_sms(message: Message, recipient: Recipient, event_id: str) -> bool:
    """Send the message as a text message if it has one and the recipient wants it; return whether it was
    sent, now or before. It is sent instead of the email if that cannot reach the recipient."""
    number = recipients.sms_number(message.category, recipient)
    text = render_sms(message, language_of(recipient)) if number else None
    if not number or text is None:
        return False
    suppressed = recipients.suppression_reason(message.category, recipient)
    instead_of = message.id if suppressed and suppressed.cause in UNDELIVERED else None
    row = notifications.new_row(message, Channel.SMS, number, event_id, clock.now(), instead_of=instead_of)
    return sms.send(row, text, language_of(recipient))


def record_rejection(message: Message, event_id: str, stored: Stored, reason: str) -> None:
    """Record that the message can never be sent, unless it has an outcome. Raises BeingSentError."""
    claim = _claim(message, event_id, stored)
    if claim.is_ours:
        dispatch.record_outcome(claim.row, Outcome(Status.FAILED, Cause.REJECTED, reason))


def language_of(recipient: Recipient) -> str:
    return recipient.preferences.language or settings().notify_language


def _claim(message: Message, event_id: str, stored: Stored) -> Claim:
    now = clock.now()
    if message.id in stored:
        return notifications.claim_stored(stored[message.id], now)
    row = notifications.new_row(message, Channel.EMAIL, message.to, event_id, now)
    return notifications.claim(row, now, _limit(message))


def _record_suppressed(
    message: Message, row: NotificationRow, recipient: Recipient, suppressed: Outcome
) -> None:
    """Record why the email is suppressed, after the text message, so that the row can record whether that
    was sent instead."""
    try:
        was_sent = send_sms(message, recipient, row.event_id)
    except Exception:
        notifications.release(row)
        raise
    instead = Channel.SMS.value if was_sent and suppressed.cause in UNDELIVERED else None
    dispatch.record_outcome(row, replace(suppressed, instead=instead), language=language_of(recipient))


def _with_address(message: Message) -> Message:
    """Return the message with its address; staff's address is a setting."""
    is_for_staff = message.category is Category.INTERNAL and not message.to
    return replace(message, to=settings().notify_staff) if is_for_staff else message


def _limit(message: Message) -> Limit | None:
    if message.template is not Template.PAYMENT_FAILED:
        return None
    subject = f"{message.template}#{message.subject_id}"
    return limits.daily(subject, settings().notify_max_declines_per_day, clock.now())


def _sms_fallback(message: Message, recipient: Recipient) -> str | None:
    """Return the text message to send if the email bounces; None if the recipient has no number."""
    has_fallback = message.category is Category.ORDERS and recipient.phone
    return render_sms(message, language_of(recipient)) if has_fallback else None
