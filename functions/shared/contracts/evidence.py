"""When the evidence of a dispute is requested again."""

from datetime import timedelta

# How long before its evidence is due an open dispute is published again, as a reminder.
EVIDENCE_NOTICE = timedelta(days=3)
