"""What SES says later of a mail: its notification moves on, its address is remembered."""

from dataclasses import replace

from notify.domain import outcomes, readers
from notify.domain.feedback import Feedback
from notify.domain.letters import Category, Channel, Letter, Template
from notify.domain.outcomes import Cause, Outcome, Status
from notify.service import texting
from notify.settings import settings
from notify.tables import notifications
from notify.tables import readers as reader_rows
from notify.tables.rows import NotificationRow
from shared.dynamodb.concurrency import retry_on
from shared.dynamodb.rows import ConditionFailed, transaction
from shared.runtime import clock, observability
from shared.runtime.observability import log


@retry_on(ConditionFailed, tries=4, max_doublings=3)
def hear(said: Feedback) -> None:
    """Take note of one event, which may come twice, late and in any order.

    Raises BeingSent while the text message in its place is under way, ConcurrentUpdate, and what passes by
    itself.
    """
    row = notifications.find(said.notification_id) if said.notification_id else None
    if row is None:
        _remember_addresses(said)
        log.warning("feedback of no notification", extra={"kind": said.kind})
        return
    outcome = said.outcome
    cause = Cause(row.cause) if row.cause else None
    if outcome is None or not outcomes.moves_on(
        Status(row.status), cause, outcome.status, is_soft=said.is_soft
    ):
        if said.block:  # of the address it is true whatever came before
            reader_rows.block(row.to, said.block, clock.now())
        log.info("feedback is no news", extra={"notification": row.pk, "kind": said.kind})
        return
    if said.is_hard and _told_by_text(row):
        outcome = replace(outcome, instead=Channel.SMS.value)
    _record(row, said, outcome)
    log.info("feedback", extra={"notification": row.pk, "status": outcome.status})
    observability.count(f"Notifications{outcome.status.capitalize()}")


def _record(row: NotificationRow, said: Feedback, outcome: Outcome) -> None:
    """The status and what follows for the address, both or neither. Raises ConditionFailed where it moved
    on."""
    now = clock.now()
    with transaction(NotificationRow) as writes:
        notifications.settle_with(writes, row, outcome, now)
        if said.block:
            reader_rows.block_with(writes, row.to, said.block, now)


def _told_by_text(row: NotificationRow) -> bool:
    """Tell an order's news by text message where its mail does not arrive, its reader wants that and no later
    news overtook it and its time is not over; whether it was told, now or before."""
    if row.category != Category.ORDERS or not row.text or not row.user_id:
        return False
    letter = Letter(
        Template(row.template),
        row.about,
        row.user_id,
        row.to,
        matter=row.matter or "",
        order_id=row.order_id,
        outlasts=tuple(map(Template, row.outlasts or ())),
        good_until=row.good_until,
    )
    reader, is_overtaken = reader_rows.read(row.user_id, row.to, letter.overtaken_by)
    number = readers.number_for(Category.ORDERS, reader)
    if number is None:
        return False
    language = row.language or settings().notify_language
    now = clock.now()
    text = notifications.fresh(letter, Channel.SMS, number, row.event_id, now, instead_of=row.pk)
    if is_overtaken or letter.is_over(now):
        return texting.went_out(text.pk)
    return texting.send(text, row.text, language)


def _remember_addresses(said: Feedback) -> None:
    """Of a mail that is forgotten by now, its address still is what it is."""
    if said.block:
        for address in said.recipients:
            reader_rows.block(address, said.block, clock.now())
