"""Those who write the same cart, coupon or charge at the same time."""

from cart.tables.rows import VersionConflict
from shared.dynamodb.concurrency import retry_on

until_written = retry_on(VersionConflict, tries=10, max_doublings=4)
