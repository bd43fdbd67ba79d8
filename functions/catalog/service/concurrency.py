"""The retry policy of use cases that write products or stock."""

from shared.dynamodb.concurrency import VersionConflict, retry_on
from shared.dynamodb.rows import ConcurrentUpdate

TRIES = 12  # tries; many orders reserve the same product at once, and none must fail for that
MAX_DOUBLINGS = 5  # doublings; the last pauses are at most 640 ms, so all tries end within a request

retry_on_conflict = retry_on(VersionConflict, ConcurrentUpdate, tries=TRIES, max_doublings=MAX_DOUBLINGS)
