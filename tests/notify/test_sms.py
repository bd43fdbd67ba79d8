"""Text messages, in addition to an email or instead of it."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from notify import sms_client
from notify.app.consume import consume
from notify.service import dispatch, sms
from notify.tables import recipients
from notify.tables.rows import NotificationRow
from shared.contracts.events import Event
from tests.notify.conftest import Orders
from tests.notify.event_data import cancelled, invoiced, paid, refunded, registered, shipped
from tests.notify.mailbox import emails, notifications, sms_messages
from tests.notify.requests import (
    ALL,
    DEFAULT,
    NONE,
    PHONE,
    Died,
    die,
    pass_time,
    register_reachable,
    registration,
)
from tests.notify.ses_feedback import bounce, deliver_feedback
from tests.support import deliver, run_concurrently

AGAIN = ["m0"]


def text_rows() -> list[NotificationRow]:
    return [row for row in notifications() if row.channel == "sms"]


def sns_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "a message of SNS"}}, "Publish")


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Make SNS raise the error."""

    def answer(**request: Any) -> None:
        raise error

    monkeypatch.setattr(sms_client._sns(), "publish", answer)


def test_an_opted_in_recipient_gets_an_email_and_a_text_message(cloud: None) -> None:
    register_reachable(ALL)
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2
    ((number, words),) = sms_messages()
    assert number == PHONE and "7K4M2-9QX2D" in words
    (row,) = text_rows()
    assert (row.status, row.template, row.to, row.user_id) == ("sent", "order_shipped", PHONE, "usr_1")
    assert row.instead_of is None and row.provider_id and row.language == "en"


@pytest.mark.parametrize("again", [shipped(), shipped(5)])
def test_a_repeated_event_sends_no_second_text_message(cloud: None, again: Event) -> None:
    register_reachable(ALL)
    for event in (shipped(), again, again):
        assert deliver(consume, event) == []
    assert len(sms_messages()) == 1 and len(emails()) == 2


@pytest.mark.parametrize(
    ("preferences", "phone"), [(DEFAULT, PHONE), (NONE, PHONE), (ALL, None), (ALL, "07700 900123")]
)
def test_no_text_message_without_consent_or_country_code(
    cloud: None, preferences: dict[str, Any], phone: str | None
) -> None:
    register_reachable(preferences, phone)
    assert deliver(consume, shipped(), paid(), cancelled()) == []
    assert sms_messages() == []


def test_text_messages_can_be_on_while_emails_are_off(cloud: None) -> None:
    register_reachable(ALL | {"email": {"orders": False, "marketing": False}})
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1
    assert [email.subject for email in emails()] == ["Welcome to Tillstack"]
    assert text_rows()[0].instead_of is None


def test_a_template_without_a_text_message_is_an_email_only(cloud: None, orders: Orders) -> None:
    register_reachable(ALL)
    assert deliver(consume, invoiced()) == []
    assert sms_messages() == []


def test_a_blocked_email_is_replaced_by_a_text_message(cloud: None) -> None:
    register_reachable(ALL)
    (welcome,) = notifications()
    assert deliver_feedback(bounce(welcome.pk)) == []
    assert deliver(consume, shipped(), shipped()) == []
    assert len(sms_messages()) == 1 and len(emails()) == 1
    (untold,) = (row for row in notifications() if row.template == "order_shipped" and row.channel == "email")
    assert (untold.status, untold.cause, untold.instead) == ("suppressed", "bounce", "sms")
    assert text_rows()[0].instead_of == untold.pk


def test_a_superseded_message_is_sent_on_no_channel(cloud: None) -> None:
    register_reachable(ALL)
    assert deliver(consume, cancelled()) == []
    before = len(sms_messages())
    assert deliver(consume, paid(), paid()) == []
    assert len(sms_messages()) == before


