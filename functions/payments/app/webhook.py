"""PaymentsWebhook: the endpoint that Stripe calls."""

from payments.routes.webhook import routes
from payments.tables import inbox
from shared.http.api import Api

inbox.prepare()
api = Api(routes)
