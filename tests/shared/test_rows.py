"""DynamoDB's errors as problems."""

import pytest
from botocore.exceptions import ConnectionClosedError
from pynamodb.exceptions import CancellationReason, PutError, TransactWriteError, VerboseClientError

from cart.tables.rows import CartTableRow, CouponRow, UsesRow
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, require_condition_failure, transaction
from shared.errors import Unavailable
from shared.runtime import clock

LOST = ConnectionClosedError(endpoint_url="http://127.0.0.1")
MESSAGES = {"ValidationError": "Item size has exceeded", "TransactionConflict": "Transaction is ongoing"}


def test_a_lost_connection_during_a_write_is_unavailable():
    with pytest.raises(Unavailable):
        require_condition_failure(PutError("lost", LOST))


def test_a_lost_connection_during_a_transaction_is_unavailable(cloud):
    with pytest.raises(Unavailable), transaction(CartTableRow):
        raise TransactWriteError("lost", LOST)


def test_the_log_names_the_reason_of_a_failed_transaction_without_its_rows(cloud, caplog):
    """PynamoDB's own text is "Failed to write transaction items" for every reason."""
    stored = CouponRow(pk="coupon#A", code="ada@a.test", version=1, updated_at=clock.now())
    stored.save()
    with pytest.raises(TransactWriteError), transaction(CartTableRow) as writes:
        writes.save(CouponRow(pk="coupon#B", code="B", version=1, updated_at=clock.now()))
        writes.update(stored, [UsesRow.version.set(UsesRow.used + 1)])  # the row has no `used`
    [line] = [record for record in caplog.records if record.message == "transaction failed"]
    assert "ValidationException" in line.reason
    assert line.reason.endswith("refers to an attribute that does not exist in the item")
    assert "ada@a.test" not in caplog.text


@pytest.mark.parametrize(
    ("codes", "raised", "reason"),
    [
        (["None", "TransactionConflict"], ConcurrentUpdate, "None, TransactionConflict"),
        (["ThrottlingError", "None"], ConcurrentUpdate, "ThrottlingError, None"),
        (["None", "ValidationError"], TransactWriteError, "None, ValidationError: Item size has exceeded"),
        (["ConditionalCheckFailed", "None"], ConditionFailed, None),
    ],
)
def test_the_log_has_a_code_for_each_write_of_a_failed_transaction(cloud, caplog, codes, raised, reason):
    cause = VerboseClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
            "CancellationReasons": [{"Code": code, "Item": {"to": {"S": "ada@a.test"}}} for code in codes],
        },
        "TransactWriteItems",
        cancellation_reasons=[
            None if code == "None" else CancellationReason(code, MESSAGES.get(code)) for code in codes
        ],
    )
    with pytest.raises(raised), transaction(CartTableRow):
        raise TransactWriteError("Failed to write transaction items", cause)
    assert [record.reason for record in caplog.records] == ([reason] if reason else [])
    assert "ada@a.test" not in caplog.text
