"""The process dies between any two calls to AWS."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from notify.app.api import api
from notify.app.consume import consume
from notify.app.feedback import consume as handle_feedback
from notify.tables.rows import BlockRow
from shared.runtime import clock
from tests.notify.event_data import shipped
from tests.notify.mailbox import emails, notifications, sms_messages
from tests.notify.requests import ALL, DEFAULT, MAIL, OFFER, choose, queued, register_reachable, write
from tests.notify.ses_feedback import bounce
from tests.support import Context, call, idempotency_headers, sqs_event, staff

Action = Callable[[], Any]


class Killed(BaseException):
    """The process died."""


@contextmanager
def killed_at(call_number: int, *, answered: bool) -> Iterator[list[int]]:
    """Kill the process before its call to AWS of that number, or after it if `answered`.

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


def kill_and_go_on(
    action: Action, call_number: int, *, answered: bool, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Kill the action at that call, then repeat it as its queue does; return whether it was killed."""
    was_killed = False
    with killed_at(call_number, answered=answered):
        try:
            action()
        except Killed:
            was_killed = True
    now = clock.now()
    for tries in range(1, 4):
        monkeypatch.setattr(clock, "now", lambda by=tries: now + timedelta(seconds=180 * by))
        if action() == DONE:
            return was_killed
    raise AssertionError("the action never succeeds")


DONE: dict[str, Any] = {"batchItemFailures": []}
# More than any action makes: the last ones are not killed.
CALLS = range(1, 11)


def event_message() -> Action:
    body = shipped().model_dump_json(exclude_none=True)
    return lambda: consume(sqs_event(body), Context())


def queued_message(body: dict[str, Any]) -> Action:
    write(body)
    (message,) = queued()
    return lambda: consume(sqs_event(message), Context())


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_an_order_message_is_sent_at_least_once_per_channel(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    register_reachable(ALL)
    before = len(emails())
    kill_and_go_on(event_message(), call_number, answered=answered, monkeypatch=monkeypatch)
    stored = [row for row in notifications() if row.template == "order_shipped"]
    assert sorted((row.channel, row.status) for row in stored) == [("email", "sent"), ("sms", "sent")]
    assert 1 <= len(emails()) - before <= 2
    assert 1 <= len(sms_messages()) <= 2
    assert (len(emails()) - before) + len(sms_messages()) <= 3  # one death, one repetition


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_marketing_is_sent_at_most_once(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    was_killed = kill_and_go_on(
        queued_message(OFFER), call_number, answered=answered, monkeypatch=monkeypatch
    )
    (row,) = notifications()
    assert len(emails()) <= 1
    assert row.status in ({"sent", "failed"} if was_killed else {"sent"})
    assert row.status == "failed" or len(emails()) == 1


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_a_bounce_blocks_the_address_and_sends_a_text_message(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    register_reachable(DEFAULT)
    event_message()()
    choose(ALL)
    (row,) = (stored for stored in notifications() if stored.template == "order_shipped")
    report = bounce(row.pk)
    kill_and_go_on(
        lambda: handle_feedback(sqs_event(report), Context()),
        call_number,
        answered=answered,
        monkeypatch=monkeypatch,
    )
    (email,) = (stored for stored in notifications() if stored.pk == row.pk)
    assert (email.status, email.instead) == ("bounced", "sms")
    assert BlockRow.count("block#bounce#ada@example.com") == 1
    assert 1 <= len(sms_messages()) <= 2


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", range(1, 6))
def test_a_repeated_request_sends_the_message_once(cloud: None, call_number: int, answered: bool) -> None:
    def request() -> Any:
        return call(
            api, "POST", "/notifications/email", body=MAIL, caller=staff(), headers=idempotency_headers("k")
        )

    with killed_at(call_number, answered=answered):
        try:
            request()
        except Killed:
            pass
    assert request().status == 202
    messages = queued()
    assert messages and len({json.loads(message)["id"] for message in messages}) == 1
    assert consume(sqs_event(*messages), Context()) == DONE
    assert len(emails()) == len(notifications()) == 1
