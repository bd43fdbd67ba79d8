"""CartApi: the HTTP API of cart."""

from cart.routes import routes
from cart.tables import rows
from shared.http.api import Api

api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
