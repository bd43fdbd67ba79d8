"""The bases of commands and of their results."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.models import Model


class Message(Model):
    """Base of commands and results. Unknown fields are ignored, because services are deployed separately."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Command(Message):
    """A command: `command` is its name in the invocation, `result` the type of the result."""

    command: ClassVar[str]
    result: ClassVar[type[BaseModel]]


class Empty(Message):
    """The result of a command that returns nothing."""
