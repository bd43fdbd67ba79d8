"""How things are put in a letter: texts from outside, lines and sums."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from shared.events import OrderFacts, OrderLineFacts, PiecesFacts
from shared.money_text import money_text

MAX_TEXT = 200

# Unicode's bidirectional controls: they let a title show as something else than it says.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(r"://|www\.|\w\.\w\w", re.IGNORECASE)
# Where mail programs see a link begin or go on: after a scheme's colon, `www.`, and a dot before a letter.
# The dots of other scripts count as dots in host names (RFC 3490, 3.1).
_JOINT = re.compile(r"(?<=:)(?=/)|(?<=www[.。．｡])(?=\S)|(?<=\S[.。．｡])(?=[^\W\d])", re.IGNORECASE)


@dataclass(frozen=True)
class LineText:
    """An order's line as it is read."""

    sku: str
    title: str
    quantity: int
    unit_price: str
    line_total: str


@dataclass(frozen=True)
class PiecesText:
    """So many of a line, without their price."""

    sku: str
    title: str
    quantity: int


def line_texts(order: OrderFacts) -> list[LineText]:
    return [
        LineText(
            sku=one_line(line.sku),
            title=one_line(line.title),
            quantity=line.quantity,
            unit_price=money_text(line.unit_price),
            line_total=money_text(line.line_total),
        )
        for line in order.lines
    ]


def pieces_texts(lines: Iterable[PiecesFacts | OrderLineFacts]) -> list[PiecesText]:
    return [PiecesText(one_line(line.sku), one_line(line.title), line.quantity) for line in lines]


def totals(order: OrderFacts) -> list[tuple[str, str]]:
    """The sums under the lines, by name; discount and tax only where there are any."""
    net = order.subtotal - order.discount + order.shipping
    tax_name = "Tax" if order.total != net else "Tax, included"
    rows = [("Subtotal", order.subtotal, True)]
    rows += [("Discount", order.discount * -1, bool(order.discount.amount))]
    rows += [("Shipping", order.shipping, True)]
    rows += [(tax_name, order.tax, bool(order.tax.amount))]
    rows += [("Total", order.total, True)]
    return [(name, money_text(sum_)) for name, sum_, shown in rows if shown]


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """Text from outside as one plain line: no control characters, line breaks or direction overrides."""
    visible = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char
        for char in _BIDI.sub("", text)
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def unlinked(text: str | None) -> str:
    """One plain line in which no mail program finds a link to make: the joints of addresses are spaced.

    Empty for None. What staff and shoppers type freely (reasons, carriers, tracking numbers) must be readable
    as they wrote it, and must not lead anywhere.
    """
    return one_line(_JOINT.sub(" ", one_line(text or "")))


def salutation(name: str) -> str:
    """The name to greet by; empty where it holds a link.

    Anyone can register somebody else's address: the name must not turn our welcome into their advertising.
    """
    line = one_line(name, limit=80)
    return "" if _LINK.search(line) else line
