"""Preferences, changed by the signed-in user or by an unsubscribe link."""

from dataclasses import replace

from notify import unsubscribe_links
from notify.domain.messages import Category
from notify.domain.recipients import Block, Choice, Preferences
from notify.tables import recipients
from shared.dynamodb.concurrency import VersionConflict, require_version, retry_on
from shared.runtime import clock

TRIES = 5  # tries; a person changes preferences in one or two places at once
MAX_DOUBLINGS = 3  # doublings; the last pause is at most 160 ms, so all tries end within a request


def read(user_id: str) -> Preferences:
    """Return the account's preferences, or the defaults."""
    return recipients.preferences(user_id)


@retry_on(VersionConflict, tries=TRIES, max_doublings=MAX_DOUBLINGS)
def replace_preferences(
    user_id: str, email: Choice, sms: Choice, language: str | None, if_match: int | None
) -> Preferences:
    """Replace the account's preferences. Raises Stale, ConcurrentUpdate."""
    now, before = clock.now(), recipients.preferences(user_id)
    require_version(if_match, before.version)
    updated = before.changed(email, sms, language, now)
    recipients.save_preferences(user_id, updated, now)
    return updated


@retry_on(VersionConflict, tries=TRIES, max_doublings=MAX_DOUBLINGS)
def unsubscribe(token: str) -> None:
    """Unsubscribe the account or address of a link; an address also unsubscribes its account. Idempotent.

    Raises Malformed, ConcurrentUpdate.
    """
    unsubscription, now = unsubscribe_links.read(token), clock.now()
    user_id: str | None = unsubscription.name
    if unsubscription.whose == "address":
        recipients.block(unsubscription.name, Block.MARKETING, now)
        user_id = recipients.account_of(unsubscription.name)
    if user_id is None:
        return
    before = recipients.preferences(user_id)
    off = {"orders": False} if unsubscription.category is Category.ORDERS else {"marketing": False}
    email = replace(before.email, **off)
    if email != before.email:
        updated = before.changed(email, before.sms, before.language, now)
        recipients.save_preferences(user_id, updated, now)
