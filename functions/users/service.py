"""The users' use cases: one function each."""

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

NOBODY = "nobody"  # no account has this id: looking for it costs what looking for a real one does


def register(
    email: str, password: str, name: str, phone: str | None, key: IdempotencyKey | None
) -> tuple[Account, bool]:
    """Make a customer's account: the account, and whether the same request made it before.

    Raises EmailTaken, WeakPassword, IdempotencyKeyReused, ConcurrentUpdate.
    """
    passwords.check_strength(password, email, name)
    made = _new_account(email, password, name, ("customer",), phone)
    # The password stays out of the fingerprint: a fast hash of it would undo the slow one.
    key = key and replace(key, fingerprint=IdempotencyKey.of((), "", [email, name, phone]).fingerprint)
    try:
        try:
            tables.add(made, key)
        except ConcurrentUpdate:
            tables.add(made, key)  # the other who wanted the same is done by now
    except tables.KeyUsed as used:
        first = tables.account(used.user_id)
        right = hashing.matches(first.password_hash if first else None, password)
        if not first or not right:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used with a different body; send a new key."
            ) from None
        return first, True
    log.info("registered", extra={"user_id": made.user_id})
    return made, False


def login(email: str, password: str) -> Tokens:
    """Open a session. Raises BadCredentials, TooManyRequests (after five failures in 15 minutes)."""
    now = clock.now()
    attempts = accounts.attempts_key(email)
    if blocked_until := tables.count_attempt(attempts, now):
        wait = max(1, clock.epoch(blocked_until) - clock.epoch(now))
        raise TooManyRequests(
            "Too many failed logins; wait before the next.", headers={"Retry-After": str(wait)}
        )
    found = tables.account(tables.user_with(email) or NOBODY)
    right = hashing.matches(found.password_hash if found else None, password)
    if not found or not right:
        count("LoginsFailed")
        raise BadCredentials("The e-mail address or the password is wrong.")
    tables.forget_attempts(attempts)
    if hashing.is_outdated(found.password_hash):
        tables.rehash(found, hashing.hash_of(password))
    return _open(found.subject, now)


def start_as_guest() -> Tokens:
    """Open a session without an account."""
    return _open(Subject(ids.new_id("gst"), ("guest",)), clock.now())


def refresh(text: str) -> Tokens:
    """Spend a refresh token for new tokens. Raises SessionOver; a spent token ends its session."""
    now = clock.now()
    token = RefreshToken.read(text)
    known = tables.session(token.session_id)
    if known is None or known.is_over(now) or not known.gave(token):
        raise SessionOver
    if not known.awaits(token):
        _end_stolen(known)
    following = replace(token, nonce=_half())
    subject = _subject_of(known)
    # Signed before the old token is spent: should KMS fail, the caller still has a token to come back with.
    tokens = _tokens(subject, following, now)
    if not tables.rotate(known, Session.of(subject, following, now)):
        _end_stolen(known)
    return tokens


def logout(text: str) -> None:
    """End the token's session, if there is one."""
    try:
        token = RefreshToken.read(text)
    except SessionOver:
        return
    known = tables.session(token.session_id)
    if known and known.gave(token):
        tables.revoke(known.session_id)


def account(user_id: str) -> Account:
    """Raises NotFound."""
    found = tables.account(user_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def ensure_account(email: str, password: str, name: str, roles: Sequence[str]) -> Account:
    """Make the account, or give the one there is these roles and this password; asked again it is the same.

    A new password ends the account's sessions. Raises Invalid, WeakPassword, ConcurrentUpdate, and EmailTaken
    where another made the account at this very moment.
    """
    if not is_email(email):
        raise invalid("/email", "This is not an e-mail address that mail can be sent to.")
    wanted = accounts.account_roles(roles)
    passwords.check_strength(password, email, name)
    user_id = tables.user_with(email)
    if user_id is None:
        made = _new_account(email, password, name, wanted)
        tables.add(made)
        return made
    before = account(user_id)
    after = before.with_roles(wanted)
    if not hashing.matches(before.password_hash, password):
        after = after.with_password(hashing.hash_of(password))
    if after is not before:
        tables.change(after, before)
    return after


def guest_of(token: str) -> str:
    """The id of the guest whose access token it is. Raises Invalid where it is nobody's, or no guest's."""
    refusal = invalid("/guest_token", "This is not an access token of a guest that is good now.")
    try:
        claims = signing.read(token)
    except InvalidTokenError as error:
        raise refusal from error
    if claims["roles"] != ["guest"]:
        raise refusal
    return str(claims["sub"])


def public_keys() -> dict[str, dict[str, str]]:
    """The public keys (JWK) by their ids."""
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
        password_hash=hashing.hash_of(password),
        created_at=clock.now(),
    )


def _open(subject: Subject, now: datetime) -> Tokens:
    token = RefreshToken(ids.new_id("ses"), family=_half(), nonce=_half())
    tokens = _tokens(subject, token, now)
    tables.open_session(Session.of(subject, token, now))
    return tokens


def _tokens(subject: Subject, token: RefreshToken, now: datetime) -> Tokens:
    claims = sessions.claims(subject, token.session_id, signing.issuer(), ids.new_id("tok"), now)
    return Tokens(access_token=signing.sign(claims), refresh_token=str(token))


def _subject_of(known: Session) -> Subject:
    """Whom the session is about as of now: roles may have changed, and a new password ends it."""
    if known.is_guests:
        return Subject(known.user_id, ("guest",))
    found = tables.account(known.user_id)
    if found is None or found.credentials != known.credentials:
        raise SessionOver
    return found.subject


def _end_stolen(known: Session) -> NoReturn:
    """Two hold the same token, so one stole it: neither goes on (RFC 9700, 4.14.2)."""
    tables.revoke(known.session_id)
    log.warning("refresh token used twice", extra={"session_id": known.session_id, "user_id": known.user_id})
    count("RefreshTokensReused")
    raise SessionOver


def _half() -> str:
    return token_urlsafe(24)
