"""PaymentsMoney: captures and refunds that staff ask for."""

from payments.routes.money import routes
from payments.tables import payments, rows
from shared.dynamodb.idempotency import IdempotencyStore
from shared.http.api import Api

rows.prepare()
api = Api(routes, idempotency=IdempotencyStore(rows.IdempotencyRow), probe=payments.probe)
