"""The use cases of users, one function per use case."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from secrets import token_urlsafe
from typing import NoReturn

from jwt import InvalidTokenError

from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import IdempotencyKeyReused, NotFound, TooManyRequests, invalid
from shared.runtime import clock
from shared.runtime.observability import count, log
from shared.values import ids
from shared.values.email_address import is_email
from users import hashing, signing, tables
from users.domain import accounts, keys, passwords, sessions
from users.domain.accounts import Account, BadCredentials, Subject
from users.domain.sessions import RefreshToken, Session, SessionOver, Tokens

NO_ACCOUNT = "nobody"  # no account has this id; reading it costs as much as reading an account


def register(
    email: str, password: str, name: str, phone: str | None, key: IdempotencyKey | None
) -> tuple[Account, bool]:
    """Create a customer's account. Return it, and whether the same request had already created it.

    Raises EmailTaken, WeakPassword, IdempotencyKeyReused, ConcurrentUpdate.
    """
    passwords.check_strength(password, email, name)
    new = _new_account(email, password, name, ("customer",), phone)
    # The fingerprint does not contain the password: a fast hash of it would be easy to attack.
    key = key and key._replace(fingerprint=IdempotencyKey.of((), "", [email, name, phone]).fingerprint)
    try:
        try:
            tables.add_account(new, key)
        except ConcurrentUpdate:
            tables.add_account(new, key)  # the concurrent request has finished by now
    except tables.AlreadyRegistered as repeated:
        first = tables.get_account(repeated.user_id)
        matches = hashing.verify(first.password_hash if first else None, password)
        if not first or not matches:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used with a different body; send a new key."
            ) from None
        return first, True
    log.info("account registered", extra={"user_id": new.user_id})
    return new, False


def login(email: str, password: str) -> Tokens:
    """Open a session. Raises BadCredentials, TooManyRequests (after five failures in 15 minutes)."""
    now = clock.now()
    attempts = accounts.attempts_key(email)
    if blocked_until := tables.count_attempt(attempts, now):
        wait = max(1, clock.epoch(blocked_until) - clock.epoch(now))
        raise TooManyRequests(
            "Too many failed logins with this email address; retry later.", headers={"Retry-After": str(wait)}
        )
    account = tables.get_account(tables.find_user_id(email) or NO_ACCOUNT)
    matches = hashing.verify(account.password_hash if account else None, password)
    if not account or not matches:
        count("LoginsFailed")
        raise BadCredentials("The email address or the password is wrong.")
    tables.clear_attempts(attempts)
    if hashing.is_outdated(account.password_hash):
        tables.replace_hash(account, hashing.hash_password(password))
    return _open_session(account.subject, now)


def start_as_guest() -> Tokens:
    """Open a session without an account."""
    return _open_session(Subject(ids.new_id("gst"), ("guest",)), clock.now())


def refresh(text: str) -> Tokens:
    """Exchange a refresh token for new tokens. Raises SessionOver; a used token revokes its session."""
    now = clock.now()
    token = RefreshToken.parse(text)
    session = tables.get_session(token.session_id)
    if session is None or session.is_over(now) or not session.issued(token):
        raise SessionOver
    if not session.expects(token):
        _end_compromised(session)
    next_token = replace(token, nonce=_random_text())
    subject = _current_subject(session)
    # Signed before the old token is used up, so that the caller can retry with it if KMS fails.
    tokens = _sign_tokens(subject, next_token, now)
    if not tables.rotate_session(session, Session.of(subject, next_token, now)):
        _end_compromised(session)
    return tokens


def logout(text: str) -> None:
    """Revoke the token's session, if there is one."""
    try:
        token = RefreshToken.parse(text)
    except SessionOver:
        return
    session = tables.get_session(token.session_id)
    if session and session.issued(token):
        tables.revoke_session(session.session_id)


def get_account(user_id: str) -> Account:
    """Return the account. Raises NotFound."""
    account = tables.get_account(user_id)
    if account is None:
        raise NotFound("The account does not exist.")
    return account


def ensure_account(email: str, password: str, name: str, roles: Sequence[str]) -> Account:
    """Create the account, or set the roles and the password of an existing one. Idempotent.

    A new password ends the account's sessions. Raises Invalid, WeakPassword, ConcurrentUpdate, and EmailTaken
    if another request created the account at the same time.
    """
    if not is_email(email):
        raise invalid("/email", "This is not a valid email address.")
    wanted = accounts.account_roles(roles)
    passwords.check_strength(password, email, name)
    user_id = tables.find_user_id(email)
    if user_id is None:
        new = _new_account(email, password, name, wanted)
        tables.add_account(new)
        return new
    before = get_account(user_id)
    after = before.with_roles(wanted)
    if not hashing.verify(before.password_hash, password):
        after = after.with_password(hashing.hash_password(password))
    if after is not before:
        tables.update_account(after, before)
    return after


def identify_guest(token: str) -> str:
    """Return the id of the guest whose access token this is. Raises Invalid if it is not a guest's token."""
    problem = invalid("/guest_token", "This is not a valid access token of a guest.")
    try:
        claims = signing.verify(token)
    except InvalidTokenError as error:
        raise problem from error
    if claims["roles"] != ["guest"]:
        raise problem
    return str(claims["sub"])


def public_keys() -> dict[str, dict[str, str]]:
    """Return the public keys (JWK) by id."""
    key = signing.public_key()
    return {keys.thumbprint(key): key}


def _new_account(
    email: str, password: str, name: str, roles: tuple[str, ...], phone: str | None = None
) -> Account:
    return Account(
        user_id=ids.new_id("usr"),
        email=email,
        name=name,
        phone=phone,
        roles=roles,
        password_hash=hashing.hash_password(password),
        created_at=clock.now(),
    )


def _open_session(subject: Subject, now: datetime) -> Tokens:
    token = RefreshToken(ids.new_id("ses"), family=_random_text(), nonce=_random_text())
    tokens = _sign_tokens(subject, token, now)
    tables.add_session(Session.of(subject, token, now))
    return tokens


def _sign_tokens(subject: Subject, token: RefreshToken, now: datetime) -> Tokens:
    claims = sessions.claims(subject, token.session_id, signing.issuer(), ids.new_id("tok"), now)
    return Tokens(access_token=signing.sign(claims), refresh_token=str(token))


def _current_subject(session: Session) -> Subject:
    """Return the session's user with the current roles. Raises SessionOver if the password has changed."""
    if session.is_guest:
        return Subject(session.user_id, ("guest",))
    account = tables.get_account(session.user_id)
    if account is None or account.password_version != session.password_version:
        raise SessionOver
    return account.subject


def _end_compromised(session: Session) -> NoReturn:
    """Revoke a session whose refresh token was used twice: the token may be stolen (RFC 9700, 4.14.2)."""
    tables.revoke_session(session.session_id)
    log.warning("refresh token reused", extra={"session_id": session.session_id, "user_id": session.user_id})
    count("RefreshTokensReused")
    raise SessionOver


def _random_text() -> str:
    return token_urlsafe(24)
