"""What readers choose to hear of, signed in or by a link in a mail."""

from dataclasses import replace

from notify import unsubscribe_links
from notify.domain.letters import Category
from notify.domain.readers import Block, Choice, Preferences
from notify.tables import readers
from notify.tables.notifications import VersionConflict
from shared.dynamodb.concurrency import require_version, retry_on
from shared.runtime import clock


def read(user_id: str) -> Preferences:
    """What an account chose, or what holds for those who never did."""
    return readers.preferences(user_id)


@retry_on(VersionConflict, tries=5, max_doublings=3)
def choose(
    user_id: str, email: Choice, sms: Choice, language: str | None, if_match: int | None
) -> Preferences:
    """Replace what an account chose. Raises Stale, ConcurrentUpdate."""
    now, before = clock.now(), readers.preferences(user_id)
    require_version(if_match, before.version)
    chosen = before.changed(email, sms, language, now)
    readers.save_preferences(user_id, chosen, now)
    return chosen


def check_link(token: str) -> None:
    """Raises Malformed where the link is none of ours."""
    unsubscribe_links.read(token)


@retry_on(VersionConflict, tries=5, max_doublings=3)
def unsubscribe(token: str) -> None:
    """End the mails that a link is of, to an address those to its account too; again changes nothing.

    Raises Malformed, ConcurrentUpdate.
    """
    asked, now = unsubscribe_links.read(token), clock.now()
    user_id: str | None = asked.name
    if asked.whose == "address":
        readers.block(asked.name, Block.MARKETING, now)
        user_id = readers.account_of(asked.name)
    if user_id is None:
        return
    chosen = readers.preferences(user_id)
    ended = {"orders": False} if asked.category is Category.ORDERS else {"marketing": False}
    email = replace(chosen.email, **ended)
    if email != chosen.email:
        changed = chosen.changed(email, chosen.sms, chosen.language, now)
        readers.save_preferences(user_id, changed, now)
