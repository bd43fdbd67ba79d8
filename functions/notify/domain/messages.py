"""Messages: their templates, ids and contents, and which later messages supersede them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.values.ids import derived_id

# Longer than the function may run (29 s) and shorter than the queue's visibility timeout (180 s): when a
# message is redelivered, the process that sent it before has ended.
LEASE = timedelta(seconds=45)


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
# A message about something to come is not sent after the message that says it happened or never will. All
# other messages stay true and are sent however late.
SUPERSEDED_BY: Mapping[Template, tuple[Template, ...]] = {
    T.PAYMENT_FAILED: (T.ORDER_CONFIRMATION, T.ORDER_EXPIRED, T.ORDER_CANCELLED),
    T.PAYMENT_REAUTHORIZE: (T.ORDER_CANCELLED, T.ORDER_DELIVERED),
    T.ORDER_CONFIRMATION: (T.ORDER_CANCELLED, T.ORDER_DELIVERED),
    T.ORDER_SHIPPED: (T.ORDER_DELIVERED,),
    T.RETURN_APPROVED: (T.RETURN_REJECTED, T.RETURN_RECEIVED),
    T.DISPUTE_OPENED: (T.DISPUTE_DUE, T.DISPUTE_WON, T.DISPUTE_LOST),
    T.DISPUTE_DUE: (T.DISPUTE_WON, T.DISPUTE_LOST),
}


class Channel(StrEnum):
    """The way by which a message is sent."""

    EMAIL = "email"
    SMS = "sms"


class Category(StrEnum):
    """The purpose of a message. Customers choose about `orders` and `marketing`; `security` cannot be turned
    off. `service` is written by staff, `internal` is sent to staff."""

    ORDERS = "orders"
    MARKETING = "marketing"
    SECURITY = "security"
    SERVICE = "service"
    INTERNAL = "internal"


def notification_id(template: Template, dedupe_key: str, channel: Channel = Channel.EMAIL) -> str:
    """Return the id of the one notification of this template, dedupe key and channel."""
    return derived_id("ntf", template, dedupe_key, channel)


@dataclass(frozen=True)
class InvoiceRef:
    """An invoice that is attached: its order, its number and when it was issued."""

    order_id: str
    number: str
    issued_at: datetime


@dataclass(frozen=True)
class Message:
    """A message to one recipient. One is sent per template, `dedupe_key` and channel.

    `content` holds the templates' values. An empty `to` means the shop's staff. `subject_id` is the order,
    return or dispute whose later messages may supersede this one, except for those in `not_superseded_by`.
    After `valid_until` the recipient can no longer do what the message requests. `order_id` is the order that
    `notification.bounced` reports on; `invoice` is attached.
    """

    template: Template
    dedupe_key: str
    user_id: str
    to: str
    content: Mapping[str, Any] = field(default_factory=dict)
    subject_id: str = ""
    invoice: InvoiceRef | None = None
    category: Category = Category.ORDERS
    order_id: str | None = None
    not_superseded_by: tuple[Template, ...] = ()
    valid_until: datetime | None = None

    @property
    def id(self) -> str:
        return notification_id(self.template, self.dedupe_key)

    @property
    def superseded_by(self) -> tuple[str, ...]:
        """Ids of the notifications that supersede this one."""
        later = [each for each in SUPERSEDED_BY.get(self.template, ()) if each not in self.not_superseded_by]
        return tuple(notification_id(each, self.subject_id) for each in later)

    def is_expired(self, now: datetime) -> bool:
        return self.valid_until is not None and self.valid_until <= now


@dataclass(frozen=True)
class Attachment:
    """An attached file; `media_type` such as `application/pdf`."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Email:
    """A rendered email; `subject` is one line. `unsubscribe_url` goes into the List-Unsubscribe header."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    unsubscribe_url: str = ""
