"""The fonts of PDFs, and text prepared to fit them: printable characters, width, line breaks."""

import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# reportlab imports Pillow for images. Invoices have none, and Pillow has 12 MB of shared libraries, so the
# function is deployed without it. An empty module replaces it while reportlab is imported.
_without_pillow = find_spec("PIL") is None
if _without_pillow:
    sys.modules["PIL"] = ModuleType("PIL")
    sys.modules["PIL"].Image = ModuleType("PIL.Image")  # type: ignore[attr-defined]

from reportlab.pdfbase import pdfmetrics  # noqa: E402
from reportlab.pdfbase.ttfonts import TTFont  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402

if _without_pillow:
    del sys.modules["PIL"]

REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_FONTS = {name: TTFont(name, Path(__file__).parent / "fonts" / f"{name}.ttf") for name in (REGULAR, BOLD)}
for _font in _FONTS.values():
    pdfmetrics.registerFont(_font)

__all__ = ["BOLD", "REGULAR", "REPLACEMENT", "Canvas", "printable", "width", "wrapped"]


def printable(text: str) -> str:
    """Return the text in NFC, without invisible characters, and with U+FFFD for missing characters."""
    characters = []
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Zs"}:
            characters.append(" ")
        elif unicodedata.category(char) == "Cf":
            continue
        elif ord(char) in _FONTS[REGULAR].face.charToGlyph:
            characters.append(char)
        elif not unicodedata.combining(char) and unicodedata.category(char) != "Mn":
            characters.append(REPLACEMENT)
    return "".join(characters)


def width(text: str, font: str, size: float) -> float:
    """Return the width of printable text in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def wrapped(text: str, font: str, size: float, room: float) -> list[str]:
    """Return printable text as lines of at most `room` points, broken between words or inside long words."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if width(joined, font, size) <= room:
            lines[-1] = joined
        elif width(word, font, size) <= room:
            lines.append(word)
        else:
            lines += _break_word(word, font, size, room)
    return [line for line in lines if line]


def _break_word(word: str, font: str, size: float, room: float) -> list[str]:
    parts = [""]
    for char in word:
        if parts[-1] and width(parts[-1] + char, font, size) > room:
            parts.append("")
        parts[-1] += char
    return parts
