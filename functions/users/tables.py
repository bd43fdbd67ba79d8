"""The rows of users; the only code that accesses them."""

from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DeleteError, UpdateError

from shared.dynamodb.idempotency import IdempotencyKey, IdempotencyStore
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.rows import (
    ConcurrentUpdate,
    ConditionFailed,
    Row,
    require_condition_failure,
    transaction,
    warm,
)
from shared.messaging.stream_relay import Image
from shared.runtime import clock, observability
from shared.runtime.aws import REGION
from users.domain.accounts import Account, EmailTaken, email_key
from users.domain.sessions import ATTEMPTS_WINDOW, MAX_ATTEMPTS, Session
from users.settings import settings

TRIES = 3  # tries; a window can end, and another request can start one, between two calls

ACCOUNT, EMAIL, SESSION, ATTEMPTS = "user#", "email#", "session#", "attempts#"


class UsersRow(Row):
    """Base of the table's rows; the prefix of the key determines the type."""

    class Meta:
        table_name = settings().users_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)


class AccountRow(UsersRow):
    """`user#<user id>`"""

    user_id = UnicodeAttribute()
    email = UnicodeAttribute()
    name = UnicodeAttribute()
    phone = UnicodeAttribute(null=True)
    roles = ListAttribute[str]()
    password_hash = UnicodeAttribute()
    password_version = NumberAttribute()
    email_verified = BooleanAttribute()
    mfa_enabled = BooleanAttribute()
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    version = NumberAttribute()


class EmailRow(UsersRow):
    """`email#<folded address>`: the account of an address. The key makes the address unique."""

    user_id = UnicodeAttribute()


class SessionRow(UsersRow):
    """`session#<session id>`"""

    user_id = UnicodeAttribute()
    password_version = NumberAttribute()
    family_hash = UnicodeAttribute()
    nonce_hash = UnicodeAttribute()
    revoked = BooleanAttribute()
    expires_at = NumberAttribute()


class AttemptsRow(UsersRow):
    """`attempts#<hash of the address>`: login attempts since the last success, until `expires_at`."""

    attempts = NumberAttribute()
    expires_at = NumberAttribute()


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().users_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(UsersRow, IdempotencyRow)


class AlreadyRegistered(Exception):
    """The Idempotency-Key was used before, by the request that created the account `user_id`."""

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id


def probe() -> None:
    """Read the table, for the health check."""
    get_account("probe")


def get_account(user_id: str) -> Account | None:
    """Return the account; one read."""
    try:
        return _account(AccountRow.get(ACCOUNT + user_id, consistent_read=True))
    except AccountRow.DoesNotExist:
        return None


def find_user_id(email: str) -> str | None:
    """Return the id of the account with this email address, ignoring case; one read."""
    try:
        return EmailRow.get(EMAIL + email_key(email), consistent_read=True).user_id
    except EmailRow.DoesNotExist:
        return None


def add_account(account: Account, key: IdempotencyKey | None = None) -> None:
    """Write the account, its email address and the request's key in one transaction.

    Raises EmailTaken, AlreadyRegistered, IdempotencyKeyReused, ConcurrentUpdate.
    """
    now = account.created_at
    try:
        with transaction(UsersRow) as writes:
            email = EmailRow(pk=EMAIL + email_key(account.email), user_id=account.user_id)
            writes.save(email, condition=EmailRow.pk.does_not_exist())
            writes.save(_account_row(account), condition=AccountRow.pk.does_not_exist())
            if key:
                # It needs no lease, because it is written together with its effect.
                claimed = idempotency.new_row(key, account.user_id, now)
                claimed.leased_until = None
                writes.save(claimed, condition=idempotency.is_unclaimed(now))
    except ConditionFailed as error:
        if key and error.failed_at(2):
            found = IdempotencyRow.get(key.pk, consistent_read=True)
            found.check_body(key)
            raise AlreadyRegistered(found.resource_id) from error
        raise EmailTaken("An account with this email address already exists.") from error


def update_account(after: Account, before: Account) -> None:
    """Write new roles and a new password. Raises ConcurrentUpdate if `before` is no longer current."""
    row = AccountRow(pk=ACCOUNT + after.user_id)
    actions = [
        AccountRow.roles.set(list(after.roles)),
        AccountRow.password_hash.set(after.password_hash),
        AccountRow.password_version.set(after.password_version),
        AccountRow.version.set(after.version),
        AccountRow.updated_at.set(clock.now()),
        AccountRow.request_id.set(observability.request_id()),
    ]
    if not _updated(row, actions, AccountRow.version == before.version):
        raise ConcurrentUpdate


