"""Text messages as networks count them: in the 7-bit alphabet, two parts at the most."""

import unicodedata

# 3GPP TS 23.038, 6.2.1: the default alphabet, and what its extension table writes with two septets.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€"
ALPHABET = frozenset(_BASIC + _EXTENDED)

# Two parts, each 160 septets less the 7 of the header that joins them (3GPP TS 23.040, 9.2.3.24.1).
MAX_SEPTETS = 306

_ALIKE = str.maketrans(
    {"…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "×": "x"}
)


def gsm(text: str) -> str:
    """The text in the alphabet of text messages: accents go where they must; `?` is what it lacks."""
    return "".join(_written(char) for char in text.translate(_ALIKE))


def septets(text: str) -> int:
    """How long a text of that alphabet is."""
    return sum(2 if char in _EXTENDED else 1 for char in text)


def cut(text: str, limit: int = MAX_SEPTETS) -> str:
    """The text within so many septets, ended at a word and with dots where it is shortened."""
    if septets(text) <= limit:
        return text
    kept = text[: limit - 3]
    while septets(kept) > limit - 3:
        kept = kept[:-1]
    at_word = kept.rpartition(" ")[0]
    return f"{(at_word if len(at_word) > len(kept) // 2 else kept).rstrip(' ,.;:')}..."


def _written(char: str) -> str:
    if char in ALPHABET:
        return char
    simpler = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    if simpler and set(simpler) <= ALPHABET:
        return simpler
    return "" if unicodedata.category(char) in {"Mn", "Cf"} else "?"
