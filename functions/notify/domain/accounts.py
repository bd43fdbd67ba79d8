"""Letters about an account."""

from notify.domain.letters import Letter, Template
from notify.domain.wording import salutation
from shared.events import UserFacts


def welcome(user: UserFacts) -> Letter:
    """Once a user."""
    return Letter(
        Template.WELCOME,
        user.user_id,
        user.user_id,
        user.email,
        "Welcome to Tillstack",
        {"name": salutation(user.name)},
    )
