"""PaymentsApi: payments to look at; the inbox and comparisons with Stripe for staff."""

from payments.routes.reads import routes
from payments.routes.reconciliations import routes as reconciliations
from payments.tables import inbox, payments, rows
from shared.http import Api
from shared.idempotency import Once

rows.prepare()
inbox.prepare()
api = Api(routes, reconciliations, once=Once(rows.OnceRow), probe=payments.probe)