def replace_hash(account: Account, password_hash: str) -> None:
    """Write a new hash of the same password, unless the password changed in the meantime."""
    row = AccountRow(pk=ACCOUNT + account.user_id)
    _updated(
        row,
        [AccountRow.password_hash.set(password_hash)],
        AccountRow.password_hash == account.password_hash,
    )


def count_attempt(key: str, now: datetime) -> datetime | None:
    """Count a login attempt, before its password is checked, so that concurrent attempts count; one write.

    Return None if the attempt is allowed, otherwise the time from which attempts are allowed again.
    """
    second, until = clock.epoch(now), clock.epoch(now + ATTEMPTS_WINDOW)
    row = AttemptsRow(pk=ATTEMPTS + key)
    actions = [
        AttemptsRow.attempts.add(1),
        AttemptsRow.expires_at.set(AttemptsRow.expires_at | until),
    ]
    allowed = (AttemptsRow.expires_at > second) & (AttemptsRow.attempts < MAX_ATTEMPTS)
    for _ in range(TRIES):
        if _updated(row, actions, AttemptsRow.pk.does_not_exist() | allowed):
            return None
        try:
            found = AttemptsRow.get(row.pk, consistent_read=True)
        except AttemptsRow.DoesNotExist:
            continue
        if found.expires_at > second:
            return datetime.fromtimestamp(int(found.expires_at), UTC)
        try:
            found.delete(AttemptsRow.expires_at <= second)
        except DeleteError as error:
            require_condition_failure(error)
    raise ConcurrentUpdate


def clear_attempts(key: str) -> None:
    AttemptsRow(pk=ATTEMPTS + key).delete()


def add_session(session: Session) -> None:
    SessionRow(
        pk=SESSION + session.session_id,
        user_id=session.user_id,
        password_version=session.password_version,
        family_hash=session.family_hash,
        nonce_hash=session.nonce_hash,
        revoked=session.revoked,
        expires_at=session.expires_at,
    ).save()


def get_session(session_id: str) -> Session | None:
    """Return the session; one read."""
    try:
        row = SessionRow.get(SESSION + session_id, consistent_read=True)
    except SessionRow.DoesNotExist:
        return None
    return Session(
        session_id=session_id,
        user_id=row.user_id,
        password_version=int(row.password_version),
        family_hash=row.family_hash,
        nonce_hash=row.nonce_hash,
        expires_at=int(row.expires_at),
        revoked=row.revoked,
    )


def rotate_session(before: Session, after: Session) -> bool:
    """Replace the session's nonce. Return False if another request did so first or revoked the session."""
    return _updated(
        SessionRow(pk=SESSION + before.session_id),
        [SessionRow.nonce_hash.set(after.nonce_hash), SessionRow.expires_at.set(after.expires_at)],
        (SessionRow.nonce_hash == before.nonce_hash) & (SessionRow.revoked == False),  # noqa: E712
    )


def revoke_session(session_id: str) -> None:
    """Revoke the session; idempotent."""
    row = SessionRow(pk=SESSION + session_id)
    _updated(row, [SessionRow.revoked.set(True)], SessionRow.pk.exists())


def account_row(image: Image) -> AccountRow | None:
    """Return the account in a stream image, or None if it is another type of row."""
    return AccountRow.from_raw_data(dict(image)) if image["pk"]["S"].startswith(ACCOUNT) else None


def _updated(row: UsersRow, actions: list[Any], condition: Any) -> bool:
    try:
        row.update(actions, condition=condition)
    except UpdateError as error:
        require_condition_failure(error)
        return False
    return True


def _account_row(account: Account) -> AccountRow:
    return AccountRow(
        pk=ACCOUNT + account.user_id,
        user_id=account.user_id,
        email=account.email,
        name=account.name,
        phone=account.phone,
        roles=list(account.roles),
        password_hash=account.password_hash,
        password_version=account.password_version,
        email_verified=account.email_verified,
        mfa_enabled=account.mfa_enabled,
        created_at=account.created_at,
        updated_at=account.created_at,
        version=account.version,
    )


def _account(row: AccountRow) -> Account:
    return Account(
        user_id=row.user_id,
        email=row.email,
        name=row.name,
        phone=row.phone,
        roles=tuple(row.roles),
        password_hash=row.password_hash,
        created_at=row.created_at,
        email_verified=row.email_verified,
        mfa_enabled=row.mfa_enabled,
        password_version=int(row.password_version),
        version=int(row.version),
    )
