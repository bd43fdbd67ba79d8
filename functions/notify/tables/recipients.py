"""Contacts, preferences and blocks."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.exceptions import PutError
from pynamodb.transactions import TransactWrite

from notify.domain.addresses import recipient_key
from notify.domain.recipients import Block, Choice, Preferences, Recipient
from notify.tables.rows import (
    AddressRow,
    BlockRow,
    ContactRow,
    NotificationRow,
    NotifyRow,
    PreferencesRow,
)
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import require_condition_failure
from shared.errors import Unavailable

R = TypeVar("R", bound=NotifyRow)


def read(
    user_id: str, to: str, notification_ids: Iterable[str] = ()
) -> tuple[Recipient, dict[str, NotificationRow]]:
    """Return the recipient, and those of the notifications that exist: one consistent BatchGetItem.

    The phone number and preferences are those of `user_id`; the blocks are those of the address `to`.
    """
    blocks = [_block_key(block, recipient_key(to)) for block in Block]
    own = [ContactRow.PREFIX + user_id, PreferencesRow.PREFIX + user_id] if user_id else []
    found = _batch_get([*blocks, *own, *notification_ids])
    contact = _row(ContactRow, found, user_id)
    recipient = Recipient(
        has_account=contact is not None,
        phone=contact.phone if contact else None,
        preferences=_preferences(_row(PreferencesRow, found, user_id)),
        blocks={
            block: BlockRow.from_raw_data(found[key]).at
            for block, key in zip(Block, blocks, strict=True)
            if key in found
        },
    )
    stored = {key: NotificationRow.from_raw_data(found[key]) for key in notification_ids if key in found}
    return recipient, stored


def account_of(to: str) -> str | None:
    """Return the id of the account that has the address."""
    try:
        return AddressRow.get(AddressRow.PREFIX + recipient_key(to)).user_id
    except AddressRow.DoesNotExist:
        return None


def save_contact(user_id: str, email: str, name: str, phone: str | None, version: int) -> None:
    """Store the account's contact, unless a newer version is stored."""
    AddressRow(AddressRow.PREFIX + recipient_key(email), user_id=user_id).save()
    row = ContactRow(
        ContactRow.PREFIX + user_id, email=email, name=name or None, phone=phone, version=version
    )
    try:
        row.save(ContactRow.pk.does_not_exist() | (ContactRow.version < version))
    except PutError as error:
        require_condition_failure(error)


def preferences(user_id: str) -> Preferences:
    """Return the account's preferences, or the defaults."""
    try:
        return _preferences(PreferencesRow.get(PreferencesRow.PREFIX + user_id, consistent_read=True))
    except PreferencesRow.DoesNotExist:
        return Preferences()


def save_preferences(user_id: str, preferences: Preferences, now: datetime) -> None:
    """Store this version of the preferences. Raises VersionConflict unless the previous one is stored."""
    row = PreferencesRow(
        PreferencesRow.PREFIX + user_id,
        email=vars(preferences.email),
        sms=vars(preferences.sms),
        language=preferences.language,
        marketing_since=preferences.marketing_since,
        version=preferences.version,
        updated_at=now,
    )
    before = preferences.version - 1
    try:
        row.save(PreferencesRow.version == before if before else PreferencesRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(user_id) from error


def block(to: str, block: Block, now: datetime) -> None:
    """Block the address from now on."""
    _block_row(to, block, now).save()


def add_block(writes: TransactWrite, to: str, block: Block, now: datetime) -> None:
    """Block the address as part of a transaction."""
    writes.save(_block_row(to, block, now))


def _block_row(to: str, block: Block, now: datetime) -> BlockRow:
    return BlockRow(_block_key(block, recipient_key(to)), at=now)


def _block_key(block: Block, recipient: str) -> str:
    return f"{BlockRow.PREFIX}{block}#{recipient}"


def _preferences(row: PreferencesRow | None) -> Preferences:
    if row is None:
        return Preferences()
    return Preferences(
        Choice(**row.email), Choice(**row.sms), row.language, int(row.version), row.marketing_since
    )


def _row(kind: type[R], found: dict[str, dict[str, Any]], user_id: str) -> R | None:
    raw = found.get(kind.PREFIX + user_id)
    return kind.from_raw_data(raw) if raw else None


def _batch_get(keys: list[str]) -> dict[str, dict[str, Any]]:
    """Return the raw rows that exist, by key. Raises Unavailable if DynamoDB leaves some unprocessed."""
    requested: Any = [{"pk": key} for key in keys]
    response = NotifyRow._get_connection().batch_get_item(requested, consistent_read=True)
    if response.get("UnprocessedKeys"):
        raise Unavailable("The notifications table is busy; retry.")
    return dict(_by_key(response["Responses"]))


def _by_key(responses: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for rows in responses.values():
        for row in rows:
            yield row["pk"]["S"], row
