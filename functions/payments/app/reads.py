"""PaymentsApi: reads of payments; the inbox and reconciliations for staff."""

from payments.routes.reads import routes
from payments.routes.reconciliations import routes as reconciliations
from payments.schemas.responses import PaymentView
from payments.tables import inbox, payments, rows
from shared.dynamodb.idempotency import IdempotencyStore
from shared.http.api import Api
from shared.models import build
from shared.values.money import Money

rows.prepare()
inbox.prepare()
build(Money, PaymentView)
api = Api(routes, reconciliations, idempotency=IdempotencyStore(rows.IdempotencyRow), probe=payments.probe)
