"""Letters about an account."""

from notify.domain.letters import Category, Letter, Template
from notify.domain.wording import salutation
from shared.contracts.events import UserData


def welcome(user: UserData) -> Letter:
    """Once a user."""
    return Letter(
        template=Template.WELCOME,
        about=user.user_id,
        user_id=user.user_id,
        to=user.email,
        content={"name": salutation(user.name)},
        category=Category.SECURITY,  # who did not open the account must hear of it
    )
