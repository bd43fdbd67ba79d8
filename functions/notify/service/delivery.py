"""The delivery of a message: by email, by text message in addition, or by text message instead."""

from dataclasses import replace

from notify import orders_gateway
from notify.domain import limits, recipients
from notify.domain.limits import Limit
from notify.domain.messages import Attachment, Category, Channel, Email, Message, Template
from notify.domain.outcomes import UNDELIVERED, Cause, Outcome, Status
from notify.domain.recipients import Recipient
from notify.rendering import render, render_sms
from notify.service import dispatch, sms
from notify.settings import settings
from notify.tables import notifications
from notify.tables import recipients as recipient_rows
from notify.tables.rows import NotificationRow
from shared.runtime import clock

SUPERSEDED = Outcome(Status.SUPPRESSED, Cause.SUPERSEDED, "superseded by a later notification")
EXPIRED = Outcome(Status.SUPPRESSED, Cause.SUPERSEDED, "the requested action is no longer possible")
# Causes that suppress the message on every channel.
_ALL_CHANNELS = {Cause.SUPERSEDED, Cause.LIMIT}


def send(message: Message, event_id: str) -> None:
    """Send the message once per channel; again if the process dies between sending and recording.

    Raises BeingSentError while another process sends it, and any temporary failure: the queue retries.
    """
    message = _with_address(message)
    now = clock.now()
    row = notifications.new_row(message, Channel.EMAIL, message.to, event_id, now)
    claim = notifications.claim(row, now, _limit(message))
    if not claim.is_ours and claim.row.cause in _ALL_CHANNELS:
        return
    try:
        recipient, is_superseded = recipient_rows.read(message.user_id, message.to, message.superseded_by)
    except Exception:
        if claim.is_ours:
            notifications.release(claim.row)
        raise
    late = EXPIRED if message.is_expired(now) else SUPERSEDED if is_superseded else None
    if claim.is_ours and late:
        dispatch.record_outcome(claim.row, late)
    elif claim.is_ours:
        _send_claimed(message, claim.row, recipient)
    elif not late:
        # The process that sent the email may have died before it sent the text message.
        _send_sms(message, recipient, event_id)


def _send_claimed(message: Message, row: NotificationRow, recipient: Recipient) -> None:
    """Send a claimed email and its text message, or record why the email is suppressed.

    If the email cannot reach the recipient, the text message goes first, so that the email's row can record
    whether a text message was sent instead.
    """
    suppressed = recipients.suppression_reason(message.category, recipient)
    language = language_of(recipient)
    if suppressed:
        undelivered = row.pk if suppressed.cause in UNDELIVERED else None
        try:
            was_sent = _send_sms(message, recipient, row.event_id, instead_of=undelivered)
        except Exception:
            notifications.release(row)
            raise
        instead = Channel.SMS.value if was_sent and undelivered else None
        dispatch.record_outcome(row, replace(suppressed, instead=instead), language=language)
        return
    dispatch.send_email(
        row,
        lambda: _email(message, language),
        language=language,
        sms_text=_sms_fallback(message, recipient),
    )
    _send_sms(message, recipient, row.event_id)


def _send_sms(message: Message, recipient: Recipient, event_id: str, instead_of: str | None = None) -> bool:
    """Send the message as a text message if it has one and the recipient wants it; return whether it was
    sent, now or before."""
    number = recipients.sms_number(message.category, recipient)
    text = render_sms(message, language_of(recipient)) if number else None
    if not number or text is None:
        return False
    row = notifications.new_row(message, Channel.SMS, number, event_id, clock.now(), instead_of=instead_of)
    return sms.send(row, text, language_of(recipient))


def language_of(recipient: Recipient) -> str:
    return recipient.preferences.language or settings().notify_language


def _with_address(message: Message) -> Message:
    """Return the message with its address; staff's address is a setting."""
    is_for_staff = message.category is Category.INTERNAL and not message.to
    return replace(message, to=settings().notify_staff) if is_for_staff else message


def _limit(message: Message) -> Limit | None:
    if message.template is not Template.PAYMENT_FAILED:
        return None
    subject = f"{message.template}#{message.subject_id}"
    return limits.daily(subject, settings().notify_max_declines_per_day, clock.now())


def _email(message: Message, language: str) -> Email:
    return render(message, language, _attachments(message))


def _sms_fallback(message: Message, recipient: Recipient) -> str | None:
    """Return the text message to send if the email bounces; None if the recipient has no number."""
    has_fallback = message.category is Category.ORDERS and recipient.phone
    return render_sms(message, language_of(recipient)) if has_fallback else None


def _attachments(message: Message) -> tuple[Attachment, ...]:
    """Return the message's attachments. Raises CommandRejected, Unavailable."""
    order_id = message.attached_invoice_of
    return (orders_gateway.invoice(order_id),) if order_id else ()
