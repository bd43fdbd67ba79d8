"""What DynamoDB's failures mean to those who write."""

import pytest
from botocore.exceptions import ConnectionClosedError
from pynamodb.exceptions import PutError, TransactWriteError

from cart.tables.rows import CartTableRow
from shared.dynamodb.rows import require_condition_failure, transaction
from shared.errors import Unavailable

LOST = ConnectionClosedError(endpoint_url="http://127.0.0.1")


def test_a_lost_connection_is_no_refusal_and_passes_by_itself():
    with pytest.raises(Unavailable):
        require_condition_failure(PutError("lost", LOST))


def test_a_transaction_whose_connection_was_lost_passes_by_itself(cloud):
    with pytest.raises(Unavailable), transaction(CartTableRow):
        raise TransactWriteError("lost", LOST)
