"""PaymentsCheckout: opening a payment."""

from payments.routes.checkout import routes
from payments.schemas.requests import OpenPayment
from payments.schemas.responses import OpenedPaymentView
from payments.tables import payments, rows
from shared.contracts.commands.orders import OrderForPayment
from shared.dynamodb.idempotency import IdempotencyStore
from shared.http.api import Api
from shared.models import build
from shared.values.money import Money

rows.prepare()
build(Money, OrderForPayment, OpenPayment, OpenedPaymentView)
api = Api(routes, idempotency=IdempotencyStore(rows.IdempotencyRow), probe=payments.probe)
