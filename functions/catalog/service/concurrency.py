"""The retry policy of use cases that write products or stock."""

from shared.dynamodb.concurrency import VersionConflict, retry_on
from shared.dynamodb.rows import ConcurrentUpdate

retry_on_conflict = retry_on(VersionConflict, ConcurrentUpdate, tries=12, max_doublings=5)
