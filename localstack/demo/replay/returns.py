"""The returns in the file of real sales, matched to their sales."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from localstack.demo.replay.sales import Row, Sale, rows

NOT_GOODS = {"D": "a discount, no goods", "POST": "postage, no goods"}


@dataclass
class SaleReturn:
    """The goods of one sale that one return invoice takes back, as quantities by SKU."""

    invoice: str
    sale: Sale
    pieces: Counter[str] = field(default_factory=Counter)

    @property
    def pence(self) -> int:
        """The amount paid for these goods."""
        return sum(self.sale.prices[sku] * pieces for sku, pieces in self.pieces.items())


@dataclass(frozen=True)
class SkippedLine:
    """A return line that cannot be replayed, with the reason."""

    row: Row
    reason: str


def return_lines() -> list[Row]:
    """Return the file's return lines in file order."""
    return [row for row in rows() if row.is_return]


def match_returns(
    lines: Iterable[Row], sales: Sequence[Sale], replayed: Sequence[Sale]
) -> tuple[list[SaleReturn], list[SkippedLine]]:
    """Match each line to a replayed sale, or skip it.

    The sale must be to the same customer, not later than the return, and have enough unreturned pieces.
    """
    returns: dict[tuple[str, str], SaleReturn] = {}
    skipped = []
    returned: Counter[tuple[str, str]] = Counter()
    for line in lines:
        pieces = -line.quantity
        candidates = [
            sale for sale in sales if sale.customer == line.customer and line.sku in sale.quantities
        ]
        matching = [
            sale
            for sale in candidates
            if sale.at <= line.at and sale.quantities[line.sku] - returned[sale.invoice, line.sku] >= pieces
        ]
        if line.sku in NOT_GOODS:
            skipped.append(SkippedLine(line, NOT_GOODS[line.sku]))
        elif not candidates:
            skipped.append(SkippedLine(line, "the file has no sale of it to this customer"))
        elif not matching:
            skipped.append(SkippedLine(line, "no earlier sale has enough unreturned pieces"))
        elif matching[0] not in replayed:
            skipped.append(SkippedLine(line, f"its sale {matching[0].invoice} is not among those replayed"))
        else:
            sale = matching[0]
            returned[sale.invoice, line.sku] += pieces
            returns.setdefault((line.invoice, sale.invoice), SaleReturn(line.invoice, sale)).pieces[
                line.sku
            ] += pieces
    return list(returns.values()), skipped


def describe(returns: Iterable[SaleReturn], skipped: Iterable[SkippedLine]) -> str:
    """Return a text with one line per returned SKU or skipped line."""
    lines = [
        f"  {sale_return.invoice:<8} {sku:<8}{pieces:>4}  returned from sale {sale_return.sale.invoice}: "
        f"{sale_return.sale.prices[sku] * pieces:,} pence"
        for sale_return in returns
        for sku, pieces in sale_return.pieces.items()
    ]
    lines += [
        f"  {line.row.invoice:<8} {line.row.sku:<8}{-line.row.quantity:>4}  skipped: {line.reason}"
        for line in skipped
    ]
    return "\n".join(lines)
