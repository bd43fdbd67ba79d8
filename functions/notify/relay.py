"""The events that follow from changes of the table: notifications that did not reach their recipients."""

from collections.abc import Iterator

from notify.domain.outcomes import UNDELIVERED
from notify.tables.rows import NotificationRow
from shared.contracts.events.envelope import Event
from shared.contracts.events.notify import NotificationBounced, NotificationData
from shared.messaging.stream_relay import Image


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """Yield `notification.bounced` if the notification was not delivered or its recipient complained."""
    if new is None or not new["pk"]["S"].startswith("ntf_"):
        return
    row = NotificationRow.from_raw_data(dict(new))
    before = [old.get(name, {}).get("S") for name in ("status", "cause")] if old else []
    if row.cause not in UNDELIVERED or [row.status, row.cause] == before:
        return
    data = NotificationData(
        notification_id=row.pk,
        template=row.template,
        channel=row.channel,
        status=row.status,
        reason=row.reason or "",
        order_id=row.order_id,
        user_id=row.user_id,
        instead=row.instead,
    )
    yield NotificationBounced.of(
        data, subject=row.pk, version=int(row.version), at=row.updated_at, request_id=row.request_id
    )
