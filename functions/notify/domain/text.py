"""Values of messages: untrusted text made safe, order lines and totals."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.events.orders import LineQuantity, OrderData, OrderLineData
from shared.values.money import Money
from shared.values.text import one_line

_LINK = re.compile(r"://|www\.|\w\.\w\w", re.IGNORECASE)
# Where email programs detect a link: after a scheme's colon, after `www.`, and at a dot before a word.
# The dots of other scripts count as dots in host names (RFC 3490, 3.1).
_JOINT = re.compile(r"(?<=:)(?=/)|(?<=www[.。．｡])(?=\S)|(?<=\S[.。．｡])(?=[^\W\d])", re.IGNORECASE)
_DOTS = str.maketrans(dict.fromkeys("。．｡․", "."))
_JOINTS = frozenset(".。．｡:/")
_MAX_PARAGRAPH = 2_000  # characters per line; a longer one is cut
_MAX_SALUTATION = 80  # characters of a name; a longer one would fill the first screen of an email
_MAX_PROSE = 20_000  # characters; as many as staff may send, for texts that were not checked on arrival


@dataclass(frozen=True)
class PricedLine:
    """An order line with its prices."""

    sku: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money


@dataclass(frozen=True)
class Pieces:
    """A quantity of an order line, without prices."""

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
    """Return the totals as (name, amount); discount and tax only if they are not zero."""
    net = order.subtotal - order.discount + order.shipping
    tax_name = "tax" if order.total != net else "tax_included"
    rows = [("subtotal", order.subtotal, True)]
    rows += [("discount", order.discount * -1, bool(order.discount.amount))]
    rows += [("shipping", order.shipping, True)]
    rows += [(tax_name, order.tax, bool(order.tax.amount))]
    rows += [("total", order.total, True)]
    return [(name, amount) for name, amount, shown in rows if shown]


def unlinked(text: str | None) -> str:
    """Return the text as one line in which no email program detects a link; empty for None.

    A space breaks each link, also one that appears only after Unicode normalization. Used for text that
    customers and staff type freely: reasons of returns, carriers, tracking numbers.
    """
    return one_line(_JOINT.sub(" ", _normalized(one_line(text or ""))))


def salutation(name: str) -> str:
    """Return the name for the salutation; empty if it contains a link, also after Unicode normalization.

    Anyone can register somebody else's address, so the name must not turn the welcome into advertising.
    """
    line = one_line(name, limit=_MAX_SALUTATION)
    return "" if _LINK.search(_normalized(line).translate(_DOTS)) else line


def _normalized(text: str) -> str:
    """Return the text in Unicode NFKC, without format characters and without combining marks on the
    characters of a link (`.`, `:`, `/`)."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFKC", text):
        kind = unicodedata.category(char)
        is_on_joint = kind.startswith("M") and kept and kept[-1] in _JOINTS
        if kind != "Cf" and not is_on_joint:
            kept.append(char)
    return "".join(kept)


def prose(text: str) -> str:
    """Return a longer untrusted text: line breaks and paragraphs are kept, control characters are not."""
    rows = (one_line(row, limit=_MAX_PARAGRAPH) for row in text[:_MAX_PROSE].splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()
