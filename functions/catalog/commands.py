"""Questions in, from other services."""

from catalog import service
from catalog.domain import Line
from shared.invoke import Commands
from shared.money import Money
from shared.questions import DescribeProducts, Nothing, Products, Release, Reserve, Reserved

commands = Commands()


@commands.on(DescribeProducts)
def describe(question: DescribeProducts) -> Products:
    return Products(products=service.describe(question.skus))


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
    service.reserve(question.order_id, lines)
    return Reserved(order_id=question.order_id)


@commands.on(Release)
def release(question: Release) -> Nothing:
    service.release(question.order_id)
    return Nothing()


handle = commands.handle
