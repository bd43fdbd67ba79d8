"""PaymentsMoney: captures and refunds by staff."""

from payments.routes.money import routes
from payments.tables import payments, rows
from shared.dynamodb.idempotency import IdempotencyStore
from shared.http.api import Api

rows.prepare()
api = Api(routes, idempotency=IdempotencyStore(rows.IdempotencyRow), probe=payments.probe)
