"""The door: the Lambda handler of invoicing."""

from orders.invoicing import archive, consumers
from shared import ready

archive.warm_up()
ready()

handle = consumers.handle
