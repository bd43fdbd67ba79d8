"""Killed between any two calls: what is at least once comes, what is at most once comes no second time."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from notify.app.api import api
from notify.app.consume import consume
from notify.app.feedback import consume as hear
from notify.tables.rows import BlockRow
from shared.runtime import clock
from tests.notify.event_data import shipped
from tests.notify.mailbox import emails, notifications, sms_messages
from tests.notify.requests import ALL, DEFAULT, MAIL, OFFER, choose, queued, register_reachable, write
from tests.notify.ses_feedback import bounce
from tests.support import Context, call, idempotency_headers, sqs_event, staff

Deed = Callable[[], Any]


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(call_number: int, *, answered: bool) -> Iterator[list[int]]:
    """The process ends at its call to AWS of that number: before it, or when it was `answered`.

    Yields the count of calls so far.
    """
    made, answer = [0], BotocoreStubber.__call__

    def counting(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        made[0] += 1
        if made[0] == call_number and not answered:
            raise Killed
        result = answer(self, *args, **kwargs)
        if made[0] == call_number:
            raise Killed
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "__call__", counting)
        yield made


def kill_and_go_on(deed: Deed, call_number: int, *, answered: bool, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Kill the deed at that call, then repeat it as its queue does; whether it had so many calls."""
    was_killed = False
    with killed_at(call_number, answered=answered):
        try:
            deed()
        except Killed:
            was_killed = True
    now = clock.now()
    for tries in range(1, 4):
        monkeypatch.setattr(clock, "now", lambda by=tries: now + timedelta(seconds=180 * by))
        if deed() == DONE:
            return was_killed
    raise AssertionError("it is never done")


DONE: dict[str, Any] = {"batchItemFailures": []}
# More than any deed here makes; the last ones find it done before they could kill.
CALLS = range(1, 11)


def event_message() -> Deed:
    body = shipped().model_dump_json(exclude_none=True)
    return lambda: consume(sqs_event(body), Context())


def promised_message(body: dict[str, Any]) -> Deed:
    write(body)
    (message,) = queued()
    return lambda: consume(sqs_event(message), Context())


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_an_orders_news_comes_at_least_once_by_each_channel(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    register_reachable(ALL)
    before = len(emails())
    kill_and_go_on(event_message(), call_number, answered=answered, monkeypatch=monkeypatch)
    told = [row for row in notifications() if row.template == "order_shipped"]
    assert sorted((row.channel, row.status) for row in told) == [("email", "sent"), ("sms", "sent")]
    assert 1 <= len(emails()) - before <= 2
    assert 1 <= len(sms_messages()) <= 2
    assert (len(emails()) - before) + len(sms_messages()) <= 3  # one death, one repetition


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_an_offer_comes_at_most_once(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    was_killed = kill_and_go_on(
        promised_message(OFFER), call_number, answered=answered, monkeypatch=monkeypatch
    )
    (row,) = notifications()
    assert len(emails()) <= 1
    assert row.status in ({"sent", "failed"} if was_killed else {"sent"})
    assert row.status == "failed" or len(emails()) == 1


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_what_bounced_is_remembered_and_told_by_text(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    register_reachable(DEFAULT)
    event_message()()
    choose(ALL)
    (row,) = (told for told in notifications() if told.template == "order_shipped")
    said = bounce(row.pk)
    kill_and_go_on(
        lambda: hear(sqs_event(said), Context()), call_number, answered=answered, monkeypatch=monkeypatch
    )
    (email,) = (told for told in notifications() if told.pk == row.pk)
    assert (email.status, email.instead) == ("bounced", "sms")
    assert BlockRow.count("block#bounce#ada@example.com") == 1
    assert 1 <= len(sms_messages()) <= 2


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", range(1, 6))
def test_a_promise_is_kept_however_its_making_ended(cloud: None, call_number: int, answered: bool) -> None:
    def ask() -> Any:
        return call(
            api, "POST", "/notifications/email", body=MAIL, caller=staff(), headers=idempotency_headers("k")
        )

    with killed_at(call_number, answered=answered):
        try:
            ask()
        except Killed:
            pass
    assert ask().status == 202
    messages = queued()
    assert messages and len({json.loads(message)["id"] for message in messages}) == 1
    assert consume(sqs_event(*messages), Context()) == DONE
    assert len(emails()) == len(notifications()) == 1
