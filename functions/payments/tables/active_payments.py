"""The one active payment of each order."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.domain.payments import ActivePayment, Payment
from payments.tables.payments import PaymentRow
from payments.tables.rows import PaymentsRow
from shared.dynamodb.rows import ConditionFailed, transaction

ACTIVE_PAYMENT = "active-payment"


class ActivePaymentRow(PaymentsRow):
    """pk `order#<id>`, sk `active-payment`: allows an order one active payment."""

    payment_id = UnicodeAttribute(null=True)
    attempt = NumberAttribute(null=True)
    closed = BooleanAttribute(null=True)


def active_payment(order_id: str) -> ActivePayment:
    """Return the order's active payment, read consistently; an empty one if the order never had any."""
    try:
        row = ActivePaymentRow.get(_key_of(order_id), ACTIVE_PAYMENT, consistent_read=True)
    except DoesNotExist:
        return ActivePayment(order_id)
    return _active_payment(order_id, row)


def activate(payment: Payment, before: ActivePayment) -> bool:
    """Write a new payment as the active one; return False if another was activated since `before` was read,
    or if the order accepts no more."""
    row = ActivePaymentRow(
        _key_of(payment.order.order_id),
        ACTIVE_PAYMENT,
        payment_id=payment.payment_id,
        attempt=payment.attempt,
    )
    unchanged = ActivePaymentRow.pk.does_not_exist()
    if before.attempt:
        unchanged = (ActivePaymentRow.attempt == before.attempt) & ActivePaymentRow.closed.does_not_exist()
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(row, condition=unchanged)
            writes.save(PaymentRow.of(payment), condition=PaymentRow.pk.does_not_exist())
    except ConditionFailed:
        return False
    return True


def close(order_id: str) -> ActivePayment:
    """Let the order accept no more payments; return its active payment."""
    row = ActivePaymentRow(_key_of(order_id), ACTIVE_PAYMENT)
    row.update([ActivePaymentRow.closed.set(True)])
    return _active_payment(order_id, row)


def _key_of(order_id: str) -> str:
    return f"order#{order_id}"


def _active_payment(order_id: str, row: ActivePaymentRow) -> ActivePayment:
    return ActivePayment(order_id, row.payment_id, int(row.attempt or 0), bool(row.closed))
