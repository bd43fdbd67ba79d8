"""The events that follow from changes of the users table."""

from collections.abc import Iterator

from shared.contracts.events.envelope import Event
from shared.contracts.events.users import UserData, UserRegistered
from shared.messaging.stream_relay import Image
from users import tables


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """Yield `user.registered` for a new account."""
    row = tables.account_row(new) if new and not old else None
    if row:
        yield UserRegistered.of(
            UserData(user_id=row.user_id, email=row.email, name=row.name, phone=row.phone),
            subject=row.user_id,
            version=int(row.version),
            at=row.updated_at,
            request_id=row.request_id,
        )
