"""PaymentsCheckout: opening a payment."""

from payments.routes.checkout import routes
from payments.tables import payments, rows
from shared.dynamodb.idempotency import IdempotencyStore
from shared.http.api import Api

rows.prepare()
api = Api(routes, idempotency=IdempotencyStore(rows.IdempotencyRow), probe=payments.probe)
