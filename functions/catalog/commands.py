"""The commands that other services send to the catalog."""

from catalog.domain import Line
from catalog.service import event_data, reservations
from shared.contracts.commands.base import Empty
from shared.contracts.commands.products import DescribeProducts, ListProducts, ProductPage, Products
from shared.contracts.commands.stock import Release, Reserve, Reserved
from shared.messaging.rpc import Commands
from shared.values.money import Money

commands = Commands()


@commands.on(DescribeProducts)
def describe(command: DescribeProducts) -> Products:
    return Products(products=event_data.describe_products(command.skus))


@commands.on(ListProducts)
def list_products(command: ListProducts) -> ProductPage:
    return event_data.list_products(command.after)


@commands.on(Reserve)
def reserve(command: Reserve) -> Reserved:
    lines = [
        Line(
            line.product_id,
            line.sku,
            line.quantity,
            Money(amount=line.unit_price.amount, currency=line.unit_price.currency),
        )
        for line in command.lines
    ]
    reservations.reserve(command.order_id, lines)
    return Reserved(order_id=command.order_id)


@commands.on(Release)
def release(command: Release) -> Empty:
    reservations.release(command.order_id)
    return Empty()
