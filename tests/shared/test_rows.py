"""DynamoDB's errors as problems."""

import pytest
from botocore.exceptions import ConnectionClosedError
from pynamodb.exceptions import PutError, TransactWriteError

from cart.tables.rows import CartTableRow
from shared.dynamodb.rows import require_condition_failure, transaction
from shared.errors import Unavailable

LOST = ConnectionClosedError(endpoint_url="http://127.0.0.1")


def test_a_lost_connection_during_a_write_is_unavailable():
    with pytest.raises(Unavailable):
        require_condition_failure(PutError("lost", LOST))


def test_a_lost_connection_during_a_transaction_is_unavailable(cloud):
    with pytest.raises(Unavailable), transaction(CartTableRow):
        raise TransactWriteError("lost", LOST)
