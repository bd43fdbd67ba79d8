"""Once only: requests by their Idempotency-Key, events by their id."""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Self

from pydantic import BaseModel
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.transactions import TransactWrite

from shared import clock
from shared.errors import IdempotencyKeyReused, RequestInProgress
from shared.rows import Row, refused_by_condition

KEPT = timedelta(hours=24)
EVENTS_KEPT = timedelta(days=15)  # longer than a message can live: 14 days in the dead-letter queue
LEASE = timedelta(seconds=30)  # a first call that says nothing for so long is dead: API Gateway waits 29 s


class Answer(BaseModel):
    """An answer as it went out, to be given again."""

    status: int
    headers: dict[str, str]
    body: str

    def packed(self) -> bytes:
        """Small enough for a row, however long the list in it: DynamoDB takes 400 KB."""
        return zlib.compress(self.model_dump_json().encode())

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        return cls.model_validate_json(zlib.decompress(packed))


@dataclass(frozen=True)
class Key:
    """An Idempotency-Key in its scope (caller, method, path), with its body's fingerprint."""

    pk: str
    fingerprint: str

    @classmethod
    def of(cls, scope: tuple[str, ...], key: str, body: Any) -> "Key":
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = sha256("\x00".join((*scope, key)).encode()).hexdigest()
        return cls(pk=f"request#{digest}", fingerprint=sha256(canonical.encode()).hexdigest())


class OnceRow(Row):
    """What was done once: a request (with its answer) or an event. One table a service, rows expire.

    `effect` is the id of the thing the request makes, fixed at the first try, so that a retry after a crash
    continues the same thing. `leased_until` is when a running first call counts as dead.
    """

    pk = UnicodeAttribute(hash_key=True)
    fingerprint = UnicodeAttribute(null=True)
    effect = UnicodeAttribute(null=True)
    answer = BinaryAttribute(null=True, legacy_encoding=False)
    leased_until = NumberAttribute(null=True)
    expires_at = NumberAttribute()

    def check_body(self, key: Key) -> None:
        """Raise IdempotencyKeyReused when the key came with another body."""
        if self.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key was used with a different body; send a new key.")

    def check(self, key: Key, now: datetime) -> None:
        """Raise IdempotencyKeyReused (it came with another body) or RequestInProgress (it still runs)."""
        self.check_body(key)
        if self.answer is None and self.leased_until and self.leased_until > clock.epoch(now):
            raise RequestInProgress


class Once:
    """The idempotent requests of one service."""

    def __init__(self, row: type[OnceRow]) -> None:
        self.row = row

    def claim(self, key: Key, effect: str, now: datetime) -> OnceRow:
        """Take the key: the row to go on with; its `answer` is set when all was done before.

        One conditional put when the key is new. Raises IdempotencyKeyReused or RequestInProgress.
        """
        fresh = self.fresh(key, effect, now)
        try:
            fresh.save(self.is_free(now))
            return fresh
        except PutError as error:
            refused_by_condition(error)
        found = self.row.get(key.pk, consistent_read=True)
        found.check(key, now)
        return found if found.answer else self.take_over(found, now)

    def fresh(self, key: Key, effect: str, now: datetime) -> OnceRow:
        """The row that claims the key, to be put under `is_free` (alone or in the effect's transaction)."""
        return self.row(
            pk=key.pk,
            fingerprint=key.fingerprint,
            effect=effect,
            leased_until=clock.epoch(now + LEASE),
            expires_at=clock.epoch(now + KEPT),
        )

    def is_free(self, now: datetime) -> Any:
        """The condition under which a key may be claimed: never used, or forgotten (TTL deletes late)."""
        return self.row.pk.does_not_exist() | (self.row.expires_at < clock.epoch(now))

    def take_over(self, dead: OnceRow, now: datetime) -> OnceRow:
        """Continue what a dead first call began. Raises RequestInProgress when another call did so first."""
        try:
            dead.update(
                [self.row.leased_until.set(clock.epoch(now + LEASE))],
                condition=(self.row.leased_until == dead.leased_until) & self.row.answer.does_not_exist(),
            )
        except UpdateError as error:
            refused_by_condition(error)
            raise RequestInProgress from None
        return dead

    def finish(self, claimed: OnceRow, answer: Answer) -> None:
        """Keep the answer, to be given again for 24 hours."""
        claimed.update([self.row.answer.set(answer.packed()), self.row.leased_until.remove()])

    def release(self, claimed: OnceRow) -> None:
        """The call failed for no fault of the caller's: a retry with the key may continue at once."""
        claimed.update([self.row.leased_until.set(0)])

    def remember(self, writes: TransactWrite, event_id: str, now: datetime) -> None:
        """Remember the event in its effect's transaction: the second time that transaction is refused."""
        row = self.row(pk=f"event#{event_id}", expires_at=clock.epoch(now + EVENTS_KEPT))
        writes.save(row, condition=self.row.pk.does_not_exist())
