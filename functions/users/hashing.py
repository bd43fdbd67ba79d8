"""Password hashes: argon2id at OWASP's parameters.

19 MiB, two passes, one lane: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

from functools import cache
from secrets import token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from users.domain import passwords

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def hash_of(password: str) -> str:
    return HASHER.hash(passwords.normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; without a hash the same work is done, and it is not."""
    # Looked at first in either case: the first login of a process must not tell by its time either.
    nobodys = _nobodys()
    try:
        HASHER.verify(password_hash or nobodys, passwords.normal(password))
    except VerifyMismatchError:
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


@cache
def _nobodys() -> str:
    return HASHER.hash(token_urlsafe())
