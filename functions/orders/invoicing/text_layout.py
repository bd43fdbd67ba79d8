"""What a PDF is drawn with: reportlab, the fonts, and text that fits its room."""

import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# reportlab imports Pillow for its pictures. An invoice has none, and Pillow is 12 MB of shared libraries:
# where it is not installed, an empty module stands in for it while reportlab is loaded, and no longer.
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
    """The text in letters that the fonts have: composed, what does not show left out, U+FFFD for the rest."""
    shown = []
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Zs"}:
            shown.append(" ")
        elif unicodedata.category(char) == "Cf":
            continue
        elif ord(char) in _FONTS[REGULAR].face.charToGlyph:
            shown.append(char)
        elif not unicodedata.combining(char) and unicodedata.category(char) != "Mn":
            shown.append(REPLACEMENT)
    return "".join(shown)


def width(text: str, font: str, size: float) -> float:
    """How wide printable text is, in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def wrapped(text: str, font: str, size: float, room: float) -> list[str]:
    """Printable text in lines that fit `room` points: broken between words, within one that is too long."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if width(joined, font, size) <= room:
            lines[-1] = joined
        elif width(word, font, size) <= room:
            lines.append(word)
        else:
            lines += _broken(word, font, size, room)
    return [line for line in lines if line]


def _broken(word: str, font: str, size: float, room: float) -> list[str]:
    parts = [""]
    for char in word:
        if parts[-1] and width(parts[-1] + char, font, size) > room:
            parts.append("")
        parts[-1] += char
    return parts
