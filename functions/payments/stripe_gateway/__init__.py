"""Stripe, as far as payments needs it: what it refuses for good is told apart from what passes by itself."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import stripe

from payments.domain.captures import Claim
from payments.domain.payments import Capture, Decline, Intent, Payment
from payments.domain.refunds import STATUS_OF_REFUND, StripeRefund
from payments.settings import settings
from shared.errors import Unavailable
from shared.runtime import secrets
from shared.runtime.observability import log

P = ParamSpec("P")
T = TypeVar("T")

# A try is over after 8 seconds. A request has 29: of `PATIENCE` a use case spends two tries on its first slow
# call (16 s and a pause of half a second), and what does not fit any more is not begun.
TIMEOUT = (2.0, 6.0)  # to connect, to read
RETRIES = 2
PATIENCE = 22.0
RETRY_AFTER = 5
# Not the caller's fault, and not for ever: our key is wrong, too many at once, the same call still runs.
PASSING = frozenset({401, 403, 409, 429})

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class StripeUnavailable(Unavailable):
    """Stripe did not answer, or not for now. Every call here may be made again: its key is derived.

    `failed`: it answered that it failed itself, which it keeps as the answer to that key for a day;
    `replayed`: this was that answer (https://docs.stripe.com/error-low-level#idempotency).
    """

    failed = False
    replayed = False


class StripeRefused(Exception):
    """Stripe says no, and will say it again. `code` is Stripe's, `message` is meant for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def patiently(use_case: Callable[P, T]) -> Callable[P, T]:
    """Have all calls to Stripe in the use case, retries included, end within PATIENCE seconds."""

    @wraps(use_case)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
        if _deadline.get() is not None:
            return use_case(*args, **kwargs)
        token = _deadline.set(time.monotonic() + PATIENCE)
        try:
            return use_case(*args, **kwargs)
        finally:
            _deadline.reset(token)

    return bounded


def open_intent(payment: Payment) -> Intent:
    """The payment's PaymentIntent: made by the first call, the same one by every other.

    Its idempotency key is derived from order and attempt. Raises StripeRefused or StripeUnavailable.
    """
    params: dict[str, Any] = {
        "amount": payment.amount.amount,
        "currency": payment.amount.currency.lower(),
        "automatic_payment_methods": {"enabled": True},
        "metadata": metadata_of(payment),
    }
    if payment.capture is Capture.MANUAL:
        params |= {"capture_method": "manual", "payment_method_options": MANY_CAPTURES}
    with calling() as client:
        return read_intent(client.v1.payment_intents.create(params, key_of(payment)))  # type: ignore[arg-type]


def intent(intent_id: str) -> Intent:
    """The PaymentIntent as it is now. Raises StripeRefused where Stripe knows none of that id."""
    with calling() as client:
        return read_intent(
            client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge", "review"]})
        )


def capture(intent_id: str, payment_id: str, claim: Claim) -> None:
    """Take what is claimed of the hold, once: the idempotency key is derived from the claim.

    Raises StripeRefused: nothing more can be taken, or the claim is carried out already.
    """
    part = "final" if claim.final else "part"
    key = f"{payment_id}-{claim.base}-{claim.amount}-{part}-{claim.attempt}"
    options: Any = {"idempotency_key": key}
    with calling() as client:
        client.v1.payment_intents.capture(intent_id, _capture(claim.amount, claim.final), options)


def release(intent_id: str) -> Intent:
    """Let go of what is held and not captured; what the intent is now. Where Stripe refuses, the hold lapses
    by itself (https://docs.stripe.com/payments/multicapture)."""
    try:
        with calling() as client:
            client.v1.payment_intents.capture(intent_id, _capture(0, final=True))
    except StripeRefused as refusal:
        log.warning("a hold was not let go of", extra={"intent": intent_id, "code": refusal.code})
    return intent(intent_id)


def cancel(intent_id: str) -> Intent:
    """Cancel the PaymentIntent if that is still possible; what it is now."""
    with calling() as client:
        try:
            client.v1.payment_intents.cancel(intent_id, {"cancellation_reason": "abandoned"})
        except stripe.InvalidRequestError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
    return intent(intent_id)


# Which cards allow it, the charge says (https://docs.stripe.com/payments/multicapture).
MANY_CAPTURES: dict[str, Any] = {"card": {"request_multicapture": "if_available"}}


def metadata_of(payment: Payment) -> dict[str, str]:
    """By what an intent or a session is known to be the payment's."""
    return {"order_id": payment.order_id, "payment_id": payment.payment_id}


def key_of(payment: Payment) -> Any:
    """The options that have Stripe open a payment once."""
    return {"idempotency_key": f"{payment.order_id}-{payment.attempt}"}


@contextmanager
def calling() -> Iterator[stripe.StripeClient]:
    """Stripe's client, its errors sorted by what to do next. Neither keys nor bodies are logged."""
    secret_arn = settings().payments_stripe_secret_arn
    retries = _retries()
    try:
        yield _client(secrets.secret(secret_arn)["api_key"], settings().payments_stripe_url, retries)
    except stripe.StripeError as error:
        found = {"error": type(error).__name__, "status": error.http_status, "code": error.code}
        if error.http_status is None or error.http_status >= 500 or error.http_status in PASSING:
            if error.http_status == 401:
                secrets.invalidate(secret_arn)
            log.warning("Stripe is not available", extra=found)
            raise _unavailable(error) from error
        log.warning("Stripe refused", extra=found)
        raise StripeRefused(error.code or "refused", _plain(error.user_message)) from error


def _retries() -> int:
    """How often a call may be made again in the time there is. Raises StripeUnavailable: not even once."""
    deadline = _deadline.get()
    if deadline is None:
        return RETRIES
    tries = int((deadline - time.monotonic()) // sum(TIMEOUT))
    if tries < 1:
        log.warning("no time left to ask Stripe")
        raise _unavailable()
    return min(RETRIES, tries - 1)


def _unavailable(error: stripe.StripeError | None = None) -> StripeUnavailable:
    why = StripeUnavailable("Stripe does not answer; nothing is lost, ask again.", retry_after=RETRY_AFTER)
    if error and error.http_status:
        why.failed = error.http_status >= 500
        why.replayed = (error.headers or {}).get("Idempotent-Replayed") == "true"
    return why


@lru_cache(maxsize=RETRIES + 1)
def _client(api_key: str, url: str, retries: int) -> stripe.StripeClient:
    # Its own HTTP client: the default one waits 80 seconds, longer than a function lives.
    return stripe.StripeClient(
        api_key,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=retries,
        base_addresses={"api": url} if url else {},
    )


def _capture(amount: int, final: bool) -> Any:
    # It is true unless said otherwise, and only cards with multicapture allow it to be said.
    return {"amount_to_capture": amount} | ({} if final else {"final_capture": False})


def read_intent(found: stripe.PaymentIntent) -> Intent:
    """What the rules need to know of Stripe's PaymentIntent, its `latest_charge` expanded."""
    charge = found.latest_charge.to_dict() if isinstance(found.latest_charge, stripe.Charge) else {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    metadata = found.metadata.to_dict()
    return Intent(
        intent_id=found.id,
        status=found.status,
        amount_received=found.amount_received or 0,
        amount_refunded=charge.get("amount_refunded", 0),
        decline=_decline(found),
        order_id=metadata.get("order_id"),
        payment_id=metadata.get("payment_id"),
        client_secret=found.client_secret,
        amount_capturable=found.amount_capturable or 0,
        capture_before=moment(card.get("capture_before")),
        multicapture=(card.get("multicapture") or {}).get("status") == "available",
        disputed=bool(charge.get("disputed")),
        review=_review(found.review),
    )


def moment(seconds: int | None) -> datetime | None:
    """Stripe's time (seconds since the epoch) as ours."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _review(found: Any) -> str | None:
    """`open`, or Stripe's word for how it was closed."""
    if not isinstance(found, stripe.Review):
        return None
    return "open" if found.open else str(found.closed_reason or found.reason)


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


def read_refund(found: stripe.Refund) -> StripeRefund:
    """What the rules need to know of Stripe's Refund."""
    metadata = found.metadata.to_dict() if found.metadata else {}
    return StripeRefund(
        provider_id=found.id,
        refund_id=metadata.get("refund_id"),
        status=STATUS_OF_REFUND[found.status or "pending"],
        amount=found.amount,
    )


def _plain(message: str | None) -> str:
    """Stripe's words as one line for people; they end in mails."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", message or "The payment was declined.").strip()[:200]
