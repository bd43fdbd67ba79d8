"""Passwords: which are good enough (after NIST SP 800-63B, 5.1.1.2: by length and notoriety, no recipes)."""

import re
from unicodedata import normalize

from shared.errors import Invalid

SHORTEST, LONGEST = 10, 128
DIFFERENT = 5
MAX_SENT = 1024  # what is read of a password at all: bounds the work of normalizing and hashing it

# Our own selection: those that come up in every published list of leaked passwords and are long enough to
# pass the other rules.
COMMON = frozenset(
    """
    0123456789 1234567890 0987654321 12345678910 123456789a 123456789q 1234567891 1q2w3e4r5t 1q2w3e4r5t6y
    1qaz2wsx3edc 1qazxsw23edc abcdefghij abcdefghijk a123456789 adminadmin administrator alexander1
    asdfghjkl1 asdfghjkl123 asdfghjkl; basketball changeme123 charlie123 chocolate1 christopher computer123
    creative123 dragon1234 elizabeth1 football123 iloveyou123 iloveyou12 iloveyou1234 jennifer123
    letmein123 letmein1234 liverpool1 liverpoolfc manchester manchester1 michael123 mypassword
    mypassword1 p@ssw0rd123 password!! password01 password10 password11 password12 password123 password123!
    password1234 password12345 password123456 passw0rd123 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc123
    qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop1 qwertyuiop123 qwertyuiop[] secret1234
    sunshine123 superman123 trustno1trustno1 welcome123 welcome1234 zaq12wsxcde3 zxcvbnm123 zxcvbnm1234
    """.split()
)


class WeakPassword(Invalid):
    """The password would be guessed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=[{"pointer": "/password", "detail": detail}])


def normal(password: str) -> str:
    """The form that is hashed: the same however a keyboard composes it (NFKC)."""
    return normalize("NFKC", password)


def check_strength(password: str, email: str, name: str) -> None:
    """Raises WeakPassword. What is the user's own name or address does not count towards the length."""
    chosen = normal(password)
    if not SHORTEST <= len(chosen) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters.")
    folded = chosen.casefold()
    if folded in COMMON:
        raise WeakPassword("This password is among the first that are guessed.")
    if len(set(folded)) < DIFFERENT:
        raise WeakPassword(f"A password has at least {DIFFERENT} different characters.")
    for word in _personal(email, name):
        folded = folded.replace(word, "")
    if len(folded) < SHORTEST:
        raise WeakPassword(
            f"A password has at least {SHORTEST} characters besides your name and e-mail address."
        )


def _personal(email: str, name: str) -> list[str]:
    """The words that others know of the user, longest first: a short one may be part of a long one."""
    local = email.partition("@")[0]
    words = {email, local, *re.split(r"[\W_]+", local), *re.split(r"[\W_]+", name)}
    return sorted({normal(word).casefold() for word in words if len(word) >= 3}, key=len, reverse=True)
