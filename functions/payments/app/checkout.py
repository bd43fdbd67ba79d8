"""PaymentsCheckout: opening a payment."""

from payments.routes.checkout import routes
from payments.tables import payments
from shared.http import Api
from shared.idempotency import Once

payments.prepare()
api = Api(routes, once=Once(payments.OnceRow), probe=payments.probe)
