"""The retry policy for concurrent writes to one cart, coupon or rate."""

from shared.dynamodb.concurrency import VersionConflict, retry_on

TRIES = 10  # tries; several requests of one browser write one cart at once
MAX_DOUBLINGS = 4  # doublings; the last pauses are at most 320 ms, so all tries end within a request

retry_on_conflict = retry_on(VersionConflict, tries=TRIES, max_doublings=MAX_DOUBLINGS)
