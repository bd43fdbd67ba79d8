"""What other services ask of the cart, and operators by IAM alone."""

from cart.service import quoting, replica
from shared.contracts.commands import QuoteCart, RebuildProgress, RebuildReplica
from shared.contracts.quotes import Quote
from shared.messaging.rpc import Commands

commands = Commands()


@commands.on(QuoteCart)
def quote(question: QuoteCart) -> Quote:
    return quoting.quote(
        question.user_id, question.country, question.shipping_address, question.shipping_method
    ).quote


@commands.on(RebuildReplica)
def rebuild_replica(question: RebuildReplica) -> RebuildProgress:
    return replica.rebuild(question.after)
