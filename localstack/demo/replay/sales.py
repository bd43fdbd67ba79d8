"""The file of real sales: its rows and the invoices that can be replayed."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

SALES = Path(__file__).parent.parent / "data" / "online-retail" / "sales.csv"
COUNTRIES = {"United Kingdom": "GB", "France": "FR", "Australia": "AU", "Netherlands": "NL"}
RETURN_PREFIX = "C"  # of the numbers of invoices that take goods back


@dataclass(frozen=True)
class Row:
    """One line of the file. `pence` is the unit price; `quantity` is negative in returns."""

    invoice: str
    sku: str
    title: str
    quantity: int
    at: datetime
    pence: int
    customer: str
    country: str

    @property
    def is_return(self) -> bool:
        return self.invoice.startswith(RETURN_PREFIX)


@dataclass
class Sale:
    """One invoice: titles, prices in pence and quantities by SKU; lines with the same SKU are merged."""

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
    """Return the file's rows in file order."""
    with SALES.open(encoding="utf-8-sig", newline="") as sales_file:
        for row in csv.DictReader(sales_file):
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
    """Return the invoices that have a customer and only positive quantities and prices, in file order."""
    sales: dict[str, Sale] = {}
    unclean = set()
    for row in rows():
        if row.is_return or not row.customer or row.quantity <= 0 or row.pence <= 0:
            unclean.add(row.invoice)
        sale = sales.setdefault(row.invoice, Sale(row.invoice, row.customer, row.country, row.at))
        sale.titles[row.sku] = row.title
        sale.prices[row.sku] = row.pence
        sale.quantities[row.sku] += row.quantity
    return [sale for invoice, sale in sales.items() if invoice not in unclean]
