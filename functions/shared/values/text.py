"""Texts from outside as plain lines: what is taken, and how any other is shown."""

import re
import unicodedata

SINGLE_LINE = r"^[^\x00-\x1f\x7f]+$"  # a line that people read: on labels, on invoices, in mails
MAX_LINE_LENGTH = 200

# Unicode's bidirectional controls: they let a title show as something else than it says.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str, limit: int = MAX_LINE_LENGTH) -> str:
    """Text from outside as one plain line of at most `limit` characters: no control characters, line breaks
    or direction overrides."""
    visible = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char
        for char in _BIDI.sub("", text)
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
