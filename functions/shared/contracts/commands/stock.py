"""The commands about reserved stock, which catalog handles."""

from typing import ClassVar

from shared.contracts.commands.base import Command, Empty, Message
from shared.contracts.quotes import QuotedLine


class Reserved(Message):
    order_id: str


class Reserve(Command):
    """Reserve stock for an order at exactly the quoted prices: all lines or none, idempotent by `order_id`.

    Handled by catalog. Rejected with `out-of-stock` (`items: [{sku, requested, available}]`, and `prices` if
    prices changed too), `price-changed` (`items: [{sku, quoted, current}]`) or `reservation-released` (the
    order was cancelled before).
    """

    command: ClassVar[str] = "reserve"
    result: ClassVar = Reserved

    order_id: str
    lines: list[QuotedLine]


class Release(Command):
    """Release an order's reservation. Idempotent; an order without one is accepted. Handled by catalog."""

    command: ClassVar[str] = "release"
    result: ClassVar = Empty

    order_id: str
