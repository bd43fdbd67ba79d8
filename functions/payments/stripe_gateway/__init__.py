"""Calls to Stripe, with permanent refusals separated from temporary failures."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

import stripe

from payments.domain.captures import CaptureMethod, Claim
from payments.domain.payments import Payment
from payments.domain.stripe_objects import Intent
from payments.settings import settings
from payments.stripe_gateway.objects import REPEATED, UNKNOWN, read_intent
from shared.errors import Unavailable
from shared.runtime import secrets
from shared.runtime.observability import log

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_TIMEOUT = 2.0  # seconds; a reachable host accepts a connection in much less
READ_TIMEOUT = 6.0  # seconds; two tries fit into STRIPE_DEADLINE
RETRIES = 2  # retries per call; fewer if they would exceed STRIPE_DEADLINE
# One try takes at most 8 seconds, and a request has 29 seconds. This allows two tries of the first slow call
# (16 s and a pause of half a second). A call that does not fit into the rest is not made.
STRIPE_DEADLINE = 22.0  # seconds per use case
RETRY_AFTER = 5  # seconds; the Retry-After of a 503: a disturbance of Stripe seldom ends at once
PAGE_SIZE = 100  # objects per page; Stripe's maximum
MAX_MESSAGE_LENGTH = 200  # characters of Stripe's text; it is logged and stored
# Temporary: a wrong key, a rate limit, or the same call is still running.
TRANSIENT = frozenset({401, 403, 409, 429})

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class StripeUnavailable(Unavailable):
    """Stripe does not respond."""

    # Every call may be repeated, because its idempotency key is derived.
    failed = False  # Stripe returned a failure of its own, and repeats that response to the key for a day
    replayed = False  # it was such a repeated response
    rate_limited = False  # Stripe rejected the call unexecuted because of its rate limit


class StripeRefused(Exception):
    """Stripe refuses the request permanently.

    `code` is Stripe's error code, `reason` its decline code or else the error code, `message` its text.
    """

    def __init__(self, code: str, message: str, reason: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason or code
        self.message = message


def within_deadline(use_case: Callable[P, T]) -> Callable[P, T]:
    """Decorate a use case so that its calls to Stripe, with retries, end within STRIPE_DEADLINE seconds."""

    @wraps(use_case)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
        if _deadline.get() is not None:
            return use_case(*args, **kwargs)
        token = _deadline.set(time.monotonic() + STRIPE_DEADLINE)
        try:
            return use_case(*args, **kwargs)
        finally:
            _deadline.reset(token)

    return bounded


def open_intent(payment: Payment) -> Intent:
    """Create the payment's PaymentIntent, or return it if a previous call created it.

    The idempotency key is derived from order and attempt. Raises StripeRefused or StripeUnavailable.
    """
    params: dict[str, Any] = {
        "amount": payment.amount.amount,
        "currency": payment.amount.currency.lower(),
        "automatic_payment_methods": {"enabled": True},
        "metadata": metadata_of(payment),
    }
    if payment.capture_method is CaptureMethod.MANUAL:
        params |= {"capture_method": "manual", "payment_method_options": MULTICAPTURE}
    with calling() as client:
        return read_intent(client.v1.payment_intents.create(params, key_of(payment)))  # type: ignore[arg-type]


def intent(intent_id: str) -> Intent:
    """Return the PaymentIntent. Raises StripeRefused if it does not exist, or StripeUnavailable."""
    with calling() as client:
        return read_intent(
            client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge.refunds", "review"]})
        )


def capture(intent_id: str, payment_id: str, claim: Claim) -> None:
    """Capture the claimed amount once: the idempotency key is derived from the claim.

    Raises StripeRefused if no more can be captured or the claim has succeeded, or StripeUnavailable.
    """
    part = "final" if claim.final else "part"
    key = f"{payment_id}-{claim.base}-{claim.amount}-{part}-{claim.attempt}"
    options: Any = {"idempotency_key": key}
    with calling() as client:
        client.v1.payment_intents.capture(intent_id, _capture(claim.amount, claim.final), options)


def release(intent_id: str) -> Intent:
    """Release the uncaptured amount and return the intent. If Stripe refuses, the authorization expires by
    itself (https://docs.stripe.com/payments/multicapture)."""
    try:
        with calling() as client:
            client.v1.payment_intents.capture(intent_id, _capture(0, final=True))
    except StripeRefused as refusal:
        log.warning("authorization not released", extra={"intent": intent_id, "code": refusal.code})
    return intent(intent_id)


def cancel(intent_id: str) -> Intent:
    """Cancel the PaymentIntent if that is still possible, and return it."""
    with calling() as client:
        try:
            client.v1.payment_intents.cancel(intent_id, {"cancellation_reason": "abandoned"})
        except stripe.InvalidRequestError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
    return intent(intent_id)


# The charge says whether the card allows it (https://docs.stripe.com/payments/multicapture).
MULTICAPTURE: dict[str, Any] = {"card": {"request_multicapture": "if_available"}}


def metadata_of(payment: Payment) -> dict[str, str]:
    """Return the metadata by which an intent or a session is matched to the payment."""
    return {"order_id": payment.order.order_id, "payment_id": payment.payment_id}


def key_of(payment: Payment) -> Any:
    """Return the options with which Stripe creates an object of the payment once."""
    return {"idempotency_key": f"{payment.order.order_id}-{payment.attempt}"}


@contextmanager
def calling() -> Iterator[stripe.StripeClient]:
    """Yield Stripe's client; raise its errors as StripeUnavailable or StripeRefused. Keys and bodies are not
    logged."""
    secret_arn = settings().payments_stripe_secret_arn
    retries = _retries()
    try:
        yield _client(secrets.secret(secret_arn)["api_key"], settings().payments_stripe_url, retries)
    except stripe.StripeError as error:
        fields = {"error": type(error).__name__, "status": error.http_status, "code": error.code}
        if error.http_status is None or error.http_status >= 500 or error.http_status in TRANSIENT:
            if error.http_status == 401:
                secrets.invalidate(secret_arn)
            log.warning("Stripe unavailable", extra=fields)
            raise _unavailable(error) from error
        log.warning("Stripe call refused", extra=fields)
        raise StripeRefused(
            error.code or UNKNOWN, _plain(error.user_message), getattr(error.error, "decline_code", None)
        ) from error


def _retries() -> int:
    """Return how often a call may be retried before the deadline. Raises StripeUnavailable if no try fits."""
    deadline = _deadline.get()
    if deadline is None:
        return RETRIES
    tries = int((deadline - time.monotonic()) // (CONNECT_TIMEOUT + READ_TIMEOUT))
    if tries < 1:
        log.warning("Stripe deadline reached")
        raise _unavailable()
    return min(RETRIES, tries - 1)


def _unavailable(error: stripe.StripeError | None = None) -> StripeUnavailable:
    unavailable = StripeUnavailable("Stripe does not respond. Retry the request.", retry_after=RETRY_AFTER)
    if error and error.http_status:
        unavailable.failed = error.http_status >= 500
        unavailable.rate_limited = error.http_status == HTTPStatus.TOO_MANY_REQUESTS
        unavailable.replayed = (error.headers or {}).get(REPEATED) == "true"
    return unavailable


@lru_cache(maxsize=RETRIES + 1)
def _client(api_key: str, url: str, retries: int) -> stripe.StripeClient:
    # The default HTTP client waits 80 seconds, longer than the function's timeout.
    return stripe.StripeClient(
        api_key,
        http_client=stripe.RequestsClient(timeout=(CONNECT_TIMEOUT, READ_TIMEOUT)),
        max_network_retries=retries,
        base_addresses={"api": url} if url else {},
    )


def _capture(amount: int, final: bool) -> Any:
    # `final_capture` is true by default, and only cards with multicapture allow the parameter.
    return {"amount_to_capture": amount} | ({} if final else {"final_capture": False})


def _plain(message: str | None) -> str:
    """Return Stripe's message as one line."""
    text = message or "The payment was declined."
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()[:MAX_MESSAGE_LENGTH]
