"""How things are put in a letter: texts from outside, lines and sums."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.events import LineQuantity, OrderData, OrderLineData
from shared.values.money import Money
from shared.values.text import one_line

_LINK = re.compile(r"://|www\.|\w\.\w\w", re.IGNORECASE)
# Where mail programs see a link begin or go on: after a scheme's colon, `www.`, and a dot before a letter.
# The dots of other scripts count as dots in host names (RFC 3490, 3.1).
_JOINT = re.compile(r"(?<=:)(?=/)|(?<=www[.。．｡])(?=\S)|(?<=\S[.。．｡])(?=[^\W\d])", re.IGNORECASE)
_DOTS = str.maketrans(dict.fromkeys("。．｡․", "."))
_JOINTS = frozenset(".。．｡:/")
_MAX_PROSE = 20_000


@dataclass(frozen=True)
class PricedLine:
    """An order's line as it is read."""

    sku: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money


@dataclass(frozen=True)
class Pieces:
    """So many of a line, without their price."""

    sku: str
    title: str
    quantity: int


def priced_lines(order: OrderData) -> list[PricedLine]:
    return [
        PricedLine(one_line(line.sku), one_line(line.title), line.quantity, line.unit_price, line.line_total)
        for line in order.lines
    ]


def pieces(lines: Iterable[LineQuantity | OrderLineData]) -> list[Pieces]:
    return [Pieces(one_line(line.sku), one_line(line.title), line.quantity) for line in lines]


def totals(order: OrderData) -> list[tuple[str, Money]]:
    """The sums under the lines, by the key of their name; discount and tax only where there are any."""
    net = order.subtotal - order.discount + order.shipping
    tax_name = "tax" if order.total != net else "tax_included"
    rows = [("subtotal", order.subtotal, True)]
    rows += [("discount", order.discount * -1, bool(order.discount.amount))]
    rows += [("shipping", order.shipping, True)]
    rows += [(tax_name, order.tax, bool(order.tax.amount))]
    rows += [("total", order.total, True)]
    return [(name, sum_) for name, sum_, shown in rows if shown]


def unlinked(text: str | None) -> str:
    """One plain line in which no mail program finds a link to make: the joints of addresses are spaced.

    Empty for None. What staff and shoppers type freely (reasons, carriers, tracking numbers) must be readable
    as they wrote it, and must not lead anywhere, nor after a mail program's or a network's own folding.
    """
    return one_line(_JOINT.sub(" ", _folded(one_line(text or ""))))


def salutation(name: str) -> str:
    """The name to greet by; empty where it holds a link, or would after a mail program's own folding.

    Anyone can register somebody else's address: the name must not turn our welcome into their advertising.
    """
    line = one_line(name, limit=80)
    return "" if _LINK.search(_folded(line).translate(_DOTS)) else line


def _folded(text: str) -> str:
    """The text with what others may fold or leave out away already: compatibility forms are plain letters,
    what shows nothing is gone, and so are marks on a joint, which make it no other sign."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFKC", text):
        kind = unicodedata.category(char)
        is_on_joint = kind.startswith("M") and kept and kept[-1] in _JOINTS
        if kind != "Cf" and not is_on_joint:
            kept.append(char)
    return "".join(kept)


def prose(text: str) -> str:
    """A longer text from outside: its paragraphs and line breaks stay, all else is as in one line."""
    rows = (one_line(row, limit=2000) for row in text[:_MAX_PROSE].splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()
