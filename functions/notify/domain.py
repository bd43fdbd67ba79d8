"""What a person is told, when, and in which words: letters made of events."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.events import OrderFacts, PaymentFacts, UserFacts
from shared.ids import derived_id
from shared.money import Money

# Longer than the function may run (30 s), shorter than the queue's visibility timeout (180 s): when the
# message of a dead sender comes again, nobody can still be sending.
LEASE = timedelta(minutes=2)
MAX_TEXT = 200

# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}

# Unicode's bidirectional controls: they let a title show as something else than it says.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(r"://|www\.|\w\.\w\w", re.IGNORECASE)


class Template(StrEnum):
    WELCOME = "welcome"
    ORDER_CONFIRMATION = "order_confirmation"
    PAYMENT_FAILED = "payment_failed"
    ORDER_EXPIRED = "order_expired"


class Status(StrEnum):
    """`queued` is being sent or died while it was; the others are final."""

    QUEUED = "queued"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


def notification_id(template: Template, about: str) -> str:
    """The one id of a letter by its template and what it is about: the key that makes it go out once."""
    return derived_id("ntf", template, about, "email")


@dataclass(frozen=True)
class Letter:
    """A mail to be: `about` is what it is told once of, `content` what its templates show.

    `overtaken_by`: ids of the letters after which this one would only confuse.
    """

    template: Template
    about: str
    user_id: str
    to: str
    subject: str
    content: Mapping[str, Any] = field(default_factory=dict)
    overtaken_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return notification_id(self.template, self.about)


@dataclass(frozen=True)
class LineText:
    """An order's line as it is read."""

    sku: str
    title: str
    quantity: int
    unit_price: str
    line_total: str


@dataclass(frozen=True)
class Mail:
    """What a mail says; `subject` is one line."""

    subject: str
    text: str
    html: str


def welcome(user: UserFacts) -> Letter:
    """Once a user."""
    return Letter(
        Template.WELCOME,
        user.user_id,
        user.user_id,
        user.email,
        "Welcome to Tillstack",
        {"name": salutation(user.name)},
    )


def order_confirmation(order: OrderFacts) -> Letter:
    """Once an order, with its lines and totals."""
    return Letter(
        Template.ORDER_CONFIRMATION,
        order.order_id,
        order.user_id,
        order.email,
        f"Your order {order.order_id} is confirmed",
        {"order_id": order.order_id, "lines": line_texts(order), "totals": totals(order)},
    )


def payment_failed(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a decline; not when the order was confirmed or given up by then."""
    return Letter(
        Template.PAYMENT_FAILED,
        event_id,
        payment.user_id,
        payment.email,
        f"Payment failed for your order {payment.order_id}",
        {
            "order_id": payment.order_id,
            "amount": money_text(payment.amount),
            "reason": one_line(payment.reason or ""),
        },
        overtaken_by=(
            notification_id(Template.ORDER_CONFIRMATION, payment.order_id),
            notification_id(Template.ORDER_EXPIRED, payment.order_id),
        ),
    )


def order_expired(order: OrderFacts) -> Letter | None:
    """Once an order; None for one that never came to be payable: its owner never saw it."""
    if not order.lines:
        return None
    return Letter(
        Template.ORDER_EXPIRED,
        order.order_id,
        order.user_id,
        order.email,
        f"Your order {order.order_id} has expired",
        {"order_id": order.order_id, "lines": line_texts(order), "totals": totals(order)},
    )


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


def money_text(money: Money) -> str:
    """Money as people write it: £1,234.56, -€0.05, ¥500, CHF 12.00, KWD 1.250."""
    exponent = EXPONENTS.get(money.currency, 2)
    whole, rest = divmod(abs(money.amount), 10**exponent)
    digits = f"{whole:,}.{rest:0{exponent}}" if exponent else f"{whole:,}"
    return f"{'-' if money.amount < 0 else ''}{SYMBOLS.get(money.currency, f'{money.currency} ')}{digits}"


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """Text from outside as one plain line: no control characters, line breaks or direction overrides."""
    visible = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char
        for char in _BIDI.sub("", text)
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def salutation(name: str) -> str:
    """The name to greet by; empty where it holds a link.

    Anyone can register somebody else's address: the name must not turn our welcome into their advertising.
    """
    line = one_line(name, limit=80)
    return "" if _LINK.search(line) else line
