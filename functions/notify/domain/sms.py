"""Text messages: the 7-bit GSM alphabet, lengths and segments."""

import unicodedata

# 3GPP TS 23.038, 6.2.1: the default alphabet, and its extension table, whose characters take two septets.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€"
ALPHABET = frozenset(_BASIC + _EXTENDED)

# Two segments of 160 septets, minus 7 each for the header that joins them (3GPP TS 23.040, 9.2.3.24.1).
MAX_SEPTETS = 306  # septets

_SUBSTITUTES = str.maketrans(
    {"…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "×": "x"}
)


def gsm(text: str) -> str:
    """Return the text in the GSM alphabet: other accents are removed, other characters become `?`."""
    return "".join(_transliterate(char) for char in text.translate(_SUBSTITUTES))


def septets(text: str) -> int:
    """Return the length of a text in the GSM alphabet."""
    return sum(2 if char in _EXTENDED else 1 for char in text)


def cut(text: str, limit: int = MAX_SEPTETS) -> str:
    """Return the text cut to `limit` septets, at a word and with an ellipsis."""
    if septets(text) <= limit:
        return text
    kept = text[: limit - 3]
    while septets(kept) > limit - 3:
        kept = kept[:-1]
    at_word = kept.rpartition(" ")[0]
    return f"{(at_word if len(at_word) > len(kept) // 2 else kept).rstrip(' ,.;:')}..."


def _transliterate(char: str) -> str:
    if char in ALPHABET:
        return char
    simpler = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    if simpler and set(simpler) <= ALPHABET:
        return simpler
    return "" if unicodedata.category(char) in {"Mn", "Cf"} else "?"


def sms_segments(text: str) -> int:
    """Return the number of segments (3GPP TS 23.040): one holds 160 septets or 70 UTF-16 units; several hold
    153 or 67 each."""
    if set(text) <= ALPHABET:
        return _segments(septets(text), single=160, joined=153)
    return _segments(len(text.encode("utf-16-le")) // 2, single=70, joined=67)


def _segments(length: int, single: int, joined: int) -> int:
    return 1 if length <= single else -(-length // joined)
