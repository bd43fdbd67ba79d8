"""The command that orders handles."""

from typing import ClassVar

from shared.contracts.commands.base import Command, Message
from shared.contracts.events.orders import OrderData


class OrderForPayment(Message):
    """An order and its payment: `payment_id` is the payment that paid it, `refunded` the amount refunded
    (minor units of the order's currency)."""

    order: OrderData
    version: int
    payment_id: str | None = None
    refunded: int = 0


class DescribeOrder(Command):
    """Return the data of an order that payments needs. Handled by orders. Rejected with `not-found`.

    With a `user_id`, only an order of this user is found, without a query of the index.
    """

    command: ClassVar[str] = "describe"
    result: ClassVar = OrderForPayment

    order_id: str
    user_id: str | None = None
