"""Questions in, from other services."""

from catalog.domain import Line
from catalog.service import facts, reserving
from shared.invoke import Commands
from shared.money import Money
from shared.questions import (
    DescribeProducts,
    Nothing,
    PageOfProducts,
    Products,
    ProductsPage,
    Release,
    Reserve,
    Reserved,
)

commands = Commands()


@commands.on(DescribeProducts)
def describe(question: DescribeProducts) -> Products:
    return Products(products=facts.describe(question.skus))


@commands.on(PageOfProducts)
def page_of_products(question: PageOfProducts) -> ProductsPage:
    return facts.page_of_products(question.after)


@commands.on(Reserve)
def reserve(question: Reserve) -> Reserved:
    lines = [
        Line(
            line.product_id,
            line.sku,
            line.quantity,
            Money(amount=line.unit_price.amount, currency=line.unit_price.currency),
        )
        for line in question.lines
    ]
    reserving.reserve(question.order_id, lines)
    return Reserved(order_id=question.order_id)


@commands.on(Release)
def release(question: Release) -> Nothing:
    reserving.release(question.order_id)
    return Nothing()


handle = commands.handle
