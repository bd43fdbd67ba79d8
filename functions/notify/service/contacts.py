"""The addresses and phone numbers of accounts."""

from notify.domain.addresses import e164
from notify.tables import recipients
from shared.contracts.events.users import UserRegistered


def save(event: UserRegistered) -> None:
    """Store the contact of a new account, unless a newer version is stored."""
    user = event.data
    recipients.save_contact(user.user_id, user.email, user.name, e164(user.phone or ""), event.sequence)
