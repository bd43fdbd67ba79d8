"""What notify says: that something did not reach its reader, and nothing else."""

from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from notify.app.consume import consume
from notify.app.relay import relay
from shared.contracts.events import NotificationBounced, read_event
from tests.notify.event_data import cancelled, paid, refunded, shipped
from tests.notify.mailbox import notifications
from tests.notify.requests import ALL, DEFAULT, NONE, choose, register_reachable
from tests.notify.ses_feedback import bounce, complaint, delivery, say
from tests.support import ACCOUNT, ENVIRONMENT, REGION, Context, deliver, image, stream_event

Published = Callable[[str], list[dict[str, Any]]]


def images() -> dict[str, dict[str, Any]]:
    """Every row of the table, as a stream shows it."""
    table = dynamodb_backends[ACCOUNT][REGION].tables[ENVIRONMENT["NOTIFY_TABLE"]]
    return {item.hash_key.value: item.to_json()["Attributes"] for item in table.all_items()}


def said_since(before: dict[str, dict[str, Any]], published: Published) -> list[NotificationBounced]:
    """What the stream of all that changed since says."""
    changes = [(before.get(key), new) for key, new in images().items() if before.get(key) != new]
    relay(stream_event(*changes), Context())
    events = [read_event(message) for message in published("notify")]
    assert all(isinstance(event, NotificationBounced) for event in events)
    return events  # type: ignore[return-value]


def test_a_bounce_is_said_with_its_order_and_what_told_it_instead(cloud: None, published: Published) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    before = images()
    assert say(bounce(row.pk)) == []
    (event,) = said_since(before, published)
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


def test_a_mail_to_an_address_that_bounced_before_is_said_too(cloud: None, published: Published) -> None:
    deliver(consume, paid())
    say(bounce(notifications()[0].pk))
    before = images()
    deliver(consume, shipped())
    (event,) = said_since(before, published)
    assert (event.data.template, event.data.status, event.data.instead) == (
        "order_shipped",
        "suppressed",
        None,
    )


def test_a_complaint_and_a_refusal_are_said(cloud: None, published: Published) -> None:
    deliver(consume, paid(), shipped(email="not an address"))
    (failed,) = said_since({}, published)
    assert (failed.data.status, failed.data.reason) == ("failed", "invalid email address")
    before = images()
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    say(complaint(row.pk))
    assert [event.data.status for event in said_since(before, published)] == ["complained"]


def test_a_bounce_that_turns_out_hard_is_said_anew(cloud: None, published: Published) -> None:
    register_reachable(DEFAULT)
    deliver(consume, paid())
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_confirmation")
    soft = bounce(row.pk, "Transient")
    said = []
    for feedback in (soft, soft, bounce(row.pk), soft):
        before = images()
        assert say(feedback) == []
        said += said_since(before, published)
    first, second = ({event.id: event for event in said}).values()
    assert (first.data.reason.split(",")[0], first.data.instead) == ("Transient", None)
    assert (second.data.reason.split(",")[0], second.data.instead) == ("Permanent", "sms")


def test_what_goes_well_is_not_said(cloud: None, published: Published) -> None:
    register_reachable(ALL)
    deliver(consume, cancelled(), paid())  # the second is overtaken
    for row in notifications():
        if row.status == "sent" and row.channel == "email":
            say(delivery(row.pk))
    choose(NONE)
    deliver(consume, refunded(100, 100))
    assert said_since({}, published) == []


def test_a_change_that_is_no_news_and_an_end_say_nothing(cloud: None, published: Published) -> None:
    deliver(consume, paid())
    say(bounce(notifications()[0].pk))
    row = image(notifications()[0])
    relay(stream_event((row, row | {"version": {"N": "9"}}), (row, None)), Context())
    assert published("notify") == []
