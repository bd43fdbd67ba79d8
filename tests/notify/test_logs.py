"""Logs contain neither addresses nor numbers."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from notify import mailer, sms_client
from notify.app.consume import consume
from notify.domain import limits
from notify.domain.limits import hourly
from notify.tables import notifications as rows
from notify.tables.rows import NotificationRow
from shared.errors import Unavailable
from tests.notify.event_data import paid, shipped
from tests.notify.mailbox import notifications
from tests.notify.requests import ALL, PHONE, register_reachable
from tests.support import deliver

AGAIN = ["m0"]


def refuse(monkeypatch: pytest.MonkeyPatch, client: Any, name: str, error: Exception) -> None:
    """Make SES or SNS raise the error."""

    def answer(**request: Any) -> None:
        raise error

    monkeypatch.setattr(client, name, answer)


UNVERIFIED = "Email address is not verified. The following identities failed the check: "


@pytest.mark.parametrize("failed", ["orders@tillstack.example, ada@example.com", "Ada@Example.com"])
def test_logs_omit_an_address_that_ses_names(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failed: str
) -> None:
    reason = {"Code": "MessageRejected", "Message": UNVERIFIED + failed}
    answer: Any = {"Error": reason, "ResponseMetadata": {"HTTPStatusCode": 400}}
    refuse(monkeypatch, mailer._ses(), "send_raw_email", ClientError(answer, "SendRawEmail"))

    def busy(*_: object, **__: object) -> None:
        raise Unavailable("the record")

    monkeypatch.setattr(rows, "record_outcome", busy)
    assert deliver(consume, paid()) == AGAIN
    assert "not verified" in caplog.text  # operators need the reason
    assert "ada@example" not in caplog.text.lower()


def fail(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, *, where: str) -> None:
    """Make the function `name` of `place` fail for text messages."""
    real = getattr(place, name)

    def busy(row: NotificationRow, *args: Any, **options: Any) -> Any:
        if row.channel == "sms":
            raise Unavailable(where)
        return real(row, *args, **options)

    monkeypatch.setattr(place, name, busy)


def sns_names(number: str, code: str) -> ClientError:
    reason = f"Invalid parameter: PhoneNumber Reason: {number} is not valid to publish to"
    return ClientError({"Error": {"Code": code, "Message": reason}}, "Publish")


@pytest.mark.parametrize("code", ["InvalidParameter", "OptedOutException", "Throttled"])
def test_logs_omit_the_number_if_a_failure_cannot_be_recorded(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    register_reachable(ALL)
    refuse(monkeypatch, sms_client._sns(), "publish", sns_names(PHONE, code))
    for name in ("record_outcome", "release"):
        fail(monkeypatch, rows, name, where="the record")
    assert deliver(consume, shipped()) == AGAIN
    assert "the record" in caplog.text
    assert PHONE[3:] not in caplog.text


def test_logs_omit_a_number_that_opted_out(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register_reachable(ALL, "+44 7700 900199")  # moto takes these for opted out
    fail(monkeypatch, rows, "record_outcome", where="the record")
    assert deliver(consume, shipped()) == AGAIN
    assert "the record" in caplog.text
    assert "7700900199" not in caplog.text


def test_logs_omit_a_number_beyond_its_limit(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register_reachable(ALL)
    monkeypatch.setattr(limits, "hourly", lambda recipient, most, now: hourly(recipient, 0, now))
    assert deliver(consume, shipped()) == []

    def busy(*_: object) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(rows, "_put_beyond_limit", busy)
    assert deliver(consume, shipped(fulfilment_id="ful_2")) == AGAIN
    assert "busy" in caplog.text
    assert PHONE[3:] not in caplog.text


def test_the_reason_of_a_failure_omits_the_number(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    register_reachable(ALL)
    refuse(monkeypatch, sms_client._sns(), "publish", sns_names(PHONE, "InvalidParameter"))
    assert deliver(consume, shipped()) == []
    (row,) = (stored for stored in notifications() if stored.channel == "sms")
    assert row.reason == (
        "InvalidParameter: Invalid parameter: PhoneNumber Reason: (recipient) is not valid to publish to"
    )