def test_a_message_superseded_before_its_text_message_is_an_email_only(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_reachable(ALL)
    with monkeypatch.context() as patch:
        patch.setattr(sms, "send", die)
        with pytest.raises(Died):
            deliver(consume, paid())
    assert deliver(consume, cancelled()) == []
    before = len(sms_messages())
    assert deliver(consume, paid()) == []
    assert len(sms_messages()) == before


def test_text_messages_are_in_the_preferred_language(cloud: None) -> None:
    register_reachable(ALL | {"language": "de"})
    assert deliver(consume, shipped()) == []
    assert "unterwegs" in sms_messages()[0][1]


def test_a_number_that_opted_out_gets_nothing(cloud: None) -> None:
    register_reachable(ALL, "+44 7700 900199")  # moto treats these as opted out
    assert deliver(consume, shipped()) == []
    assert sms_messages() == []
    (row,) = text_rows()
    assert (row.status, row.cause) == ("suppressed", "opted_out")
    assert len(emails()) == 2


@pytest.mark.parametrize(
    "error",
    [sns_error("InternalError"), ReadTimeoutError(endpoint_url="https://sns.test")],
    ids=["failed", "no answer"],
)
def test_a_failed_opt_out_check_does_not_delay_the_message(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    register_reachable(ALL)

    def answer(**request: Any) -> None:
        raise error

    monkeypatch.setattr(sms_client._opt_out_client(), "check_if_phone_number_is_opted_out", answer)
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [("InvalidParameter", "failed", "rejected"), ("OptedOutException", "suppressed", "opted_out")],
)
def test_a_permanent_failure_of_sns_is_recorded_and_not_retried(
    cloud: None, monkeypatch: pytest.MonkeyPatch, code: str, status: str, cause: str
) -> None:
    register_reachable(ALL)
    refuse(monkeypatch, sns_error(code))
    assert deliver(consume, shipped()) == []
    (row,) = text_rows()
    assert (row.status, row.cause) == (status, cause)


@pytest.mark.parametrize(
    "error",
    [sns_error("Throttled"), ReadTimeoutError(endpoint_url="https://sns.test")],
    ids=["throttled", "no answer"],
)
def test_a_temporary_failure_of_sns_retries_the_text_message_only(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    register_reachable(ALL)
    with monkeypatch.context() as patch:
        refuse(patch, error)
        assert deliver(consume, shipped()) == AGAIN
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1 and len(emails()) == 2


def test_concurrent_events_send_one_text_message(cloud: None) -> None:
    register_reachable(ALL)
    run_concurrently(*[lambda: deliver(consume, shipped())] * 6)
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1 and len(emails()) == 2


@pytest.mark.parametrize(
    ("place", "name", "mailed", "texted"),
    [
        (recipients, "read", 1, 0),  # the email is claimed
        (sms, "send", 1, 0),  # the email is recorded, the text message is not claimed
        (sms_client, "send", 1, 0),  # the text message is claimed
    ],
)
def test_an_interrupted_delivery_is_completed_by_a_redelivery(
    cloud: None, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, mailed: int, texted: int
) -> None:
    register_reachable(ALL)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        with pytest.raises(Died):
            deliver(consume, shipped())
    assert sms_messages() == []
    pass_time(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2 and len(sms_messages()) == 1
    assert {row.status for row in notifications()} == {"sent"}


def test_an_unrecorded_text_message_is_sent_again(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    register_reachable(ALL)
    with monkeypatch.context() as patch:
        record_outcome = dispatch.record_outcome

        def die(row: NotificationRow, *args: Any, **options: Any) -> None:
            if row.channel == "sms":
                raise Died
            record_outcome(row, *args, **options)

        patch.setattr(dispatch, "record_outcome", die)
        with pytest.raises(Died):
            deliver(consume, shipped())
    assert deliver(consume, shipped()) == AGAIN  # within the lease
    pass_time(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 2 and len(emails()) == 2


def test_a_number_gets_twenty_text_messages_an_hour(cloud: None) -> None:
    register_reachable(ALL)
    events = [refunded(1, version, version=version) for version in range(5, 27)]
    assert deliver(consume, *events) == []
    assert len(sms_messages()) == 20 and len(emails()) == 23
    limited = [row for row in text_rows() if row.status == "suppressed"]
    assert len(limited) == 2 and {row.cause for row in limited} == {"limit"}


def test_a_late_or_repeated_event_does_not_replace_a_newer_contact(cloud: None) -> None:
    assert deliver(consume, registration(PHONE)) == []
    assert deliver(consume, registered(version=0)) == []
    recipient, _ = recipients.read("usr_1", "ada@example.com")
    assert recipient.has_account and recipient.phone == PHONE
