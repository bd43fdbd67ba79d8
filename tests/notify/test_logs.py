"""Logs and stored reasons, which contain no address or phone number of a recipient."""

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
from tests.notify.mailbox import only_notification
from tests.notify.requests import ALL_ON, PHONE, deliver, register_customer

FAILED = ["m0"]


def make_call_fail(monkeypatch: pytest.MonkeyPatch, client: Any, name: str, error: Exception) -> None:
    """Make a method of a client raise this error."""

    def fail(**request: Any) -> None:
        raise error

    monkeypatch.setattr(client, name, fail)


UNVERIFIED = "Email address is not verified. The following identities failed the check: "


@pytest.mark.parametrize("identities", ["orders@tillstack.example, ada@example.com", "Ada@Example.com"])
def test_logs_contain_no_address_from_an_error_of_ses(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, identities: str
) -> None:
    error = {"Code": "MessageRejected", "Message": UNVERIFIED + identities}
    response: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
    make_call_fail(monkeypatch, mailer._ses(), "send_raw_email", ClientError(response, "SendRawEmail"))

    def fail(*_: object, **__: object) -> None:
        raise Unavailable("the record")

    monkeypatch.setattr(rows, "record_outcome", fail)
    assert deliver(consume, paid()) == FAILED
    assert "not verified" in caplog.text  # operators need the error of SES
    assert "ada@example" not in caplog.text.lower()


def make_unavailable_for_sms(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, detail: str) -> None:
    """Make a function of the module raise Unavailable if it is called with the row of a text message."""
    original = getattr(module, name)

    def call(row: NotificationRow, *args: Any, **options: Any) -> Any:
        if row.channel == "sms":
            raise Unavailable(detail)
        return original(row, *args, **options)

    monkeypatch.setattr(module, name, call)


def sns_error_with_number(number: str, code: str) -> ClientError:
    message = f"Invalid parameter: PhoneNumber Reason: {number} is not valid to publish to"
    return ClientError({"Error": {"Code": code, "Message": message}}, "Publish")


@pytest.mark.parametrize("code", ["InvalidParameter", "OptedOutException", "Throttled"])
def test_logs_contain_no_number_if_a_failure_cannot_be_recorded(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    register_customer(ALL_ON)
    make_call_fail(monkeypatch, sms_client._sns(), "publish", sns_error_with_number(PHONE, code))
    for name in ("record_outcome", "release"):
        make_unavailable_for_sms(monkeypatch, rows, name, "the record")
    assert deliver(consume, shipped()) == FAILED
    assert "the record" in caplog.text
    assert PHONE[3:] not in caplog.text


def test_logs_contain_no_number_that_opted_out(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register_customer(ALL_ON, "+44 7700 900199")  # moto treats it as opted out
    make_unavailable_for_sms(monkeypatch, rows, "record_outcome", "the record")
    assert deliver(consume, shipped()) == FAILED
    assert "the record" in caplog.text
    assert "7700900199" not in caplog.text


def test_logs_contain_no_number_that_reached_its_limit(
    cloud: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register_customer(ALL_ON)
    monkeypatch.setattr(limits, "hourly", lambda recipient, maximum, now: hourly(recipient, 0, now))
    assert deliver(consume, shipped()) == []

    def fail(*_: object) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(rows, "_put_beyond_limit", fail)
    assert deliver(consume, shipped(fulfilment_id="ful_2")) == FAILED
    assert "busy" in caplog.text
    assert PHONE[3:] not in caplog.text


def test_a_recorded_failure_has_a_reason_without_the_number(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_customer(ALL_ON)
    make_call_fail(
        monkeypatch, sms_client._sns(), "publish", sns_error_with_number(PHONE, "InvalidParameter")
    )
    assert deliver(consume, shipped()) == []
    row = only_notification(channel="sms")
    assert row.reason == (
        "InvalidParameter: Invalid parameter: PhoneNumber Reason: (recipient) is not valid to publish to"
    )
