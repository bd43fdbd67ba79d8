"""The rows of the table and its indexes; each kind of row has its own prefix of `pk`."""

from contextlib import suppress
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

from notify.settings import settings
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION

LISTED = [
    *("channel", "template", "category", "language", "to", "order_id", "status", "updated_at"),
    *("reason", "instead", "instead_of", "history", "version"),
]


class ByUser(GlobalSecondaryIndex["NotificationRow"]):  # type: ignore[no-untyped-call]
    """The notifications of an account, by time."""

    class Meta:
        index_name = "by-user"
        projection = IncludeProjection(LISTED)

    user_id = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class ByRecipient(GlobalSecondaryIndex["NotificationRow"]):  # type: ignore[no-untyped-call]
    """The notifications to an address or number, by time."""

    class Meta:
        index_name = "by-recipient"
        projection = IncludeProjection(LISTED)

    recipient = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class NotifyRow(Row):
    """Any row of the table. `expires_at` is in epoch seconds, for TTL."""

    class Meta:
        table_name = settings().notify_table
        region = REGION

    PREFIX: ClassVar[str] = ""

    by_user = ByUser()  # the subclasses share one connection, which has the indexes of this class
    by_recipient = ByRecipient()
    pk = UnicodeAttribute(hash_key=True)
    expires_at = NumberAttribute(null=True)


class NotificationRow(NotifyRow):
    """pk `ntf_…`: a message on one channel, and its outcome.

    `leased_until` (epoch seconds) exists while the status is `queued`; it is 0 while nobody sends it.
    `at` is set when the row is listed: once it has an outcome or waits for a retry, and at once for a message
    of staff. A claim without it costs no writes of indexes. `invoice_number` is that of the attached invoice.
    `sms_text` is sent if the email bounces; for that, `not_superseded_by` and `valid_until` are stored too.
    `staff_content` is what staff wrote, until it is sent; `fingerprint` is that of their request. `history`
    holds the statuses with their times, oldest first.
    """

    by_user = ByUser()
    by_recipient = ByRecipient()
    channel = UnicodeAttribute()
    template = UnicodeAttribute()
    dedupe_key = UnicodeAttribute()
    subject_id = UnicodeAttribute(null=True)
    category = UnicodeAttribute()
    language = UnicodeAttribute(null=True)
    to = UnicodeAttribute()
    recipient = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)
    order_id = UnicodeAttribute(null=True)
    invoice_number = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    at = UTCDateTimeAttribute(null=True)
    updated_at = UTCDateTimeAttribute()
    event_id = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    cause = UnicodeAttribute(null=True)
    instead = UnicodeAttribute(null=True)
    instead_of = UnicodeAttribute(null=True)
    history = JsonAttribute()
    leased_until = NumberAttribute(null=True)
    sms_text = UnicodeAttribute(null=True)
    staff_content = JsonAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    not_superseded_by = JsonAttribute(null=True)
    valid_until = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()


class ContactRow(NotifyRow):
    """pk `contact#<user>`: how an account is reached. `phone` is in E.164; `version` is the last event's."""

    PREFIX = "contact#"

    name = UnicodeAttribute(null=True)
    email = UnicodeAttribute()
    phone = UnicodeAttribute(null=True)
    version = NumberAttribute()


class AddressRow(NotifyRow):
    """pk `address#<recipient>`: the account that has the address."""

    PREFIX = "address#"

    user_id = UnicodeAttribute()


class PreferencesRow(NotifyRow):
    """pk `preferences#<user>`: the account's preferences, once they are saved. `email` and `sms` hold
    `orders` and `marketing`; `marketing_since` is when marketing by email was turned on."""

    PREFIX = "preferences#"

    email = JsonAttribute()
    sms = JsonAttribute()
    language = UnicodeAttribute(null=True)
    marketing_since = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()


class BlockRow(NotifyRow):
    """pk `block#<block>#<recipient>`: a block of this address, and when it was set."""

    PREFIX = "block#"

    at = UTCDateTimeAttribute()


class CounterRow(NotifyRow):
    """pk `count#<counter>`: the number of notifications in a period."""

    PREFIX = "count#"

    value = NumberAttribute()


def warm_up() -> None:
    """Build the client during init."""
    warm(NotifyRow)


def probe() -> None:
    """Raise if the table cannot be read."""
    with suppress(NotifyRow.DoesNotExist):
        NotifyRow.get("health")
