"""The tables' streams: payments' changes become news, Stripe's new events go to the queue for applying."""

from collections.abc import Iterator, Mapping
from typing import Any

from payments.domain import EventStatus, Payment, Status
from payments.service import deliveries
from payments.tables import inbox, payments
from shared.events import Event, PaymentFacts, PaymentFailed, PaymentRefunded, PaymentSucceeded
from shared.money import Money
from shared.outbox import Image


def news(old: Image | None, new: Image | None) -> Iterator[Event]:
    """What a change of a payment says: money came in, a try was declined, money went back."""
    payment = payments.payment_of(new) if new else None
    if new is None or payment is None:
        return
    before = payments.payment_of(old) if old else None
    given_back = payment.refunded - (before.refunded if before else 0)
    for kind in _happened(before, payment):
        yield kind.about(
            _facts(payment, given_back if kind is PaymentRefunded else None),
            subject=payment.payment_id,
            version=payment.version,
            at=payment.updated_at,
            request_id=new.get("request_id", {}).get("S"),
        )


def forward(event: Mapping[str, Any], context: object) -> None:
    """The stream handler of the inbox. Raises NotQueued, so that the same events come again."""
    images = (
        record["dynamodb"].get("NewImage") for record in event["Records"] if record["eventName"] == "INSERT"
    )
    arrived = [inbox.arrived(image) for image in images if image]
    deliveries.send([each for each in arrived if each.status is EventStatus.RECEIVED])


def _happened(before: Payment | None, payment: Payment) -> Iterator[type[Event]]:
    """By sums, not by statuses: a change may leap over one (paid and given back between two looks)."""
    if payment.captured and not (before and before.captured):
        yield PaymentSucceeded
    declined = payment.decline_id and payment.decline_id != (before.decline_id if before else None)
    failed = payment.status is Status.FAILED and not (before and before.status is Status.FAILED)
    if declined or failed:
        yield PaymentFailed
    if payment.refunded > (before.refunded if before else 0):
        yield PaymentRefunded


def _facts(payment: Payment, given_back: int | None) -> PaymentFacts:
    """`amount` is what came in, once it did; before that what is asked for. `given_back` in minor units."""
    currency = payment.amount.currency
    return PaymentFacts(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        user_id=payment.user_id,
        email=payment.email,
        amount=Money(amount=payment.captured or payment.amount.amount, currency=currency),
        refunded=Money(amount=payment.refunded, currency=currency),
        status=payment.status,
        reason=payment.reason,
        given_back=None if given_back is None else Money(amount=given_back, currency=currency),
    )
