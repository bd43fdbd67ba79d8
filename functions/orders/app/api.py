"""OrdersApi: the HTTP API of orders."""

from orders.routes import routes
from orders.schemas.responses import OrderLineView, OrderView
from orders.tables import orders
from orders.tables.rows import idempotency
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.http.api import Api
from shared.models import build
from shared.values.money import Money, Price

build(Money, Price, QuotedLine, ShippingAddress, OrderLineView, OrderView)
api = Api(routes, idempotency=idempotency, probe=orders.probe)
