"""The events that notify publishes: notifications that did not reach their recipient."""

from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from notify.app.consume import consume
from notify.app.relay import relay
from shared.contracts.events.notify import NotificationBounced
from shared.contracts.events.published import read_event
from tests.notify.event_data import cancelled, paid, refunded, shipped
from tests.notify.mailbox import notifications, only_notification
from tests.notify.requests import ALL_OFF, ALL_ON, DEFAULTS, deliver, put_preferences, register_customer
from tests.notify.ses_feedback import bounce, complaint, deliver_feedback, delivery
from tests.support import ACCOUNT, ENVIRONMENT, REGION, Context, image, stream_event

Published = Callable[[str], list[dict[str, Any]]]


def images() -> dict[str, dict[str, Any]]:
    """Return every row of the table as a stream image, by key."""
    table = dynamodb_backends[ACCOUNT][REGION].tables[ENVIRONMENT["NOTIFY_TABLE"]]
    return {item.hash_key.value: item.to_json()["Attributes"] for item in table.all_items()}


def published_since(before: dict[str, dict[str, Any]], published: Published) -> list[NotificationBounced]:
    """Relay the changes of the table since `before` and return the published events."""
    changes = [(before.get(key), new) for key, new in images().items() if before.get(key) != new]
    relay(stream_event(*changes), Context())
    events = [read_event(message) for message in published("notify")]
    assert all(isinstance(event, NotificationBounced) for event in events)
    return events  # type: ignore[return-value]


def test_a_bounce_is_published_with_its_order_and_the_other_channel(
    cloud: None, published: Published
) -> None:
    register_customer(DEFAULTS)
    deliver(consume, paid())
    put_preferences(ALL_ON)
    row = only_notification(template="order_confirmation")
    before = images()
    assert deliver_feedback(bounce(row.pk)) == []
    (event,) = published_since(before, published)
    assert event.data.model_dump() == {
        "notification_id": row.pk,
        "template": "order_confirmation",
        "channel": "email",
        "status": "bounced",
        "reason": "Permanent, General, smtp; 550 5.1.1 user unknown",
        "order_id": "ord_1",
        "user_id": "usr_1",
        "instead": "sms",
    }
    assert event.subject == row.pk and event.sequence == 3
    assert event.id == f"{row.pk}.3.notification.bounced"


def test_an_email_to_a_blocked_address_is_published(cloud: None, published: Published) -> None:
    deliver(consume, paid())
    deliver_feedback(bounce(notifications()[0].pk))
    before = images()
    deliver(consume, shipped())
    (event,) = published_since(before, published)
    assert (event.data.template, event.data.status, event.data.instead) == (
        "order_shipped",
        "suppressed",
        None,
    )


def test_a_complaint_and_a_failure_are_published(cloud: None, published: Published) -> None:
    deliver(consume, paid(), shipped(email="not an address"))
    (failed,) = published_since({}, published)
    assert (failed.data.status, failed.data.reason) == ("failed", "invalid email address")
    before = images()
    row = only_notification(template="order_confirmation")
    deliver_feedback(complaint(row.pk))
    assert [event.data.status for event in published_since(before, published)] == ["complained"]


def test_a_hard_bounce_after_a_soft_one_is_published_again(cloud: None, published: Published) -> None:
    register_customer(DEFAULTS)
    deliver(consume, paid())
    put_preferences(ALL_ON)
    row = only_notification(template="order_confirmation")
    soft = bounce(row.pk, "Transient")
    events = []
    for feedback in (soft, soft, bounce(row.pk), soft):
        before = images()
        assert deliver_feedback(feedback) == []
        events += published_since(before, published)
    first, second = ({event.id: event for event in events}).values()
    assert (first.data.reason.split(",")[0], first.data.instead) == ("Transient", None)
    assert (second.data.reason.split(",")[0], second.data.instead) == ("Permanent", "sms")


def test_successful_and_unwanted_notifications_are_not_published(cloud: None, published: Published) -> None:
    register_customer(ALL_ON)
    deliver(consume, cancelled(), paid())  # the second is superseded
    for row in notifications():
        if row.status == "sent" and row.channel == "email":
            deliver_feedback(delivery(row.pk))
    put_preferences(ALL_OFF)
    deliver(consume, refunded(100, 100))
    assert published_since({}, published) == []


def test_other_changes_and_deletions_of_a_row_are_not_published(cloud: None, published: Published) -> None:
    deliver(consume, paid())
    deliver_feedback(bounce(notifications()[0].pk))
    row = image(notifications()[0])
    relay(stream_event((row, row | {"version": {"N": "9"}}), (row, None)), Context())
    assert published("notify") == []
