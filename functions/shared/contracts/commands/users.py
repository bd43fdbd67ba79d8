"""The commands that users handles."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.commands.base import Command, Message


class Guest(Message):
    user_id: str


class IdentifyGuest(Command):
    """Return the guest whose access token this is. Handled by users. Rejected with `invalid` if the token
    is not a guest's, was altered, or has expired."""

    command: ClassVar[str] = "identify_guest"
    result: ClassVar = Guest

    token: str


class Account(Message):
    user_id: str
    roles: list[str]


class EnsureAccount(Command):
    """Create the account, or set the roles and the password of an existing one. For operators (IAM only)."""

    command: ClassVar[str] = "ensure_account"
    result: ClassVar = Account

    email: str
    password: str
    name: str
    roles: Annotated[list[str], Field(min_length=1)]
