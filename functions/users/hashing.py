"""Password hashes: argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane).

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

from functools import cache
from secrets import token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from users.domain import passwords

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def hash_password(password: str) -> str:
    return HASHER.hash(passwords.normalize(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Return whether the hash is of this password. None does the same work and returns False."""
    # Computed in both cases, so that the time of a process's first login does not reveal whether the account
    # exists.
    dummy = _dummy_hash()
    try:
        HASHER.verify(password_hash or dummy, passwords.normalize(password))
    except VerifyMismatchError:
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Return whether the hash was created with other parameters than the current ones."""
    return HASHER.check_needs_rehash(password_hash)


@cache
def _dummy_hash() -> str:
    return HASHER.hash(token_urlsafe())
