"""PaymentsWebhook: the endpoint that Stripe calls."""

from payments.routes.webhook import routes
from payments.service import inbox_queue
from payments.tables import inbox
from shared.http.api import Api

inbox.prepare()
inbox_queue.prepare()
api = Api(routes)
