"""Stripe's lists of events, intents, refunds and disputes, newest first, one page at a time."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import stripe

from payments.domain.reconciliation.differences import ListedDispute, ListedIntent, ListedRefund
from payments.stripe_gateway import PAGE_SIZE, calling
from payments.stripe_gateway.objects import read_refund

T = TypeVar("T")


@dataclass(frozen=True)
class Listed(Generic[T]):
    """A page of a list; `more` means that older items follow."""

    items: list[T]
    more: bool


@dataclass(frozen=True)
class ListedEvent:
    """An event as its webhook delivers it: `body` is its JSON, `created` in epoch seconds."""

    event_id: str
    created: int
    body: bytes


def events(types: Iterable[str], since: int, after: str | None) -> Listed[ListedEvent]:
    """Return a page of events of these types (at most 20), created at or after `since` (epoch seconds) and
    older than the event `after`.

    Stripe keeps events for 30 days. Raises StripeRefused (`resource_missing` if `after` does not exist) or
    StripeUnavailable.
    """
    with calling() as client:
        found = client.v1.events.list(_window(since, None, after) | {"types": [*types]})
        return Listed(
            [ListedEvent(each.id, each.created, _json(each)) for each in found.data],
            bool(found.has_more),
        )


def _json(event: stripe.Event) -> bytes:
    """Return the event as its webhook delivers it; the SDK parses some of Stripe's strings to numbers."""
    return json.dumps(event.to_dict(), default=str).encode()


def intents(since: int, until: int, after: str | None) -> Listed[ListedIntent]:
    """Return a page of the PaymentIntents created in `[since, until)` (epoch seconds). Raises as `events`
    does."""
    with calling() as client:
        window = _window(since, until, after, ["data.latest_charge"])
        found = client.v1.payment_intents.list(window)
        return Listed([_intent(each) for each in found.data], bool(found.has_more))


def intent(intent_id: str) -> ListedIntent:
    """Return one PaymentIntent as its list returns it. Raises as `events` does."""
    with calling() as client:
        return _intent(client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}))


def refunds(since: int, until: int, after: str | None) -> Listed[ListedRefund]:
    """Return a page of the Refunds created in `[since, until)` (epoch seconds). Raises as `events` does."""
    with calling() as client:
        found = client.v1.refunds.list(_window(since, until, after, ["data.payment_intent"]))
        return Listed([_refund(each) for each in found.data], bool(found.has_more))


def disputes(since: int, until: int, after: str | None) -> Listed[ListedDispute]:
    """Return a page of the Disputes created in `[since, until)` (epoch seconds). Raises as `events` does."""
    with calling() as client:
        found = client.v1.disputes.list(_window(since, until, after, ["data.payment_intent"]))
        return Listed([_dispute(each) for each in found.data], bool(found.has_more))


def _intent(found: stripe.PaymentIntent) -> ListedIntent:
    charge = found.latest_charge if isinstance(found.latest_charge, stripe.Charge) else None
    metadata = found.metadata.to_dict()
    return ListedIntent(
        intent_id=found.id,
        status=found.status,
        currency=found.currency.upper(),
        amount_received=found.amount_received or 0,
        amount_capturable=found.amount_capturable or 0,
        amount_refunded=charge.amount_refunded if charge else 0,
        payment_id=metadata.get("payment_id"),
        order_id=metadata.get("order_id"),
        changed_at=_time(max(found.created, found.canceled_at or 0, charge.created if charge else 0)),
    )


def _refund(found: stripe.Refund) -> ListedRefund:
    return ListedRefund(read_refund(found), _payment_of(found.payment_intent), _time(found.created))


def _dispute(found: stripe.Dispute) -> ListedDispute:
    return ListedDispute(
        dispute_id=found.id,
        status=found.status,
        amount=found.amount,
        payment_id=_payment_of(found.payment_intent),
        changed_at=_time(found.created),
    )


def _payment_of(intent: stripe.PaymentIntent | str | None) -> str | None:
    return intent.metadata.to_dict().get("payment_id") if isinstance(intent, stripe.PaymentIntent) else None


def _time(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _window(since: int, until: int | None, after: str | None, expand: Iterable[str] = ()) -> Any:
    created = {"gte": since} | ({"lt": until} if until is not None else {})
    window: dict[str, Any] = {"created": created, "limit": PAGE_SIZE}
    if after:
        window["starting_after"] = after
    return window | ({"expand": [*expand]} if expand else {})
