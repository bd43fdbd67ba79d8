"""The entry point of invoicing: the Lambda function OrdersInvoices."""

from orders.invoicing import archive, consumers
from shared import finish_init

archive.warm_up()
finish_init()

handle = consumers.handle
