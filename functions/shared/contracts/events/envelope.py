"""The envelope of every event: CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from shared.models import Model


class EventData(Model):
    """The data of an event. Consumers ignore fields that they do not know."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Event(EventData):
    """An event.

    `id` is derived from the row's key and version, so that publishing twice publishes the same id. `sequence`
    grows per `subject`, so that a consumer can determine which event is newer; for an order it counts the
    events without gaps, so that a consumer of all of them can detect a missing one.
    """

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
    def event_type(cls) -> str:
        """Return the event's type, such as `order.paid`."""
        return str(cls.model_fields["type"].default)

    @classmethod
    def of(
        cls,
        data: EventData,
        *,
        subject: str,
        version: int,
        at: datetime,
        request_id: str | None = None,
    ) -> "Event":
        """Return the event of this type with `data`, for `subject` at its `version`."""
        event_type = cls.event_type()
        return cls(
            id=f"{subject}.{version}.{event_type}",
            source=f"/tillstack/{event_type.partition('.')[0]}",
            type=event_type,
            time=at,
            subject=subject,
            sequence=version,
            requestid=request_id,
            data=data,
        )
