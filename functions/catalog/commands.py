"""Questions in, from other services."""

from catalog.domain import Line
from catalog.service import facts, reserving
from shared.contracts.commands import (
    DescribeProducts,
    Empty,
    ListProducts,
    ProductPage,
    Products,
    Release,
    Reserve,
    Reserved,
)
from shared.messaging.rpc import Commands
from shared.values.money import Money

commands = Commands()


@commands.on(DescribeProducts)
def describe(question: DescribeProducts) -> Products:
    return Products(products=facts.describe(question.skus))


@commands.on(ListProducts)
def list_products(question: ListProducts) -> ProductPage:
    return facts.list_products(question.after)


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
def release(question: Release) -> Empty:
    reserving.release(question.order_id)
    return Empty()


handle = commands.handle
