"""The retry policy for concurrent writes to one cart, coupon or rate."""

from shared.dynamodb.concurrency import VersionConflict, retry_on

retry_on_conflict = retry_on(VersionConflict, tries=10, max_doublings=4)
