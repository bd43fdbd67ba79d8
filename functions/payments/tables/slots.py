"""An order's one place for a payment: who is in it, and whether it is closed."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.domain.payments import Payment, Slot
from payments.tables.payments import PaymentRow
from payments.tables.rows import PaymentsRow
from shared.dynamodb.rows import ConditionFailed, transaction

SLOT = "slot"


class SlotRow(PaymentsRow):
    """pk `order#<id>`, sk `slot`: makes an order's live payment the only one."""

    payment_id = UnicodeAttribute(null=True)
    attempt = NumberAttribute(null=True)
    closed = BooleanAttribute(null=True)


def slot(order_id: str) -> Slot:
    """The order's slot, read consistently; an empty one where nothing was written yet."""
    try:
        return _slot(order_id, SlotRow.get(f"order#{order_id}", SLOT, consistent_read=True))
    except DoesNotExist:
        return Slot(order_id)


def begin(payment: Payment, before: Slot) -> bool:
    """Put the payment into the slot as it was `before`; False where another came first or it was closed."""
    row = SlotRow(f"order#{payment.order_id}", SLOT, payment_id=payment.payment_id, attempt=payment.attempt)
    untouched = SlotRow.pk.does_not_exist()
    if before.attempt:
        untouched = (SlotRow.attempt == before.attempt) & SlotRow.closed.does_not_exist()
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(row, condition=untouched)
            writes.save(PaymentRow.of(payment), condition=PaymentRow.pk.does_not_exist())
    except ConditionFailed:
        return False
    return True


def close(order_id: str) -> Slot:
    """Close the order's slot for good; what it holds."""
    row = SlotRow(f"order#{order_id}", SLOT)
    row.update([SlotRow.closed.set(True)])
    return _slot(order_id, row)


def _slot(order_id: str, row: SlotRow) -> Slot:
    return Slot(order_id, row.payment_id, int(row.attempt or 0), bool(row.closed))
