"""The table of notifications, compared with the README, the samples and the consumers."""

import re

from localstack.mail.sample_data import SampleData
from localstack.mail.samples import events
from notify.consumers.queue import consumers
from notify.domain.messages import Category, Template
from notify.service.notifications import NOTIFICATIONS
from tests.support import ROOT

README = ROOT / "functions" / "notify" / "README.md"


def from_code() -> set[tuple[str, str, str]]:
    """Return (event type, template, recipient) of the messages that the sample events cause."""
    return {
        (event.type, message.template, "staff" if message.category is Category.INTERNAL else "customer")
        for event in events(SampleData())
        for build in NOTIFICATIONS[type(event)]
        if (message := build(event))
    }


def from_readme() -> list[tuple[str, ...]]:
    """Return (event type, template, recipient) of the README's rows."""
    section = README.read_text().partition("## Subscribes to\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w.]+)` \| `(\w+)` \| (\w+) \|", section, re.MULTILINE)


def test_the_readme_lists_the_notifications_of_the_code() -> None:
    rows = from_readme()
    assert len(rows) == len(set(rows))
    assert set(rows) == from_code()


def test_each_notification_of_the_table_has_a_sample() -> None:
    sampled = {
        build for event in events(SampleData()) for build in NOTIFICATIONS[type(event)] if build(event)
    }
    assert sampled == {build for builds in NOTIFICATIONS.values() for build in builds}
    assert {template for _, template, _ in from_code()} == set(Template) - {Template.STAFF_MESSAGE}


def test_consumers_handle_exactly_the_events_of_the_table() -> None:
    assert set(consumers.handlers) == {event.event_type() for event in NOTIFICATIONS}
