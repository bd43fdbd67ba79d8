"""PaymentsApi: reads of payments; the inbox and reconciliations for staff."""

from payments.routes.reads import routes
from payments.routes.reconciliations import routes as reconciliations
from payments.tables import inbox, payments, rows
from shared.dynamodb.idempotency import IdempotencyStore
from shared.http.api import Api

rows.prepare()
inbox.prepare()
api = Api(routes, reconciliations, idempotency=IdempotencyStore(rows.IdempotencyRow), probe=payments.probe)
