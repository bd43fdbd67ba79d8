"""What the file of real sales holds: rows, and the invoices that a shop can replay."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

SALES = Path(__file__).parent.parent / "data" / "online-retail" / "sales.csv"
COUNTRIES = {"United Kingdom": "GB", "France": "FR", "Australia": "AU", "Netherlands": "NL"}
CANCELS = "C"  # an invoice whose number starts so takes something back


@dataclass(frozen=True)
class Row:
    """One line of the file. `pence` is the price of a piece; `quantity` is below zero for what comes back."""

    invoice: str
    sku: str
    title: str
    quantity: int
    at: datetime
    pence: int
    customer: str
    country: str

    @property
    def takes_back(self) -> bool:
        return self.invoice.startswith(CANCELS)


@dataclass
class Sale:
    """One invoice: what one customer bought at once. Prices in pence; lines of one SKU are one line."""

    invoice: str
    customer: str
    country: str
    at: datetime
    titles: dict[str, str] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    quantities: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.prices[sku] * quantity for sku, quantity in self.quantities.items())


def rows() -> Iterator[Row]:
    """The file, in its order."""
    with SALES.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield Row(
                invoice=row["InvoiceNo"],
                sku=row["StockCode"],
                title=row["Description"].strip(),
                quantity=int(row["Quantity"]),
                at=datetime.strptime(row["InvoiceDate"], "%m/%d/%y %H:%M"),
                pence=round(float(row["UnitPrice"]) * 100),
                customer=row["CustomerID"],
                country=COUNTRIES.get(row["Country"], "GB"),
            )


def clean_sales() -> list[Sale]:
    """The invoices with a customer and every quantity and price above zero, in the file's order."""
    sales: dict[str, Sale] = {}
    unclean = set()
    for row in rows():
        if row.takes_back or not row.customer or row.quantity <= 0 or row.pence <= 0:
            unclean.add(row.invoice)
        sale = sales.setdefault(row.invoice, Sale(row.invoice, row.customer, row.country, row.at))
        sale.titles[row.sku] = row.title
        sale.prices[row.sku] = row.pence
        sale.quantities[row.sku] += row.quantity
    return [sale for invoice, sale in sales.items() if invoice not in unclean]
