"""The route that Stripe calls."""

from payments.schemas.responses import WebhookReceived
from payments.service import inbox
from payments.signature import BadSignature
from shared.http.identity import PUBLIC
from shared.http.routing import Raw, Routes
from shared.runtime import clock

routes = Routes()


@routes.post("/webhooks/stripe", role=PUBLIC, repeatable=True, raises=(BadSignature,))
def receive_webhook(request: Raw) -> WebhookReceived:
    """Receive an event that Stripe signed.

    The event is stored and queued before the response, and applied after it. An event of a type that changes
    no payment is accepted and not stored.
    """
    inbox.receive(request.headers.get("stripe-signature", ""), request.body, clock.now())
    return WebhookReceived()
