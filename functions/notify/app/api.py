"""NotifyApi: what staff write, what readers chose and were told; and how notify is."""

from notify.routes import routes
from notify.tables import rows
from shared.http.api import Api

rows.warm_up()
api = Api(routes, probe=rows.probe)
