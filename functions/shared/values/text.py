"""Single lines of text: the pattern that requests must match, and the cleaning of text from outside."""

import re
import unicodedata

SINGLE_LINE = r"^[^\x00-\x1f\x7f]+$"  # no control characters: for labels, invoices and emails
MAX_LINE_LENGTH = 200  # characters; as many as a line of an address may have

# Unicode's bidirectional controls: they can make text look like other text.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str, limit: int = MAX_LINE_LENGTH) -> str:
    """Return the text as one line of at most `limit` characters, without control characters, line breaks and
    bidirectional controls."""
    visible = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char
        for char in _BIDI.sub("", text)
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
