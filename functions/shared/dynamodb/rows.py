"""The base of all rows, transactions, and DynamoDB's errors as problems."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection.base import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from shared.dynamodb.sizes import MAX_ROW, check_size, size_of
from shared.errors import Unavailable
from shared.runtime import aws, observability
from shared.runtime.observability import log

READ_TIMEOUT = 8  # seconds; a request has 29, and PynamoDB's default of 30 would exceed it
RETRY_AFTER = 1  # seconds; a conflict with another request is over when that request is


def client() -> Any:
    """Return the only DynamoDB client; it does not validate the requests, because PynamoDB builds them."""
    return aws.client("dynamodb", read_timeout=READ_TIMEOUT, validate=False)


# By default PynamoDB creates a session and a client for each table: each parses botocore's data and connects.
Connection.client = property(lambda _: client())  # type: ignore[method-assign,assignment]

TRANSACTION_CONFLICT = "TransactionConflict"
CONDITION_FAILED = "ConditionalCheckFailed"
INVALID_WRITE = "ValidationError"
# Errors of single writes that conflict with a transaction. Local clouds never return them.
WRITE_CONFLICTS = frozenset({"TransactionInProgressException", "TransactionConflictException"})
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
    """A row that stores the id of the request that wrote it last; the row's events carry this id."""

    request_id = UnicodeAttribute(null=True)

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        if not self.request_id:
            self.request_id = observability.request_id() or None

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:
        """Return the row as DynamoDB stores it. Raises RowTooLargeError."""
        item: dict[str, dict[str, Any]] = super().serialize(null_check)
        check_size(size_of(item), MAX_ROW)
        return item


class ConditionFailed(Exception):
    """A condition of the transaction did not hold, so nothing was written.

    `reasons[i]` is (code, the existing item or None) for the i-th write. PynamoDB orders the writes:
    condition checks, deletes, puts, updates, each in the order in which they were added.
    """

    def __init__(self, reasons: list[tuple[str, dict[str, Any] | None]]) -> None:
        super().__init__("; ".join(code for code, _ in reasons))
        self.reasons = reasons

    def failed_at(self, position: int) -> bool:
        """Return whether the condition of the write at `position` failed."""
        return self.reasons[position][0] == CONDITION_FAILED


class ConcurrentUpdate(Unavailable):
    """Another request changed the resource at the same time; nothing was written."""

    def __init__(self) -> None:
        super().__init__(
            "The resource was changed by another request at the same time; retry.", retry_after=RETRY_AFTER
        )


def connection_of(model: type[Model]) -> Connection:
    """Return the model's connection, which knows its table."""
    return model._get_connection().connection


def warm(*models: type[Model]) -> None:
    """Create the client and the models' connections during init, and not in the first request."""
    for model in models:
        _ = connection_of(model).client


@contextmanager
def transaction(model: type[Model]) -> Iterator[TransactWrite]:
    """Collect writes and commit all of them or none.

    Raises ConditionFailed if a condition does not hold, ConcurrentUpdate if another transaction writes the
    same rows, Unavailable if DynamoDB throttles.
    """
    try:
        with TransactWrite(connection=connection_of(model)) as writes:
            yield writes
    except TransactWriteError as error:
        reasons = [(r.code, r.raw_item) if r else ("None", None) for r in error.cancellation_reasons]
        codes = {code for code, _ in reasons}
        if CONDITION_FAILED in codes:
            raise ConditionFailed(reasons) from error
        # PynamoDB's text is always "Failed to write transaction items".
        log.warning("transaction failed", extra={"reason": reason_of(error)})
        if TRANSACTION_CONFLICT in codes or codes & THROTTLED:
            raise ConcurrentUpdate from error
        _raise(error)


def require_condition_failure(error: PynamoDBException) -> None:
    """Return if a single write failed because of its condition; raise any other failure."""
    if error_code(error) != "ConditionalCheckFailedException":
        _raise(error)


def _raise(error: PynamoDBException) -> NoReturn:
    """Raise the error as Unavailable if it is temporary, otherwise itself, with DynamoDB's error as its
    cause."""
    if temporary := as_unavailable(error):
        raise temporary from error
    raise error


def reason_of(error: PynamoDBException) -> str:
    """Return DynamoDB's reason for the log: its code and message; for a cancelled transaction the code of
    each write, with the message of an invalid one. It contains no rows."""
    reasons = error.cancellation_reasons if isinstance(error, TransactWriteError) else []
    if not reasons:
        return str(error.cause)
    invalid = {reason.message for reason in reasons if reason and reason.code == INVALID_WRITE}
    codes = ", ".join(reason.code if reason else "None" for reason in reasons)
    return ": ".join([codes, *sorted(filter(None, invalid))])


def error_code(error: PynamoDBException) -> str | None:
    """Return DynamoDB's error code; None if it did not respond.

    PynamoDB's own `cause_response_code` fails then: botocore's connection errors have a `response` of None.
    """
    response = getattr(error.cause, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def as_unavailable(error: Exception) -> Unavailable | None:
    """Return the error as a temporary problem (throttling, conflict, no connection); None for any other."""
    cause = error.cause if isinstance(error, PynamoDBException) else error
    if isinstance(cause, ClientError):
        code = cause.response.get("Error", {}).get("Code", "")
        if code in WRITE_CONFLICTS:
            return ConcurrentUpdate()
        return Unavailable("The shop is busy; retry.") if code in THROTTLED else None
    if isinstance(cause, BotoCoreError):
        return Unavailable("A part of the shop does not respond; retry.")
    return None
