"""How many parts a text message of any alphabet is sent in."""

from notify.domain.sms import ALPHABET, septets


def parts(text: str) -> int:
    """By 3GPP TS 23.040: 160 septets or 70 UTF-16 units, in several parts 153 or 67 each."""
    if set(text) <= ALPHABET:
        return _pieces(septets(text), whole=160, part=153)
    return _pieces(len(text.encode("utf-16-le")) // 2, whole=70, part=67)


def _pieces(length: int, whole: int, part: int) -> int:
    return 1 if length <= whole else -(-length // part)
