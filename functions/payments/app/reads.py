"""PaymentsApi: payments to look at, and the inbox for staff."""

from payments.routes.reads import routes
from payments.tables import inbox, payments
from shared.http import Api

payments.prepare()
inbox.prepare()
api = Api(routes, probe=payments.probe)
