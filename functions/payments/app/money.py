"""PaymentsMoney: captures and refunds that staff ask for."""

from payments.routes.money import routes
from payments.tables import payments, rows
from shared.http import Api
from shared.idempotency import Once

rows.prepare()
api = Api(routes, once=Once(rows.OnceRow), probe=payments.probe)
