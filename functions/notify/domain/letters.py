"""What a letter is, what makes it one and the same, and after which others it is not told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.values.ids import derived_id

# Longer than the function may run (29 s), shorter than the queue's visibility timeout (180 s): when the
# message of a dead sender comes again, nobody can still be sending.
LEASE = timedelta(minutes=2)


class Template(StrEnum):
    WELCOME = "welcome"
    ORDER_CONFIRMATION = "order_confirmation"
    ORDER_EXPIRED = "order_expired"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_SHIPPED = "order_shipped"
    ORDER_DELIVERED = "order_delivered"
    INVOICE = "invoice"
    RETURN_APPROVED = "return_approved"
    RETURN_REJECTED = "return_rejected"
    RETURN_RECEIVED = "return_received"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_REAUTHORIZE = "payment_reauthorize"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    STAFF_MESSAGE = "staff_message"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_DUE = "dispute_due"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    REVIEW_OPENED = "review_opened"
    CAPTURE_FAILED = "capture_failed"
    STAFF_REFUND_FAILED = "staff_refund_failed"
    UNRECONCILED = "unreconciled"


T = Template
# What says that something is to come is not told once the reader knows that it came, or never will. All else
# is told however late: goods that arrived, money that went back and documents stay true.
OVERTAKEN_BY: Mapping[Template, tuple[Template, ...]] = {
    T.PAYMENT_FAILED: (T.ORDER_CONFIRMATION, T.ORDER_EXPIRED, T.ORDER_CANCELLED),
    T.PAYMENT_REAUTHORIZE: (T.ORDER_CANCELLED, T.ORDER_DELIVERED),
    T.ORDER_CONFIRMATION: (T.ORDER_CANCELLED, T.ORDER_DELIVERED),
    T.ORDER_SHIPPED: (T.ORDER_DELIVERED,),
    T.RETURN_APPROVED: (T.RETURN_REJECTED, T.RETURN_RECEIVED),
    T.DISPUTE_OPENED: (T.DISPUTE_DUE, T.DISPUTE_WON, T.DISPUTE_LOST),
    T.DISPUTE_DUE: (T.DISPUTE_WON, T.DISPUTE_LOST),
}


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class Category(StrEnum):
    """What a letter is for: readers choose about orders and marketing; security cannot be switched off.
    `service` is what staff write, `internal` what is written to staff."""

    ORDERS = "orders"
    MARKETING = "marketing"
    SECURITY = "security"
    SERVICE = "service"
    INTERNAL = "internal"


def notification_id(template: Template, about: str, channel: Channel = Channel.EMAIL) -> str:
    """The one id of a letter by its template, what it is about and its channel: it goes out once."""
    return derived_id("ntf", template, about, channel)


@dataclass(frozen=True)
class Letter:
    """A mail to be: `about` is what it is told once of, `content` what its templates show.

    `matter` is the order or the return whose later news may overtake it; `encloses_invoice_of` the order
    whose invoice goes with it. `order_id` is the order that hears where it did not reach its reader. An empty
    `to` is the shop's own staff. `outlasts` are letters that overtake others of its kind and not this one;
    from `good_until` on what it asks for can no longer be done.
    """

    template: Template
    about: str
    user_id: str
    to: str
    content: Mapping[str, Any] = field(default_factory=dict)
    matter: str = ""
    encloses_invoice_of: str | None = None
    category: Category = Category.ORDERS
    order_id: str | None = None
    outlasts: tuple[Template, ...] = ()
    good_until: datetime | None = None

    @property
    def id(self) -> str:
        return notification_id(self.template, self.about)

    @property
    def overtaken_by(self) -> tuple[str, ...]:
        """Ids of the letters after which this one would only confuse."""
        later = [each for each in OVERTAKEN_BY.get(self.template, ()) if each not in self.outlasts]
        return tuple(notification_id(each, self.matter) for each in later)

    def is_over(self, now: datetime) -> bool:
        """Whether it asks for what can no longer be done."""
        return self.good_until is not None and self.good_until <= now


@dataclass(frozen=True)
class Enclosure:
    """A file that goes with a mail; `name` as the reader may save it, `kind` its media type."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """What a mail says; `subject` is one line. Where `unsubscribe_url` is given, mail programs offer it."""

    subject: str
    text: str
    html: str
    enclosures: tuple[Enclosure, ...] = ()
    unsubscribe_url: str = ""
