"""The users' rows and the only code that touches them."""

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
from users.domain.sessions import ATTEMPTS, ATTEMPTS_WINDOW, Session
from users.settings import settings

ACCOUNT, EMAIL, SESSION, TRIES = "user#", "email#", "session#", "attempts#"


class UsersRow(Row):
    """Any row of the table; its key's prefix says which."""

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
    credentials = NumberAttribute()
    email_verified = BooleanAttribute()
    mfa_enabled = BooleanAttribute()
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    version = NumberAttribute()


class EmailRow(UsersRow):
    """`email#<folded address>`: whose it is; that there is one row a key makes the address unique."""

    user_id = UnicodeAttribute()


class SessionRow(UsersRow):
    """`session#<session id>`"""

    user_id = UnicodeAttribute()
    credentials = NumberAttribute()
    family_hash = UnicodeAttribute()
    nonce_hash = UnicodeAttribute()
    revoked = BooleanAttribute()
    expires_at = NumberAttribute()


class AttemptsRow(UsersRow):
    """`attempts#<sum of the address>`: logins tried since the last that succeeded, until `expires_at`."""

    tried = NumberAttribute()
    expires_at = NumberAttribute()


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().users_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(UsersRow, IdempotencyRow)


class KeyUsed(Exception):
    """The request's idempotency key made an account before: `user_id`."""

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id


def probe() -> None:
    """Touch what the service cannot work without."""
    account("probe")


def account(user_id: str) -> Account | None:
    """One read."""
    try:
        return _account(AccountRow.get(ACCOUNT + user_id, consistent_read=True))
    except AccountRow.DoesNotExist:
        return None


def user_with(email: str) -> str | None:
    """The id of the account with this e-mail address, in whatever case: one read."""
    try:
        return EmailRow.get(EMAIL + email_key(email), consistent_read=True).user_id
    except EmailRow.DoesNotExist:
        return None


def add(made: Account, key: IdempotencyKey | None = None) -> None:
    """Write the account, the claim on its e-mail address and the request's key, all or none.

    Raises EmailTaken, KeyUsed, IdempotencyKeyReused, ConcurrentUpdate.
    """
    now = made.created_at
    try:
        with transaction(UsersRow) as writes:
            claim = EmailRow(pk=EMAIL + email_key(made.email), user_id=made.user_id)
            writes.save(claim, condition=EmailRow.pk.does_not_exist())
            writes.save(_account_row(made), condition=AccountRow.pk.does_not_exist())
            if key:
                # Written with its effect, so nobody can find it half-done: it needs no lease.
                used = idempotency.new_row(key, made.user_id, now)
                used.leased_until = None
                writes.save(used, condition=idempotency.is_unclaimed(now))
    except ConditionFailed as error:
        if key and error.failed_at(2):
            found = IdempotencyRow.get(key.pk, consistent_read=True)
            found.check(key, now)
            raise KeyUsed(found.resource_id) from error
        raise EmailTaken("There is an account with this e-mail address.") from error


def change(after: Account, before: Account) -> None:
    """Write the new roles and password over the account as it was read. Raises ConcurrentUpdate."""
    row = AccountRow(pk=ACCOUNT + after.user_id)
    actions = [
        AccountRow.roles.set(list(after.roles)),
        AccountRow.password_hash.set(after.password_hash),
        AccountRow.credentials.set(after.credentials),
        AccountRow.version.set(after.version),
        AccountRow.updated_at.set(clock.now()),
        AccountRow.request_id.set(observability.request_id()),
    ]
    if not _updated(row, actions, AccountRow.version == before.version):
        raise ConcurrentUpdate


def rehash(known: Account, password_hash: str) -> None:
    """Keep the same password by a newer hash, unless it was changed meanwhile."""
    row = AccountRow(pk=ACCOUNT + known.user_id)
    _updated(
        row,
        [AccountRow.password_hash.set(password_hash)],
        AccountRow.password_hash == known.password_hash,
    )


def count_attempt(key: str, now: datetime) -> datetime | None:
    """Count a login before its password is looked at, so that many at once cannot slip by; one write.

    Returns until when no more are taken, or None where this one is.
    """
    second, until = clock.epoch(now), clock.epoch(now + ATTEMPTS_WINDOW)
    row = AttemptsRow(pk=TRIES + key)
    actions = [
        AttemptsRow.tried.add(1),
        AttemptsRow.expires_at.set(AttemptsRow.expires_at | until),
    ]
    few = (AttemptsRow.expires_at > second) & (AttemptsRow.tried < ATTEMPTS)
    for _ in range(3):
        if _updated(row, actions, AttemptsRow.pk.does_not_exist() | few):
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


def forget_attempts(key: str) -> None:
    AttemptsRow(pk=TRIES + key).delete()


def open_session(session: Session) -> None:
    SessionRow(
        pk=SESSION + session.session_id,
        user_id=session.user_id,
        credentials=session.credentials,
        family_hash=session.family_hash,
        nonce_hash=session.nonce_hash,
        revoked=session.revoked,
        expires_at=session.expires_at,
    ).save()


def session(session_id: str) -> Session | None:
    """One read."""
    try:
        row = SessionRow.get(SESSION + session_id, consistent_read=True)
    except SessionRow.DoesNotExist:
        return None
    return Session(
        session_id=session_id,
        user_id=row.user_id,
        credentials=int(row.credentials),
        family_hash=row.family_hash,
        nonce_hash=row.nonce_hash,
        expires_at=int(row.expires_at),
        revoked=row.revoked,
    )


def rotate(before: Session, after: Session) -> bool:
    """Spend the session's secret for the next; False where another request did so first, or ended it."""
    return _updated(
        SessionRow(pk=SESSION + before.session_id),
        [SessionRow.nonce_hash.set(after.nonce_hash), SessionRow.expires_at.set(after.expires_at)],
        (SessionRow.nonce_hash == before.nonce_hash) & (SessionRow.revoked == False),  # noqa: E712
    )


def revoke(session_id: str) -> None:
    """End the session; again is no harm."""
    row = SessionRow(pk=SESSION + session_id)
    _updated(row, [SessionRow.revoked.set(True)], SessionRow.pk.exists())


def account_row(image: Image) -> AccountRow | None:
    """The account in a stream's image, None where it shows another kind of row."""
    return AccountRow.from_raw_data(dict(image)) if image["pk"]["S"].startswith(ACCOUNT) else None


def _updated(row: UsersRow, actions: list[Any], condition: Any) -> bool:
    try:
        row.update(actions, condition=condition)
    except UpdateError as error:
        require_condition_failure(error)
        return False
    return True


def _account_row(made: Account) -> AccountRow:
    return AccountRow(
        pk=ACCOUNT + made.user_id,
        user_id=made.user_id,
        email=made.email,
        name=made.name,
        phone=made.phone,
        roles=list(made.roles),
        password_hash=made.password_hash,
        credentials=made.credentials,
        email_verified=made.email_verified,
        mfa_enabled=made.mfa_enabled,
        created_at=made.created_at,
        updated_at=made.created_at,
        version=made.version,
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
        credentials=int(row.credentials),
        version=int(row.version),
    )
