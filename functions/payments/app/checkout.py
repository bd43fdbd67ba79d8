"""PaymentsCheckout: opening a payment."""

from payments.routes.checkout import routes
from payments.tables import payments, rows
from shared.http import Api
from shared.idempotency import Once

rows.prepare()
api = Api(routes, once=Once(rows.OnceRow), probe=payments.probe)
