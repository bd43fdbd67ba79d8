"""NotifyApi: the HTTP API of notifications and preferences."""

from notify.routes import routes
from notify.tables import rows
from shared.http.api import Api

rows.warm_up()
api = Api(routes, probe=rows.probe)
