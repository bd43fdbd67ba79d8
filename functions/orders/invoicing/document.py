"""An invoice as a document: what it says, and how its figures read."""

from dataclasses import dataclass
from datetime import datetime

from orders.domain.orders import Invoice, Order
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.values.money import Money
from shared.values.money_format import format_money
from shared.values.text import one_line

# Not strftime's, which are of whatever language the process speaks.
_MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True)
class Seller:
    """Who sells. `tax_id` is the number that the tax office knows it by."""

    name: str
    address: tuple[str, ...]
    tax_id: str

    @property
    def known_by(self) -> str:
        return f"Tax ID {self.tax_id}" if self.tax_id else ""


@dataclass(frozen=True)
class Line:
    """One line: `line_total` is quantity times unit price; `discount` its share of the discount, `tax` the
    tax on what remains."""

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
    money is in, not only held on the card."""

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
    def particulars(self) -> list[tuple[str, str]]:
        """What it is known by, label and text."""
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
        """The heads over the lines' figures; discount and tax only where there are any."""
        heads = [("Quantity", True), ("Unit price", True), ("Amount", True), ("Discount", self.is_discounted)]
        heads += [("Tax, incl." if self.tax_inclusive else "Tax", self.is_taxed)]
        return [head for head, shown in heads if shown]

    def figures(self, line: Line) -> list[str]:
        """The line's figures, one a column."""
        texts = [f"{line.quantity:,}", format_money(line.unit_price), format_money(line.line_total)]
        texts += [format_money(line.discount * -1)] if self.is_discounted else []
        texts += [format_money(line.tax)] if self.is_taxed else []
        return texts

    @property
    def sums(self) -> list[tuple[str, str]]:
        """What leads to the total, label and text. Tax that is in the prices does not: see `tax_note`."""
        rows = [("Subtotal", self.subtotal, True), ("Discount", self.discount * -1, self.is_discounted)]
        rows += [("Shipping", self.shipping, True)]
        rows += [("Tax", self.tax, self.is_taxed and not self.tax_inclusive)]
        return [(label, format_money(sum_)) for label, sum_, shown in rows if shown]

    @property
    def grand_total(self) -> tuple[str, str]:
        """What it comes to, label and text; with the currency's code, for a sign may be of several."""
        return f"Total ({self.total.currency})", format_money(self.total)

    @property
    def closing_words(self) -> str:
        """Whether the money was taken: of a hold on the card it must not be said."""
        return "Paid in full, thank you." if self.is_paid else "Your card is charged as the goods leave."

    @property
    def tax_note(self) -> str:
        """What the total holds of tax; empty where that stands among the sums, or there is none."""
        return f"includes tax of {format_money(self.tax)}" if self.is_taxed and self.tax_inclusive else ""


def invoice_of(order: Order) -> Invoice:
    """The order's invoice. Raises ValueError where it has none."""
    if order.invoice is None:
        raise ValueError(f"{order.order_id} has no invoice")
    return order.invoice


def document_of(order: Order, seller: Seller) -> Document:
    """What the order's invoice says. Raises ValueError where it has none."""
    invoice, terms = invoice_of(order), order.agreed
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
    nothing = Money.zero(line.line_total.currency)
    return Line(
        sku=one_line(line.sku),
        title=one_line(line.title),
        quantity=line.quantity,
        unit_price=line.unit_price,
        discount=line.discount or nothing,
        tax=line.tax or nothing,
        line_total=line.line_total,
    )


def address_lines(address: ShippingAddress) -> tuple[str, ...]:
    """An address as it stands on an envelope, without empty lines."""
    town = f"{address.city} {address.postal_code}"
    parts = (address.name, address.line1, address.line2, town, address.region, address.country)
    return tuple(line for part in parts if part and (line := one_line(part)))


def date_text(moment: datetime) -> str:
    """A day as people write it: 7 November 2026 (UTC)."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
