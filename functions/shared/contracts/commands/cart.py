"""The commands that cart handles."""

from typing import ClassVar

from shared.contracts.commands.base import Command, Message
from shared.contracts.quotes import Quote, ShippingAddress


class RebuildProgress(Message):
    """The number of products processed. To continue, pass `after` again; it is None at the end."""

    processed: int
    after: dict[str, str] | None = None


class RebuildReplica(Command):
    """Rebuild cart's product replica. For operators (IAM only), after product events were lost for good."""

    command: ClassVar[str] = "rebuild_replica"
    result: ClassVar = RebuildProgress

    after: dict[str, str] | None = None


class QuoteCart(Command):
    """Price the owner's cart. Handled by cart. Rejected with `cart-empty`, `out-of-stock`, `invalid`."""

    command: ClassVar[str] = "quote"
    result: ClassVar = Quote

    user_id: str
    country: str
    shipping_address: ShippingAddress | None = None
    shipping_method: str | None = None
