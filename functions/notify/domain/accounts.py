"""Messages about an account."""

from notify.domain.messages import Category, Message, Template
from notify.domain.text import salutation
from shared.contracts.events.users import UserRegistered


def welcome(event: UserRegistered) -> Message:
    """Return the message, one per user."""
    user = event.data
    return Message(
        template=Template.WELCOME,
        dedupe_key=user.user_id,
        user_id=user.user_id,
        to=user.email,
        content={"name": salutation(user.name)},
        category=Category.SECURITY,  # the owner of the address must learn that an account was opened
    )
