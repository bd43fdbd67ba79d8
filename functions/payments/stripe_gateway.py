"""Stripe, as far as payments needs it: what it refuses for good is told apart from what passes by itself."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import stripe

from payments.domain import STATUS_OF_REFUND, Decline, Intent, Payment, Refund, StripeRefund
from payments.settings import settings
from shared import secrets
from shared.errors import Unavailable
from shared.observe import log

# Three tries of (connect, read) seconds fit into a request's 29.
TIMEOUT = (2.0, 6.0)
RETRIES = 2
RETRY_AFTER = 5
# Not the caller's fault, and not for ever: our key is wrong, too many at once, the same call still runs.
PASSING = frozenset({401, 403, 409, 429})


class StripeUnavailable(Unavailable):
    """Stripe did not answer, or not for now. Every call here may be made again: its key is derived."""


class StripeRefused(Exception):
    """Stripe says no, and will say it again. `code` is Stripe's, `message` is meant for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def open_intent(payment: Payment) -> Intent:
    """The payment's PaymentIntent: made by the first call, the same one by every other.

    Its idempotency key is derived from order and attempt. Raises StripeRefused or StripeUnavailable.
    """
    params: dict[str, Any] = {
        "amount": payment.amount.amount,
        "currency": payment.amount.currency.lower(),
        "automatic_payment_methods": {"enabled": True},
        "metadata": {"order_id": payment.order_id, "payment_id": payment.payment_id},
    }
    with _stripe() as client:
        options: Any = {"idempotency_key": f"{payment.order_id}-{payment.attempt}"}
        return _intent(client.v1.payment_intents.create(params, options))  # type: ignore[arg-type]


def intent(intent_id: str) -> Intent:
    """The PaymentIntent as it is now. Raises StripeRefused where Stripe knows none of that id."""
    with _stripe() as client:
        return _intent(client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}))


def cancel(intent_id: str) -> Intent:
    """Cancel the PaymentIntent if that is still possible; what it is now."""
    with _stripe() as client:
        try:
            client.v1.payment_intents.cancel(intent_id, {"cancellation_reason": "abandoned"})
        except stripe.InvalidRequestError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
    return intent(intent_id)


def refund(intent_id: str, refund: Refund) -> StripeRefund:
    """Give `refund.amount` back, once: the idempotency key is the refund's id."""
    params: dict[str, Any] = {
        "payment_intent": intent_id,
        "amount": refund.amount,
        "metadata": {"refund_id": refund.refund_id, "payment_id": refund.payment_id},
    }
    with _stripe() as client:
        options: Any = {"idempotency_key": refund.refund_id}
        return _refund(client.v1.refunds.create(params, options))  # type: ignore[arg-type]


def find_refund(intent_id: str, refund_id: str) -> StripeRefund | None:
    """The refund of ours with this id, if Stripe has it: idempotency keys are forgotten after 24 hours."""
    with _stripe() as client:
        made = client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        return next((found for each in made.data if (found := _refund(each)).refund_id == refund_id), None)


def stripe_refund(provider_id: str) -> StripeRefund:
    """Stripe's Refund as it is now."""
    with _stripe() as client:
        return _refund(client.v1.refunds.retrieve(provider_id))


@contextmanager
def _stripe() -> Iterator[stripe.StripeClient]:
    """Stripe's client, its errors sorted by what to do next. Neither keys nor bodies are logged."""
    secret_arn = settings().payments_stripe_secret_arn
    try:
        yield _client(secrets.secret(secret_arn)["api_key"], settings().payments_stripe_url)
    except stripe.StripeError as error:
        found = {"error": type(error).__name__, "status": error.http_status, "code": error.code}
        if error.http_status is None or error.http_status >= 500 or error.http_status in PASSING:
            if error.http_status == 401:
                secrets.forget(secret_arn)
            log.warning("Stripe is not available", extra=found)
            raise StripeUnavailable(
                "Stripe does not answer; nothing is lost, ask again.", retry_after=RETRY_AFTER
            ) from error
        log.warning("Stripe refused", extra=found)
        raise StripeRefused(error.code or "refused", _plain(error.user_message)) from error


@lru_cache(maxsize=1)
def _client(api_key: str, url: str) -> stripe.StripeClient:
    # Its own HTTP client: the default one waits 80 seconds, longer than a function lives.
    return stripe.StripeClient(
        api_key,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=RETRIES,
        base_addresses={"api": url} if url else {},
    )


def _intent(found: stripe.PaymentIntent) -> Intent:
    charge = found.latest_charge
    metadata = found.metadata.to_dict()
    return Intent(
        intent_id=found.id,
        status=found.status,
        amount_received=found.amount_received or 0,
        amount_refunded=charge.amount_refunded if isinstance(charge, stripe.Charge) else 0,
        decline=_decline(found),
        order_id=metadata.get("order_id"),
        payment_id=metadata.get("payment_id"),
        client_secret=found.client_secret,
    )


def _decline(found: stripe.PaymentIntent) -> Decline | None:
    """The last try's failure. One without a charge (3-D Secure) is told apart by its payment method."""
    if not found.last_payment_error:
        return None
    error = found.last_payment_error.to_dict()
    method = (error.get("payment_method") or {}).get("id", "")
    return Decline(
        decline_id=error.get("charge") or f"{error.get('code')}:{method}",
        reason=_plain(error.get("message")),
    )


def _refund(found: stripe.Refund) -> StripeRefund:
    metadata = found.metadata.to_dict() if found.metadata else {}
    return StripeRefund(
        provider_id=found.id,
        refund_id=metadata.get("refund_id"),
        status=STATUS_OF_REFUND[found.status or "pending"],
    )


def _plain(message: str | None) -> str:
    """Stripe's words as one line for people; they end in mails."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", message or "The payment was declined.").strip()[:200]
