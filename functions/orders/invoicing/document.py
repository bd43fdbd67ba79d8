"""The content of an invoice as text: parties, lines, sums and labels."""

from dataclasses import dataclass
from datetime import datetime

from orders.domain.orders import Invoice, Order
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.values.money import Money
from shared.values.money_format import format_money
from shared.values.text import one_line

# strftime would use the process's locale.
_MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True)
class Seller:
    """The seller; `tax_id` is its tax number, or empty."""

    name: str
    address: tuple[str, ...]
    tax_id: str

    @property
    def tax_line(self) -> str:
        return f"Tax ID {self.tax_id}" if self.tax_id else ""


@dataclass(frozen=True)
class Line:
    """A line: `line_total` is quantity times unit price, `discount` the line's share of the discount,
    `tax` the tax on the discounted amount."""

    sku: str
    title: str
    quantity: int
    unit_price: Money
    discount: Money
    tax: Money
    line_total: Money


@dataclass(frozen=True)
class Document:
    """An invoice: total = subtotal - discount + shipping (+ tax, unless `tax_inclusive`). `is_paid`: the
    total is captured, not only authorized."""

    invoice_number: str
    issued_at: datetime
    order_number: str
    order_id: str
    placed_at: datetime
    seller: Seller
    buyer: tuple[str, ...]
    email: str
    lines: tuple[Line, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_inclusive: bool
    total: Money
    payment_reference: str
    is_paid: bool
    shipping_method: str

    @property
    def is_discounted(self) -> bool:
        return bool(self.discount.amount)

    @property
    def is_taxed(self) -> bool:
        return bool(self.tax.amount)

    @property
    def title(self) -> str:
        return f"Invoice {self.invoice_number}"

    @property
    def details(self) -> list[tuple[str, str]]:
        """The invoice's and the order's data as (label, text)."""
        return [
            ("Invoice number", self.invoice_number),
            ("Invoice date", date_text(self.issued_at)),
            ("Order", self.order_number),
            ("Order date", date_text(self.placed_at)),
            ("Delivery", self.shipping_method),
            ("Payment", self.payment_reference),
        ]

    @property
    def columns(self) -> list[str]:
        """The headings of the lines' columns; discount and tax only if there are any."""
        headings = [
            ("Quantity", True),
            ("Unit price", True),
            ("Amount", True),
            ("Discount", self.is_discounted),
        ]
        headings += [("Tax, incl." if self.tax_inclusive else "Tax", self.is_taxed)]
        return [heading for heading, shown in headings if shown]

    def figures(self, line: Line) -> list[str]:
        """Return the line's values, one per column."""
        texts = [f"{line.quantity:,}", format_money(line.unit_price), format_money(line.line_total)]
        texts += [format_money(line.discount * -1)] if self.is_discounted else []
        texts += [format_money(line.tax)] if self.is_taxed else []
        return texts

    @property
    def sums(self) -> list[tuple[str, str]]:
        """The amounts above the total as (label, text). Included tax is in `tax_note` instead."""
        rows = [("Subtotal", self.subtotal, True), ("Discount", self.discount * -1, self.is_discounted)]
        rows += [("Shipping", self.shipping, True)]
        rows += [("Tax", self.tax, self.is_taxed and not self.tax_inclusive)]
        return [(label, format_money(sum_)) for label, sum_, shown in rows if shown]

    @property
    def grand_total(self) -> tuple[str, str]:
        """The total as (label, text); the label has the currency's code, because symbols are ambiguous."""
        return f"Total ({self.total.currency})", format_money(self.total)

    @property
    def payment_note(self) -> str:
        """A note on the payment; an authorized total must not be called paid."""
        return "Paid in full, thank you." if self.is_paid else "Your card is charged on shipment."

    @property
    def tax_note(self) -> str:
        """The tax included in the total; empty if there is none, or if it is one of `sums`."""
        return f"includes tax of {format_money(self.tax)}" if self.is_taxed and self.tax_inclusive else ""


def invoice_of(order: Order) -> Invoice:
    """Return the order's invoice. Raises ValueError if there is none."""
    if order.invoice is None:
        raise ValueError(f"{order.order_id} has no invoice")
    return order.invoice


def document_of(order: Order, seller: Seller) -> Document:
    """Return the content of the order's invoice. Raises ValueError if it has none."""
    invoice, terms = invoice_of(order), order.agreed_terms
    return Document(
        invoice_number=invoice.number,
        issued_at=invoice.issued_at,
        order_number=order.number,
        order_id=order.order_id,
        placed_at=terms.placed_at,
        seller=seller,
        buyer=address_lines(terms.shipping_address),
        email=one_line(terms.email),
        lines=tuple(_line(line) for line in terms.lines),
        subtotal=terms.subtotal,
        discount=terms.discount,
        shipping=terms.shipping,
        tax=terms.tax,
        tax_inclusive=terms.tax_inclusive,
        total=terms.total,
        payment_reference=order.payment_id or "",
        is_paid=order.captured >= terms.total.amount,
        shipping_method=one_line(terms.shipping_method),
    )


def _line(line: QuotedLine) -> Line:
    zero = Money.zero(line.line_total.currency)
    return Line(
        sku=one_line(line.sku),
        title=one_line(line.title),
        quantity=line.quantity,
        unit_price=line.unit_price,
        discount=line.discount or zero,
        tax=line.tax or zero,
        line_total=line.line_total,
    )


def address_lines(address: ShippingAddress) -> tuple[str, ...]:
    """Return the address as the lines of a label, without empty ones."""
    town = f"{address.city} {address.postal_code}"
    parts = (address.name, address.line1, address.line2, town, address.region, address.country)
    return tuple(line for part in parts if part and (line := one_line(part)))


def date_text(moment: datetime) -> str:
    """Return the day in UTC as text: 7 November 2026."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
