"""Idempotent effects: requests by their Idempotency-Key, events by their id."""

import json
import zlib
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple, Self

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.transactions import TransactWrite

from shared.dynamodb.rows import Row, require_condition_failure
from shared.dynamodb.sizes import MAX_ROW, check_size, size_of
from shared.errors import IdempotencyKeyReused, RequestInProgress
from shared.models import Model
from shared.runtime import clock

IDEMPOTENCY_TTL = timedelta(hours=24)  # as long as Stripe keeps its keys; a client retries within minutes
EVENT_TTL = timedelta(days=15)  # longer than a message can live: 14 days in the dead-letter queue
LEASE = timedelta(seconds=30)  # a first call that takes longer has died, because API Gateway waits 29 s


class HttpResponse(Model):
    """An HTTP response, as it was sent and as it is stored for repeated requests."""

    media_types: ClassVar[tuple[str, ...]] = ("application/json",)

    status: int
    headers: dict[str, str]
    body: str

    def pack(self) -> bytes:
        """Return the response compressed: a long list fits DynamoDB's 400 KB per row."""
        return zlib.compress(self.model_dump_json().encode())

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls.model_validate_json(zlib.decompress(data))


class IdempotencyKey(NamedTuple):
    """An Idempotency-Key in its scope (caller, method, path), with the fingerprint of its body."""

    pk: str
    fingerprint: str

    @classmethod
    def of(cls, scope: tuple[str, ...], key: str, body: Any) -> "IdempotencyKey":
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = sha256("\x00".join((*scope, key)).encode()).hexdigest()
        return cls(pk=f"request#{digest}", fingerprint=sha256(canonical.encode()).hexdigest())


class IdempotencyRow(Row):
    """A request (with its response) or an event that had its effect. One table per service; rows expire.

    `resource_id` is the id of the resource that the request creates. It is fixed at the first try, so that a
    retry after a crash continues with the same resource. A first call still running at `leased_until` (epoch
    seconds) counts as dead.
    """

    pk = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute(null=True)
    resource_id = UnicodeAttribute(null=True)
    response = BinaryAttribute(null=True, legacy_encoding=False)
    leased_until = NumberAttribute(null=True)
    expires_at = NumberAttribute()

    def check_body(self, key: IdempotencyKey) -> None:
        """Raise IdempotencyKeyReused if the key was first used with another body."""
        if self.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key was used with a different body; send a new key.")

    def check(self, key: IdempotencyKey, now: datetime) -> None:
        """Raise IdempotencyKeyReused (another body) or RequestInProgress (the first call still runs)."""
        self.check_body(key)
        if self.response is None and self.leased_until and self.leased_until > clock.epoch(now):
            raise RequestInProgress


class IdempotencyStore:
    """The idempotency rows of one service."""

    def __init__(self, row: type[IdempotencyRow]) -> None:
        self.row = row

    def claim(self, key: IdempotencyKey, resource_id: str, now: datetime) -> IdempotencyRow:
        """Claim the key and return its row; the row has a `response` if the request was already completed.

        A new key costs one conditional put. Raises IdempotencyKeyReused or RequestInProgress.
        """
        row = self.new_row(key, resource_id, now)
        try:
            row.save(self.is_unclaimed(now))
            return row
        except PutError as error:
            require_condition_failure(error)
        found = self.row.get(key.pk, consistent_read=True)
        found.check(key, now)
        return found if found.response else self.take_over(found, now)

    def new_row(self, key: IdempotencyKey, resource_id: str, now: datetime) -> IdempotencyRow:
        """Return the row that claims the key; save it under `is_unclaimed`, alone or in a transaction."""
        return self.row(
            pk=key.pk,
            fingerprint=key.fingerprint,
            resource_id=resource_id,
            leased_until=clock.epoch(now + LEASE),
            expires_at=clock.epoch(now + IDEMPOTENCY_TTL),
        )

    def is_unclaimed(self, now: datetime) -> Any:
        """Return the condition for claiming a key: never used, or expired (TTL deletes late)."""
        return self.row.pk.does_not_exist() | (self.row.expires_at < clock.epoch(now))

    def take_over(self, dead: IdempotencyRow, now: datetime) -> IdempotencyRow:
        """Continue a dead first call. Raises RequestInProgress if another call already does."""
        try:
            dead.update(
                [self.row.leased_until.set(clock.epoch(now + LEASE))],
                condition=(self.row.leased_until == dead.leased_until) & self.row.response.does_not_exist(),
            )
        except UpdateError as error:
            require_condition_failure(error)
            raise RequestInProgress from None
        return dead

    def complete(self, claimed: IdempotencyRow, response: HttpResponse) -> None:
        """Store the response for repeated requests, for IDEMPOTENCY_TTL. Raises RowTooLargeError."""
        packed = response.pack()
        check_size(size_of(claimed.serialize()) + len(packed), MAX_ROW)
        claimed.update([self.row.response.set(packed), self.row.leased_until.remove()])

    def release(self, claimed: IdempotencyRow) -> None:
        """End the lease after a temporary failure, so that a retry with the key continues at once."""
        claimed.update([self.row.leased_until.set(0)])

    def record_event(self, writes: TransactWrite, event_id: str, now: datetime) -> None:
        """Add the event's id to the transaction of its effect; a second such transaction fails."""
        row = self.row(pk=f"event#{event_id}", expires_at=clock.epoch(now + EVENT_TTL))
        writes.save(row, condition=self.row.pk.does_not_exist())
