"""CatalogApi: the HTTP API of catalog."""

from catalog.routes import routes
from catalog.tables import rows
from shared.http.api import Api

api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
