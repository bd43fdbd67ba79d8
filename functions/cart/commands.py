"""What other services ask of the cart."""

from cart import service
from shared.invoke import Commands
from shared.questions import QuoteCart
from shared.quotes import Quote

commands = Commands()


@commands.on(QuoteCart)
def quote(question: QuoteCart) -> Quote:
    return service.quote(
        question.user_id, question.country, question.shipping_address, question.shipping_method
    ).quote
