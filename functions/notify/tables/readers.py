"""Who reads, as rows: contacts, what they chose, and the addresses that nothing goes to."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.exceptions import PutError
from pynamodb.transactions import TransactWrite

from notify.domain.addresses import recipient_of
from notify.domain.readers import Block, Choice, Preferences, Reader
from notify.tables.notifications import VersionConflict
from notify.tables.rows import AddressRow, BlockRow, ContactRow, NotifyRow, PreferencesRow
from shared.dynamodb.rows import require_condition_failure
from shared.errors import Unavailable

R = TypeVar("R", bound=NotifyRow)


def read(user_id: str, to: str, others: Iterable[str] = ()) -> tuple[Reader, bool]:
    """Who reads at that address (a number has no blocks), and whether one of the `others`, ids of
    notifications, was written: one consistent BatchGetItem."""
    blocks = [_block_key(block, recipient_of(to)) for block in Block]
    own = [ContactRow.PREFIX + user_id, PreferencesRow.PREFIX + user_id] if user_id else []
    found = _batch_get([*blocks, *own, *others])
    contact = _row(ContactRow, found, user_id)
    reader = Reader(
        known=contact is not None,
        phone=contact.phone if contact else None,
        preferences=_preferences(_row(PreferencesRow, found, user_id)),
        blocks={
            block: BlockRow.from_raw_data(found[key]).at
            for block, key in zip(Block, blocks, strict=True)
            if key in found
        },
    )
    return reader, any(key in found for key in others)


def account_of(to: str) -> str | None:
    """Whose account has that address."""
    try:
        return AddressRow.get(AddressRow.PREFIX + recipient_of(to)).user_id
    except AddressRow.DoesNotExist:
        return None


def keep_contact(user_id: str, email: str, name: str, phone: str | None, version: int) -> None:
    """Write how an account is reached, unless something newer is known."""
    AddressRow(AddressRow.PREFIX + recipient_of(email), user_id=user_id).save()
    row = ContactRow(
        ContactRow.PREFIX + user_id, email=email, name=name or None, phone=phone, version=version
    )
    try:
        row.save(ContactRow.pk.does_not_exist() | (ContactRow.version < version))
    except PutError as error:
        require_condition_failure(error)


def preferences(user_id: str) -> Preferences:
    """What an account chose, or what all have who never did."""
    try:
        return _preferences(PreferencesRow.get(PreferencesRow.PREFIX + user_id, consistent_read=True))
    except PreferencesRow.DoesNotExist:
        return Preferences()


def save_preferences(user_id: str, chosen: Preferences, now: datetime) -> None:
    """Write this version after the one before it. Raises VersionConflict where that is gone."""
    row = PreferencesRow(
        PreferencesRow.PREFIX + user_id,
        email=vars(chosen.email),
        sms=vars(chosen.sms),
        language=chosen.language,
        offers_since=chosen.offers_since,
        version=chosen.version,
        updated_at=now,
    )
    before = chosen.version - 1
    try:
        row.save(PreferencesRow.version == before if before else PreferencesRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(user_id) from error


def block(to: str, why: Block, now: datetime) -> None:
    """Send nothing there any more; again it holds since then."""
    _block_row(to, why, now).save()


def block_with(writes: TransactWrite, to: str, why: Block, now: datetime) -> None:
    """The same in a transaction."""
    writes.save(_block_row(to, why, now))


def _block_row(to: str, why: Block, now: datetime) -> BlockRow:
    return BlockRow(_block_key(why, recipient_of(to)), at=now)


def _block_key(why: Block, recipient: str) -> str:
    return f"{BlockRow.PREFIX}{why}#{recipient}"


def _preferences(row: PreferencesRow | None) -> Preferences:
    if row is None:
        return Preferences()
    return Preferences(
        Choice(**row.email), Choice(**row.sms), row.language, int(row.version), row.offers_since
    )


def _row(kind: type[R], found: dict[str, dict[str, Any]], user_id: str) -> R | None:
    raw = found.get(kind.PREFIX + user_id)
    return kind.from_raw_data(raw) if raw else None


def _batch_get(keys: list[str]) -> dict[str, dict[str, Any]]:
    """The rows there are, raw, by key. Raises Unavailable where DynamoDB leaves some out."""
    wanted: Any = [{"pk": key} for key in keys]
    answer = NotifyRow._get_connection().batch_get_item(wanted, consistent_read=True)
    if answer.get("UnprocessedKeys"):
        raise Unavailable("The shop is busy; ask again.")
    return dict(_by_key(answer["Responses"]))


def _by_key(responses: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for rows in responses.values():
        for row in rows:
            yield row["pk"]["S"], row
