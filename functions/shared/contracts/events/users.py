"""Events of users."""

from typing import Literal

from shared.contracts.events.envelope import Event, EventData


class UserData(EventData):
    """An account. `phone` is not normalized."""

    user_id: str
    email: str
    name: str
    phone: str | None = None


class UserRegistered(Event):
    type: Literal["user.registered"] = "user.registered"
    data: UserData
