"""The death of the process before and after each call to AWS."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from botocore.endpoint import Endpoint

from notify.app.api import api
from notify.app.consume import consume
from notify.app.feedback import consume as consume_feedback
from notify.tables.rows import BlockRow
from shared.runtime import clock
from tests.notify.event_data import shipped
from tests.notify.mailbox import emails, notifications, only_notification, sms_messages
from tests.notify.requests import (
    ALL_ON,
    DEFAULTS,
    EMAIL_REQUEST,
    MARKETING_REQUEST,
    ProcessDied,
    post_message,
    put_preferences,
    receive_queued,
    register_customer,
)
from tests.notify.ses_feedback import bounce
from tests.support import Context, call, idempotency_headers, sqs_event, staff

Job = Callable[[], Any]
DONE: dict[str, Any] = {"batchItemFailures": []}


@contextmanager
def dying_at(call_number: int, *, answered: bool) -> Iterator[None]:
    """Let the process die at this call to AWS: after it if it is `answered`, else before it."""
    calls, send = itertools.count(1), Endpoint.make_request

    def send_or_die(self: Endpoint, *args: Any, **kwargs: Any) -> Any:
        is_last = next(calls) == call_number
        if is_last and not answered:
            raise ProcessDied
        response = send(self, *args, **kwargs)
        if is_last:
            raise ProcessDied
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Endpoint, "make_request", send_or_die)
        yield


def die_and_retry(job: Job, call_number: int, *, answered: bool, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run the job until it dies at this call, then retry it like its queue; return whether it died."""
    died = False
    with dying_at(call_number, answered=answered):
        try:
            job()
        except ProcessDied:
            died = True
    now = clock.now()
    for attempt in range(1, 4):
        monkeypatch.setattr(clock, "now", lambda by=attempt: now + timedelta(seconds=180 * by))
        if job() == DONE:
            return died
    raise AssertionError("the job did not succeed in three tries")


# More calls than any job makes: with the highest numbers, the process does not die.
CALLS = range(1, 11)


def shipped_job() -> Job:
    body = shipped().model_dump_json(exclude_none=True)
    return lambda: consume(sqs_event(body), Context())


def email_job(body: dict[str, Any]) -> Job:
    post_message(body)
    (message,) = receive_queued()
    return lambda: consume(sqs_event(message), Context())


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_a_message_about_an_order_is_sent_at_least_once_per_channel(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    register_customer(ALL_ON)
    before = len(emails())
    die_and_retry(shipped_job(), call_number, answered=answered, monkeypatch=monkeypatch)
    rows = [row for row in notifications() if row.template == "order_shipped"]
    assert sorted((row.channel, row.status) for row in rows) == [("email", "sent"), ("sms", "sent")]
    assert 1 <= len(emails()) - before <= 2
    assert 1 <= len(sms_messages()) <= 2
    assert (len(emails()) - before) + len(sms_messages()) <= 3  # at most one is repeated


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_a_marketing_email_is_sent_at_most_once(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    died = die_and_retry(
        email_job(MARKETING_REQUEST), call_number, answered=answered, monkeypatch=monkeypatch
    )
    row = only_notification()
    assert len(emails()) <= 1
    assert row.status in ({"sent", "failed"} if died else {"sent"})
    assert row.status == "failed" or len(emails()) == 1


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
def test_a_bounce_blocks_the_address_and_sends_a_text_message(
    cloud: None, monkeypatch: pytest.MonkeyPatch, call_number: int, answered: bool
) -> None:
    register_customer(DEFAULTS)
    shipped_job()()
    put_preferences(ALL_ON)
    row = only_notification(template="order_shipped")
    feedback = bounce(row.pk)
    die_and_retry(
        lambda: consume_feedback(sqs_event(feedback), Context()),
        call_number,
        answered=answered,
        monkeypatch=monkeypatch,
    )
    updated = only_notification(pk=row.pk)
    assert (updated.status, updated.instead) == ("bounced", "sms")
    assert BlockRow.count("block#bounce#ada@example.com") == 1
    assert 1 <= len(sms_messages()) <= 2


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", range(1, 6))
def test_a_repeated_request_for_a_staff_message_sends_one_email(
    cloud: None, call_number: int, answered: bool
) -> None:
    def request() -> Any:
        return call(
            api,
            "POST",
            "/notifications/email",
            body=EMAIL_REQUEST,
            caller=staff(),
            headers=idempotency_headers("k"),
        )

    with dying_at(call_number, answered=answered):
        try:
            request()
        except ProcessDied:
            pass
    assert request().status == 202
    messages = receive_queued()
    assert messages and len({json.loads(message)["id"] for message in messages}) == 1
    assert consume(sqs_event(*messages), Context()) == DONE
    assert len(emails()) == len(notifications()) == 1
