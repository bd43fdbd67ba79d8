"""Marketing emails, which are sent at most once, and other staff messages, which are sent at least once."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from notify import mailer, rendering
from notify.app.consume import consume
from notify.tables import notifications as rows
from notify.tables import recipients
from shared.errors import Unavailable
from tests.notify.event_data import paid
from tests.notify.mailbox import emails, notifications, only_notification
from tests.notify.requests import (
    EMAIL_REQUEST,
    MARKETING_REQUEST,
    ProcessDied,
    advance_clock,
    deliver,
    die,
    post_message,
    receive_queued,
)
from tests.notify.ses_feedback import deliver_feedback, delivery
from tests.support import Context, sqs_event

FAILED = {"batchItemFailures": [{"itemIdentifier": "m0"}]}
DONE: dict[str, Any] = {"batchItemFailures": []}


def queued_email(body: dict[str, Any]) -> Any:
    """Request an email and return the SQS event with its message."""
    post_message(body)
    (message,) = receive_queued()
    return sqs_event(message)


def ses_error(status: int, code: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "not now"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SendRawEmail")


@pytest.mark.parametrize(
    ("module", "name", "sent"),
    [(rendering, "_template", 0), (mailer, "compose", 0), (rows, "record_outcome", 1)],
    ids=["before rendering", "before sending", "before the record"],
)
def test_a_marketing_email_is_not_sent_again_after_the_process_died(
    cloud: None, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, sent: int
) -> None:
    event = queued_email(MARKETING_REQUEST)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        with pytest.raises(ProcessDied):
            consume(event, Context())
    assert consume(event, Context()) == FAILED  # within the lease, the process may still be running
    advance_clock(monkeypatch, timedelta(seconds=121))
    for _ in range(2):
        assert consume(event, Context()) == DONE
    assert len(emails()) == sent
    row = only_notification()
    assert (row.status, row.cause) == ("failed", "interrupted")
    assert deliver_feedback(delivery(row.pk)) == []
    row = only_notification()
    assert row.status == "delivered" and row.cause is None and row.reason is None


@pytest.mark.parametrize(
    ("module", "name", "sent"),
    [(recipients, "read", 1), (mailer, "compose", 1), (rows, "record_outcome", 2)],
    ids=["before rendering", "before sending", "before the record"],
)
def test_any_other_email_is_sent_again_after_the_process_died(
    cloud: None, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, sent: int
) -> None:
    event = queued_email(EMAIL_REQUEST)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        with pytest.raises(ProcessDied):
            consume(event, Context())
    advance_clock(monkeypatch, timedelta(seconds=121))
    for _ in range(2):
        assert consume(event, Context()) == DONE
    assert len(emails()) == sent
    assert notifications()[0].status == "sent"


def test_a_marketing_email_is_not_sent_again_after_a_timeout_of_ses(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = queued_email(MARKETING_REQUEST)
    with monkeypatch.context() as patch:

        def fail(**request: Any) -> None:
            raise ReadTimeoutError(endpoint_url="https://email.eu-west-1.amazonaws.com")

        patch.setattr(mailer._ses(1), "send_raw_email", fail)
        assert consume(event, Context()) == DONE
    assert consume(event, Context()) == DONE
    assert emails() == []
    assert (notifications()[0].status, notifications()[0].cause) == ("failed", "interrupted")


@pytest.mark.parametrize("status", [500, 503])
def test_a_marketing_email_is_not_sent_again_after_a_server_error_of_ses(
    cloud: None, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    event = queued_email(MARKETING_REQUEST)
    with monkeypatch.context() as patch:

        def fail(**request: Any) -> None:
            raise ses_error(status, "ServiceUnavailable")

        patch.setattr(mailer._ses(1), "send_raw_email", fail)
        assert consume(event, Context()) == DONE
    assert consume(event, Context()) == DONE
    assert emails() == []
    assert (notifications()[0].status, notifications()[0].cause) == ("failed", "interrupted")


@pytest.mark.parametrize("failure", ["throttled", "rendering"])
def test_a_marketing_email_that_was_certainly_not_sent_is_retried(
    cloud: None, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    event = queued_email(MARKETING_REQUEST)
    with monkeypatch.context() as patch:
        if failure == "throttled":

            def fail(**request: Any) -> None:
                raise ses_error(400, "Throttling")

            patch.setattr(mailer._ses(1), "send_raw_email", fail)
        else:
            patch.setattr(rendering, "_template", lambda *_: 1 / 0)
        assert consume(event, Context()) == FAILED
    assert consume(event, Context()) == DONE
    assert len(emails()) == 1 and notifications()[0].status == "sent"


def test_the_ses_client_for_marketing_does_not_retry(cloud: None) -> None:
    assert mailer._ses(1).meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("body", [EMAIL_REQUEST, MARKETING_REQUEST])
def test_a_staff_message_is_retried_if_the_table_is_busy(
    cloud: None, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    event = queued_email(body)
    with monkeypatch.context() as patch:
        patch.setattr(recipients, "read", raise_unavailable)
        assert consume(event, Context()) == FAILED
    assert consume(event, Context()) == DONE
    assert len(emails()) == 1 and notifications()[0].status == "sent"


def raise_unavailable(*_: object, **__: object) -> None:
    raise Unavailable("The notifications table is busy; retry.")


def test_a_retry_after_a_busy_table_does_not_wait_for_the_lease(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(recipients, "read", raise_unavailable)
        assert deliver(consume, paid()) == ["m0"]
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1
