"""Password strength by length and a list of common passwords (NIST SP 800-63B, 5.1.1.2)."""

import re
import unicodedata

from shared.errors import Invalid

MIN_LENGTH = 10  # characters; NIST SP 800-63B, 5.1.1.2 requires at least 8
MAX_LENGTH = 128  # characters; NIST SP 800-63B, 5.1.1.2 requires that 64 are accepted
MIN_WORD_LENGTH = 3  # characters; shorter parts of a name or address occur in strong passwords too
MIN_DISTINCT = 5  # different characters; repetitions are guessed first
MAX_INPUT_LENGTH = 1024  # characters; limits the work of normalizing and hashing

# Our own selection: passwords that occur in every published list of leaked passwords and pass the other
# rules.
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
    """The password is easy to guess."""

    advice = "Ask the user for a longer or less common password."

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=[{"pointer": "/password", "detail": detail}])


def normalize(password: str) -> str:
    """Return the form that is hashed (NFKC), so that keyboards may compose characters differently."""
    return unicodedata.normalize("NFKC", password)


def check_strength(password: str, email: str, name: str) -> None:
    """Raise WeakPassword if the password is weak. The user's name and address do not count towards the
    length."""
    chosen = normalize(password)
    if not MIN_LENGTH <= len(chosen) <= MAX_LENGTH:
        raise WeakPassword(f"A password must have {MIN_LENGTH} to {MAX_LENGTH} characters.")
    folded = chosen.casefold()
    if folded in COMMON:
        raise WeakPassword("This password is too common; choose another one.")
    if len(set(folded)) < MIN_DISTINCT:
        raise WeakPassword(f"A password must have at least {MIN_DISTINCT} different characters.")
    for word in _personal(email, name):
        folded = folded.replace(word, "")
    if len(folded) < MIN_LENGTH:
        raise WeakPassword(
            f"A password must have at least {MIN_LENGTH} characters besides your name and email address."
        )


def _personal(email: str, name: str) -> list[str]:
    """Return words that are known about the user, longest first, because a short one may be part of a long
    one."""
    local = email.partition("@")[0]
    words = {email, local, *re.split(r"[\W_]+", local), *re.split(r"[\W_]+", name)}
    return sorted(
        {normalize(word).casefold() for word in words if len(word) >= MIN_WORD_LENGTH}, key=len, reverse=True
    )
