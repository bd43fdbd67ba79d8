"""The table's stream into the service's events."""

from collections.abc import Iterator

from shared.events import Event, UserFacts, UserRegistered
from shared.outbox import Image
from users import tables


def news(old: Image | None, new: Image | None) -> Iterator[Event]:
    """An account that was not there before is news."""
    row = tables.account_row(new) if new and not old else None
    if row:
        yield UserRegistered.about(
            UserFacts(user_id=row.user_id, email=row.email, name=row.name, phone=row.phone),
            subject=row.user_id,
            version=int(row.version),
            at=row.updated_at,
            request_id=row.request_id,
        )
