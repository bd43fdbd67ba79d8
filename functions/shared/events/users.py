"""What users says."""

from typing import Literal

from shared.events.envelope import Event, Fact


class UserFacts(Fact):
    """An account; `phone` as its owner wrote it."""

    user_id: str
    email: str
    name: str
    phone: str | None = None


class UserRegistered(Event):
    type: Literal["user.registered"] = "user.registered"
    data: UserFacts
