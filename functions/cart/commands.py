"""Commands from orders, and from operators (IAM only)."""

from cart.service import quoting, replica
from shared.contracts.commands.cart import QuoteCart, RebuildProgress, RebuildReplica
from shared.contracts.quotes import Quote
from shared.messaging.rpc import Commands

commands = Commands()


@commands.on(QuoteCart)
def quote(command: QuoteCart) -> Quote:
    return quoting.quote(
        command.user_id, command.country, command.shipping_address, command.shipping_method
    ).quote


@commands.on(RebuildReplica)
def rebuild_replica(command: RebuildReplica) -> RebuildProgress:
    return replica.rebuild(command.after)
