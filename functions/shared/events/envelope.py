"""The envelope that every event travels in: CloudEvents 1.0 in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """Data of an event. Consumers ignore fields that are new to them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Event(Fact):
    """The envelope (CloudEvents 1.0, https://github.com/cloudevents/spec).

    `id` is derived from the row's key and version, so that saying it twice says the same; `sequence` grows
    per `subject`, so that a consumer can tell what is newer. An order's counts its events one by one: who
    hears them all can tell that one is missing.
    """

    TYPES: ClassVar[dict[str, type["Event"]]] = {}

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: int
    requestid: str | None = None
    traceparent: str | None = None
    data: Any

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        Event.TYPES[cls.kind()] = cls

    @classmethod
    def kind(cls) -> str:
        """The event's type, such as `order.paid`."""
        return str(cls.model_fields["type"].default)

    @classmethod
    def about(
        cls,
        data: Fact,
        *,
        subject: str,
        version: int,
        at: datetime,
        request_id: str | None = None,
    ) -> "Event":
        """The event that says `data` of `subject` at its `version`."""
        kind = cls.kind()
        return cls(
            id=f"{subject}.{version}.{kind}",
            source=f"/tillstack/{kind.partition('.')[0]}",
            type=kind,
            time=at,
            subject=subject,
            sequence=version,
            requestid=request_id,
            data=data,
        )


def read_event(message: Mapping[str, Any]) -> Event:
    """The typed event of a message. Raises KeyError (unknown type) or ValidationError (wrong shape)."""
    return Event.TYPES[message["type"]].model_validate(message)
