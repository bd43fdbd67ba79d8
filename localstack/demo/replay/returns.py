"""What came back in the file of real sales, and of which sale: pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from localstack.demo.replay.sales import Row, Sale, rows

NO_GOODS = {"D": "a discount, no goods", "POST": "postage, no goods"}


@dataclass
class Parcel:
    """What a customer sends back of one sale, by one of the file's returns."""

    invoice: str
    sale: Sale
    pieces: Counter[str] = field(default_factory=Counter)

    @property
    def pence(self) -> int:
        """What was paid for it."""
        return sum(self.sale.prices[sku] * pieces for sku, pieces in self.pieces.items())


@dataclass(frozen=True)
class LeftOut:
    """A return's line that no shop could replay, and why."""

    row: Row
    reason: str


def return_lines() -> list[Row]:
    """The file's lines that take something back, in its order."""
    return [row for row in rows() if row.takes_back]


def matched(
    lines: Iterable[Row], sales: Sequence[Sale], played: Sequence[Sale]
) -> tuple[list[Parcel], list[LeftOut]]:
    """Each line as part of a parcel of one of the `played` sales, or left out.

    It comes back of a sale to the same customer, not later, with so many pieces of the SKU left.
    """
    parcels: dict[tuple[str, str], Parcel] = {}
    left_out = []
    gone: Counter[tuple[str, str]] = Counter()
    for line in lines:
        pieces = -line.quantity
        theirs = [sale for sale in sales if sale.customer == line.customer and line.sku in sale.quantities]
        fits = [
            sale
            for sale in theirs
            if sale.at <= line.at and sale.quantities[line.sku] - gone[sale.invoice, line.sku] >= pieces
        ]
        if line.sku in NO_GOODS:
            left_out.append(LeftOut(line, NO_GOODS[line.sku]))
        elif not theirs:
            left_out.append(LeftOut(line, "the file has no sale of it to this customer"))
        elif not fits:
            left_out.append(LeftOut(line, "no sale before it has so many pieces left"))
        elif fits[0] not in played:
            left_out.append(LeftOut(line, f"its sale {fits[0].invoice} is not among those replayed"))
        else:
            sale = fits[0]
            gone[sale.invoice, line.sku] += pieces
            parcels.setdefault((line.invoice, sale.invoice), Parcel(line.invoice, sale)).pieces[line.sku] += (
                pieces
            )
    return list(parcels.values()), left_out


def told(parcels: Iterable[Parcel], left_out: Iterable[LeftOut]) -> str:
    """For a reader: every line, what became of it."""
    lines = [
        f"  {parcel.invoice:<8} {sku:<8}{pieces:>4}  sent back of sale {parcel.sale.invoice}: "
        f"{parcel.sale.prices[sku] * pieces:,} pence"
        for parcel in parcels
        for sku, pieces in parcel.pieces.items()
    ]
    lines += [
        f"  {left.row.invoice:<8} {left.row.sku:<8}{-left.row.quantity:>4}  left out: {left.reason}"
        for left in left_out
    ]
    return "\n".join(lines)
