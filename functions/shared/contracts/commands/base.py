"""The base of commands, each with the type of its result, and of results."""

from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

R = TypeVar("R", bound=BaseModel)


class Message(BaseModel):
    """Base of commands and results. Unknown fields are ignored, because services are deployed separately."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Command(Message, Generic[R]):
    """A command: `command` is its name in the invocation, `result` the type of the result."""

    command: ClassVar[str]
    result: ClassVar[type[BaseModel]]


class Empty(Message):
    """The result of a command that returns nothing."""
