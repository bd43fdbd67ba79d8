"""Those who write the same stock or products at the same time."""

from catalog.tables.rows import VersionConflict
from shared.dynamodb.concurrency import retry_on
from shared.dynamodb.rows import ConcurrentUpdate

again_when_overtaken = retry_on(VersionConflict, ConcurrentUpdate, tries=12, max_doublings=5)
