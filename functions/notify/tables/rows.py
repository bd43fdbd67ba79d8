"""The table's rows and their indexes, told apart by how their keys begin."""

import json
from contextlib import suppress
from typing import Any, ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

from notify.settings import settings
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION

SHOWN = [
    *("channel", "template", "category", "language", "to", "order_id", "status", "updated_at"),
    *("reason", "instead", "instead_of", "history", "version"),
]


class ByUser(GlobalSecondaryIndex["NotificationRow"]):  # type: ignore[no-untyped-call]
    """What an account was told, newest first."""

    class Meta:
        index_name = "by-user"
        projection = IncludeProjection(SHOWN)

    user_id = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class ByRecipient(GlobalSecondaryIndex["NotificationRow"]):  # type: ignore[no-untyped-call]
    """What an address or number was told, newest first."""

    class Meta:
        index_name = "by-recipient"
        projection = IncludeProjection(SHOWN)

    recipient = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class WordsAttribute(JSONAttribute):
    """JSON in which a letter of another script is no longer than it is: a row has 400 KB."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)


class NotifyRow(Row):
    """Any row of the table; its subclasses share its connection. `expires_at`: epoch seconds, for TTL."""

    class Meta:
        table_name = settings().notify_table
        region = REGION

    PREFIX: ClassVar[str] = ""

    by_user = ByUser()  # the connection knows the indexes of the class that opened it
    by_recipient = ByRecipient()
    pk = UnicodeAttribute(hash_key=True)
    expires_at = NumberAttribute(null=True)


class NotificationRow(NotifyRow):
    """pk `ntf_…`: something told once by one channel, and what became of it.

    `leased_until` (epoch seconds) is there while it is `queued`, 0 while nobody sends it. `text` is what a
    text message in a mail's place would say; `words` what staff wrote, until it went out; `fingerprint` that
    of their request; `history` the statuses with their times, the oldest first. `outlasts` and `good_until`
    are the letter's, for the text message in its place.
    """

    by_user = ByUser()
    by_recipient = ByRecipient()
    channel = UnicodeAttribute()
    template = UnicodeAttribute()
    about = UnicodeAttribute()
    matter = UnicodeAttribute(null=True)
    category = UnicodeAttribute()
    language = UnicodeAttribute(null=True)
    to = UnicodeAttribute()
    recipient = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)
    order_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    event_id = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    cause = UnicodeAttribute(null=True)
    instead = UnicodeAttribute(null=True)
    instead_of = UnicodeAttribute(null=True)
    history = JSONAttribute()
    leased_until = NumberAttribute(null=True)
    text = UnicodeAttribute(null=True)
    words = WordsAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    outlasts = JSONAttribute(null=True)
    good_until = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()


class ContactRow(NotifyRow):
    """pk `contact#<user>`: how an account is reached. `phone` is E.164; `version` that of its last event."""

    PREFIX = "contact#"

    name = UnicodeAttribute(null=True)
    email = UnicodeAttribute()
    phone = UnicodeAttribute(null=True)
    version = NumberAttribute()


class AddressRow(NotifyRow):
    """pk `address#<address>`: whose account it is."""

    PREFIX = "address#"

    user_id = UnicodeAttribute()


class PreferencesRow(NotifyRow):
    """pk `preferences#<user>`: what its owner chose; absent where they never did. `email` and `sms` hold
    `orders` and `marketing`; `offers_since` is when the marketing of `email` was switched on."""

    PREFIX = "preferences#"

    email = JSONAttribute()
    sms = JSONAttribute()
    language = UnicodeAttribute(null=True)
    offers_since = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()


class BlockRow(NotifyRow):
    """pk `block#<why>#<recipient>`: nothing (or no marketing) goes there any more."""

    PREFIX = "block#"

    at = UTCDateTimeAttribute()


class CounterRow(NotifyRow):
    """pk `count#<what>#<when>`: how often it was told then."""

    PREFIX = "count#"

    value = NumberAttribute()


def warm_up() -> None:
    """Make the client during init."""
    warm(NotifyRow)


def probe() -> None:
    """Raises when the table cannot be read."""
    with suppress(NotifyRow.DoesNotExist):
        NotifyRow.get("health")
