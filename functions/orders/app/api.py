"""OrdersApi: the HTTP API of orders."""

from orders.routes import routes
from orders.tables import orders
from orders.tables.rows import idempotency
from shared.http.api import Api

api = Api(routes, idempotency=idempotency, probe=orders.probe)
