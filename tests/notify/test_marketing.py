"""Marketing is sent at most once."""

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
from tests.notify.mailbox import emails, notifications
from tests.notify.requests import MAIL, OFFER, Died, die, pass_time, queued, write
from tests.notify.ses_feedback import deliver_feedback, delivery
from tests.support import Context, deliver, sqs_event

AGAIN = {"batchItemFailures": [{"itemIdentifier": "m0"}]}
DONE: dict[str, Any] = {"batchItemFailures": []}


def queue_message(body: dict[str, Any]) -> Any:
    """Queue an email and return its message."""
    write(body)
    (message,) = queued()
    return sqs_event(message)


def ses_answers(status: int, code: str) -> ClientError:
    error: Any = {
        "Error": {"Code": code, "Message": "not now"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(error, "SendRawEmail")


@pytest.mark.parametrize(
    ("place", "name", "sent"),
    [(rendering, "_template", 0), (mailer, "compose", 0), (rows, "record_outcome", 1)],
    ids=["before rendering", "before sending", "before recording"],
)
def test_interrupted_marketing_is_not_sent_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, sent: int
) -> None:
    message = queue_message(OFFER)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        with pytest.raises(Died):
            consume(message, Context())
    assert consume(message, Context()) == AGAIN  # its lease has not ended
    pass_time(monkeypatch, timedelta(seconds=121))
    for _ in range(2):
        assert consume(message, Context()) == DONE
    assert len(emails()) == sent
    (row,) = notifications()
    assert (row.status, row.cause) == ("failed", "interrupted")
    assert deliver_feedback(delivery(row.pk)) == []
    (row,) = notifications()
    assert row.status == "delivered" and row.cause is None and row.reason is None


@pytest.mark.parametrize(
    ("place", "name", "sent"),
    [(recipients, "read", 1), (mailer, "compose", 1), (rows, "record_outcome", 2)],
    ids=["before rendering", "before sending", "before recording"],
)
def test_any_other_interrupted_email_is_sent_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, sent: int
) -> None:
    message = queue_message(MAIL)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        with pytest.raises(Died):
            consume(message, Context())
    pass_time(monkeypatch, timedelta(seconds=121))
    for _ in range(2):
        assert consume(message, Context()) == DONE
    assert len(emails()) == sent
    assert notifications()[0].status == "sent"


def test_marketing_without_a_response_of_ses_is_not_sent_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = queue_message(OFFER)
    with monkeypatch.context() as patch:

        def answer(**request: Any) -> None:
            raise ReadTimeoutError(endpoint_url="https://email.eu-west-1.amazonaws.com")

        patch.setattr(mailer._ses(1), "send_raw_email", answer)
        assert consume(message, Context()) == DONE
    assert consume(message, Context()) == DONE
    assert emails() == []
    assert (notifications()[0].status, notifications()[0].cause) == ("failed", "interrupted")


@pytest.mark.parametrize("status", [500, 503])
def test_marketing_after_a_5xx_of_ses_is_not_sent_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    message = queue_message(OFFER)
    with monkeypatch.context() as patch:

        def answer(**request: Any) -> None:
            raise ses_answers(status, "ServiceUnavailable")

        patch.setattr(mailer._ses(1), "send_raw_email", answer)
        assert consume(message, Context()) == DONE
    assert consume(message, Context()) == DONE
    assert emails() == []
    assert (notifications()[0].status, notifications()[0].cause) == ("failed", "interrupted")


@pytest.mark.parametrize("why", ["throttled", "not rendered"])
def test_marketing_that_was_certainly_not_sent_is_retried(
    cloud: None, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    message = queue_message(OFFER)
    with monkeypatch.context() as patch:
        if why == "throttled":

            def answer(**request: Any) -> None:
                raise ses_answers(400, "Throttling")

            patch.setattr(mailer._ses(1), "send_raw_email", answer)
        else:
            patch.setattr(rendering, "_template", lambda *_: 1 / 0)
        assert consume(message, Context()) == AGAIN
    assert consume(message, Context()) == DONE
    assert len(emails()) == 1 and notifications()[0].status == "sent"


def test_the_client_for_marketing_does_not_retry(cloud: None) -> None:
    assert mailer._ses(1).meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("body", [MAIL, OFFER])
def test_a_busy_table_delays_a_message_of_staff(
    cloud: None, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    message = queue_message(body)
    with monkeypatch.context() as patch:
        patch.setattr(recipients, "read", busy)
        assert consume(message, Context()) == AGAIN
    assert consume(message, Context()) == DONE
    assert len(emails()) == 1 and notifications()[0].status == "sent"


def busy(*_: object, **__: object) -> None:
    raise Unavailable("The table is busy; retry.")


def test_a_busy_table_delays_a_message_but_not_for_its_lease(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(recipients, "read", busy)
        assert deliver(consume, paid()) == ["m0"]
    assert deliver(consume, paid()) == []
    assert len(emails()) == 1
