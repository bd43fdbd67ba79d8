"""What all rows share: their base, and transactions that say who refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection.base import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model
from pynamodb.settings import default_settings_dict
from pynamodb.transactions import TransactWrite

from shared import aws, observe
from shared.errors import Unavailable

# A request has 29 seconds: PynamoDB's own limits (15 s to connect, 30 s to read, a table) would outlast it.
default_settings_dict.update(connect_timeout_seconds=2, read_timeout_seconds=8, max_retry_attempts=2)
# PynamoDB would load botocore's data again, in a session of its own, for every table.
Connection.session = property(lambda _: aws.session())  # type: ignore[method-assign,assignment]

CONFLICT = "TransactionConflict"
REFUSED = "ConditionalCheckFailed"
# Of single writes that meet a transaction; local clouds never say so.
CONFLICTS = frozenset({"TransactionInProgressException", "TransactionConflictException"})
THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)


class Row(Model):
    """A row that remembers which request wrote it last (its events carry that id on)."""

    request_id = UnicodeAttribute(null=True)

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        if not self.request_id:
            self.request_id = observe.request_id() or None


class Refused(Exception):
    """A transaction did not happen: `reasons[i]` is (code, the old item or None) for its i-th write.

    PynamoDB orders the writes: condition checks, deletes, puts, updates, each in the order they were added.
    """

    def __init__(self, reasons: list[tuple[str, dict[str, Any] | None]]) -> None:
        super().__init__("; ".join(code for code, _ in reasons))
        self.reasons = reasons

    def refused(self, position: int) -> bool:
        return self.reasons[position][0] == REFUSED


class Contended(Unavailable):
    """Another transaction holds the same rows; nothing was written; asking again is safe."""


def connection_of(model: type[Model]) -> Connection:
    """The model's own connection, so that one client serves its reads, writes and transactions."""
    return model._get_connection().connection


def warm(*models: type[Model]) -> None:
    """Make the models' clients during init: PynamoDB would do it in the first request."""
    for model in models:
        _ = connection_of(model).client


@contextmanager
def transaction(model: type[Model]) -> Iterator[TransactWrite]:
    """All of the writes, or none.

    Raises Refused when a condition does not hold, Contended when another transaction is at the same rows,
    Unavailable when DynamoDB throttles.
    """
    try:
        with TransactWrite(connection=connection_of(model)) as writes:
            yield writes
    except TransactWriteError as error:
        if code_of(error) != "TransactionCanceledException":
            raise unavailable(error) or error from error
        reasons = [(r.code, r.raw_item) if r else ("None", None) for r in error.cancellation_reasons]
        codes = {code for code, _ in reasons}
        if REFUSED in codes:
            raise Refused(reasons) from error
        if CONFLICT in codes or codes & THROTTLED:
            raise Contended("Others are writing the same; ask again.", retry_after=1) from error
        raise


def refused_by_condition(error: PynamoDBException) -> bool:
    """Whether a single conditional write was refused by its condition; other failures are raised on."""
    if code_of(error) == "ConditionalCheckFailedException":
        return True
    raise unavailable(error) or error


def code_of(error: PynamoDBException) -> str | None:
    """DynamoDB's error code; None where it did not answer at all.

    PynamoDB's own `cause_response_code` fails there: botocore's connection errors have a `response` of None.
    """
    answer = getattr(error.cause, "response", None) or {}
    code: str | None = answer.get("Error", {}).get("Code")
    return code


def unavailable(error: Exception) -> Unavailable | None:
    """The error as one that passes by itself (throttling, contention, no connection), else None."""
    cause = error.cause if isinstance(error, PynamoDBException) else error
    if isinstance(cause, ClientError):
        code = cause.response.get("Error", {}).get("Code", "")
        if code in CONFLICTS:
            return Contended("Others are writing the same; ask again.", retry_after=1)
        return Unavailable("The shop is busy; ask again.") if code in THROTTLED else None
    return (
        Unavailable("A part of the shop does not answer; ask again.")
        if isinstance(cause, BotoCoreError)
        else None
    )
