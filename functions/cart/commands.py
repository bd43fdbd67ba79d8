"""What other services ask of the cart, and operators by IAM alone."""

from cart.service import quoting, replica
from shared.invoke import Commands
from shared.questions import QuoteCart, RebuildReplica, Rebuilt
from shared.quotes import Quote

commands = Commands()


@commands.on(QuoteCart)
def quote(question: QuoteCart) -> Quote:
    return quoting.quote(
        question.user_id, question.country, question.shipping_address, question.shipping_method
    ).quote


@commands.on(RebuildReplica)
def rebuild_replica(question: RebuildReplica) -> Rebuilt:
    return replica.rebuild(question.after)
