"""A letter told: by mail where its reader may get it, by text message beside it or in its place."""

from dataclasses import replace

from notify import orders_gateway
from notify.domain import limits, readers
from notify.domain.letters import Category, Channel, Enclosure, Letter, Mail, Template
from notify.domain.limits import Limit
from notify.domain.outcomes import UNREACHED, Cause, Outcome, Status
from notify.domain.readers import Reader
from notify.rendering import render, text_message
from notify.service import outgoing, texting
from notify.settings import settings
from notify.tables import notifications
from notify.tables import readers as reader_rows
from notify.tables.rows import NotificationRow
from shared.runtime import clock

OVERTAKEN = Outcome(Status.SUPPRESSED, Cause.OVERTAKEN, "overtaken by later news of the order")
OVER = Outcome(Status.SUPPRESSED, Cause.OVERTAKEN, "what it asks for is no longer possible")
# What ended before it was told ends by every channel.
_SILENT = {Cause.OVERTAKEN, Cause.LIMIT}


def tell(letter: Letter | None, event_id: str) -> None:
    """Send the letter, where there is one to send, once by each channel; at least once if the process dies
    between sending and recording.

    Raises BeingSent while another sender holds it, and whatever passes by itself: the queue tries again.
    """
    if letter is None:
        return
    letter = _addressed(letter)
    now = clock.now()
    row = notifications.fresh(letter, Channel.EMAIL, letter.to, event_id, now)
    mail = notifications.claim(row, now, _limit(letter))
    if not mail.is_ours and mail.row.cause in _SILENT:
        return
    try:
        reader, is_overtaken = reader_rows.read(letter.user_id, letter.to, letter.overtaken_by)
    except Exception:
        if mail.is_ours:
            notifications.release(mail.row)
        raise
    late = OVER if letter.is_over(now) else OVERTAKEN if is_overtaken else None
    if mail.is_ours and late:
        outgoing.settle(mail.row, late)
    elif mail.is_ours:
        tell_ours(letter, mail.row, reader)
    elif not late:
        by_text(letter, reader, event_id)  # whoever sent the mail may have died before this


def tell_ours(letter: Letter, row: NotificationRow, reader: Reader) -> None:
    """Send a claimed mail, or say why not, and the text message that goes with the letter.

    In the place of a mail that is not to reach its reader the text message goes first, so that the record of
    the mail says whether it did.
    """
    refusal = readers.objection(letter.category, reader)
    if refusal:
        unreached = row.pk if refusal.cause in UNREACHED else None
        try:
            told = by_text(letter, reader, row.event_id, instead_of=unreached)
        except Exception:
            notifications.release(row)
            raise
        instead = Channel.SMS.value if told and unreached else None
        outgoing.settle(row, replace(refusal, instead=instead), language=language_of(reader))
        return
    language = language_of(reader)
    outgoing.mail(
        row, lambda: _words(letter, language), language=language, text=_in_its_place(letter, reader)
    )
    by_text(letter, reader, row.event_id)


def by_text(letter: Letter, reader: Reader, event_id: str, instead_of: str | None = None) -> bool:
    """Tell the letter by text message where its reader wants that and its kind has one; whether it was."""
    number = readers.number_for(letter.category, reader)
    words = text_message(letter, language_of(reader)) if number else None
    if not number or words is None:
        return False
    row = notifications.fresh(letter, Channel.SMS, number, event_id, clock.now(), instead_of=instead_of)
    return texting.send(row, words, language_of(reader))


def language_of(reader: Reader) -> str:
    return reader.preferences.language or settings().notify_language


def _addressed(letter: Letter) -> Letter:
    """The letter with its address: that of staff is a setting."""
    is_for_staff = letter.category is Category.INTERNAL and not letter.to
    return replace(letter, to=settings().notify_staff) if is_for_staff else letter


def _limit(letter: Letter) -> Limit | None:
    """How often such a letter may be told; None for those that come as often as their reason."""
    if letter.template is not Template.PAYMENT_FAILED:
        return None
    return limits.daily(f"{letter.template}#{letter.matter}", settings().notify_declines_a_day, clock.now())


def _words(letter: Letter, language: str) -> Mail:
    return render(letter, language, _enclosures(letter))


def _in_its_place(letter: Letter, reader: Reader) -> str | None:
    """What would be told by text message should the mail bounce; None where there is no number for it."""
    is_kept = letter.category is Category.ORDERS and reader.phone
    return text_message(letter, language_of(reader)) if is_kept else None


def _enclosures(letter: Letter) -> tuple[Enclosure, ...]:
    """What goes with the letter. Raises CommandRejected, Unavailable."""
    order_id = letter.encloses_invoice_of
    return (orders_gateway.invoice(order_id),) if order_id else ()
