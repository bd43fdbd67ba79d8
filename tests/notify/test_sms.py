"""Text messages, sent in addition to an email or instead of it."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from notify import sms_client
from notify.app.consume import consume
from notify.service import dispatch, sms
from notify.tables import recipients
from notify.tables.rows import NotificationRow
from shared.contracts.events.envelope import Event
from tests.notify.conftest import InvoiceFunction
from tests.notify.event_data import cancelled, invoiced, paid, refunded, registered, shipped
from tests.notify.mailbox import emails, notifications, only_notification, sms_messages
from tests.notify.requests import (
    ALL_OFF,
    ALL_ON,
    DEFAULTS,
    PHONE,
    ProcessDied,
    advance_clock,
    deliver,
    die,
    register_customer,
)
from tests.notify.ses_feedback import bounce, deliver_feedback
from tests.support import run_concurrently

FAILED = ["m0"]


def sms_rows() -> list[NotificationRow]:
    return [row for row in notifications() if row.channel == "sms"]


def sns_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "an error of SNS"}}, "Publish")


def make_sns_fail(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**request: Any) -> None:
        raise error

    monkeypatch.setattr(sms_client._sns(), "publish", fail)


def test_recipients_who_opted_in_get_a_text_message_and_an_email(cloud: None) -> None:
    register_customer(ALL_ON)
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2
    ((number, text),) = sms_messages()
    assert number == PHONE and "7K4M2-9QX2D" in text
    (row,) = sms_rows()
    assert (row.status, row.template, row.to, row.user_id) == ("sent", "order_shipped", PHONE, "usr_1")
    assert row.instead_of is None and row.provider_id and row.language == "en"


@pytest.mark.parametrize("repeated", [shipped(), shipped(5)])
def test_a_repeated_event_sends_no_second_text_message(cloud: None, repeated: Event) -> None:
    register_customer(ALL_ON)
    for event in (shipped(), repeated, repeated):
        assert deliver(consume, event) == []
    assert len(sms_messages()) == 1 and len(emails()) == 2


@pytest.mark.parametrize(
    ("preferences", "phone"), [(DEFAULTS, PHONE), (ALL_OFF, PHONE), (ALL_ON, None), (ALL_ON, "07700 900123")]
)
def test_without_opt_in_or_international_number_no_text_message_is_sent(
    cloud: None, preferences: dict[str, Any], phone: str | None
) -> None:
    register_customer(preferences, phone)
    assert deliver(consume, shipped(), paid(), cancelled()) == []
    assert sms_messages() == []


def test_recipients_who_want_only_text_messages_get_only_those(cloud: None) -> None:
    register_customer(ALL_ON | {"email": {"orders": False, "marketing": False}})
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1
    assert [email.subject for email in emails()] == ["Welcome to Tillstack"]
    assert sms_rows()[0].instead_of is None


def test_a_template_without_a_text_message_sends_only_an_email(cloud: None, orders: InvoiceFunction) -> None:
    register_customer(ALL_ON)
    assert deliver(consume, paid()) == []
    before = sms_messages()
    assert deliver(consume, invoiced()) == []
    assert (sms_messages(), len(emails())) == (before, 3)


def test_an_email_to_a_blocked_address_is_replaced_by_a_text_message(cloud: None) -> None:
    register_customer(ALL_ON)
    welcome = only_notification()
    assert deliver_feedback(bounce(welcome.pk)) == []
    assert deliver(consume, shipped(), shipped()) == []
    assert len(sms_messages()) == 1 and len(emails()) == 1
    suppressed = only_notification(template="order_shipped", channel="email")
    assert (suppressed.status, suppressed.cause, suppressed.instead) == ("suppressed", "bounce", "sms")
    assert sms_rows()[0].instead_of == suppressed.pk


def test_a_superseded_message_is_sent_on_no_channel(cloud: None) -> None:
    register_customer(ALL_ON)
    assert deliver(consume, cancelled()) == []
    before = len(sms_messages())
    assert deliver(consume, paid(), paid()) == []
    assert len(sms_messages()) == before


def test_a_message_superseded_after_its_email_sends_no_text_message(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_customer(ALL_ON)
    with monkeypatch.context() as patch:
        patch.setattr(sms, "send", die)
        with pytest.raises(ProcessDied):
            deliver(consume, paid())
    assert deliver(consume, cancelled()) == []
    before = len(sms_messages())
    assert deliver(consume, paid()) == []
    assert len(sms_messages()) == before


def test_text_messages_are_in_the_chosen_language(cloud: None) -> None:
    register_customer(ALL_ON | {"language": "de"})
    assert deliver(consume, shipped()) == []
    assert "unterwegs" in sms_messages()[0][1]


def test_a_number_that_opted_out_gets_no_text_message(cloud: None) -> None:
    register_customer(ALL_ON, "+44 7700 900199")  # moto treats it as opted out
    assert deliver(consume, shipped()) == []
    assert sms_messages() == []
    (row,) = sms_rows()
    assert (row.status, row.cause) == ("suppressed", "opted_out")
    assert len(emails()) == 2


@pytest.mark.parametrize(
    "error",
    [sns_error("InternalError"), ReadTimeoutError(endpoint_url="https://sns.test")],
    ids=["failed", "timeout"],
)
def test_if_the_opt_out_check_fails_the_text_message_is_still_sent(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    register_customer(ALL_ON)

    def fail(**request: Any) -> None:
        raise error

    monkeypatch.setattr(sms_client._opt_out_client(), "check_if_phone_number_is_opted_out", fail)
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [("InvalidParameter", "failed", "rejected"), ("OptedOutException", "suppressed", "opted_out")],
)
def test_a_permanent_failure_of_sns_is_recorded_and_not_retried(
    cloud: None, monkeypatch: pytest.MonkeyPatch, code: str, status: str, cause: str
) -> None:
    register_customer(ALL_ON)
    make_sns_fail(monkeypatch, sns_error(code))
    assert deliver(consume, shipped()) == []
    (row,) = sms_rows()
    assert (row.status, row.cause) == (status, cause)


@pytest.mark.parametrize(
    "error",
    [sns_error("Throttled"), ReadTimeoutError(endpoint_url="https://sns.test")],
    ids=["throttled", "timeout"],
)
def test_after_a_temporary_failure_of_sns_only_the_text_message_is_retried(
    cloud: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    register_customer(ALL_ON)
    with monkeypatch.context() as patch:
        make_sns_fail(patch, error)
        assert deliver(consume, shipped()) == FAILED
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1 and len(emails()) == 2


def test_concurrent_consumers_send_one_text_message(cloud: None) -> None:
    register_customer(ALL_ON)
    run_concurrently(*[lambda: deliver(consume, shipped())] * 6)
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 1 and len(emails()) == 2


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (recipients, "read"),  # the email is claimed
        (sms, "send"),  # the email is sent and recorded
        (sms_client, "send"),  # the text message is claimed
    ],
)
def test_after_the_process_died_a_redelivery_sends_what_is_missing(
    cloud: None, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    register_customer(ALL_ON)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        with pytest.raises(ProcessDied):
            deliver(consume, shipped())
    assert sms_messages() == []
    advance_clock(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, shipped()) == []
    assert len(emails()) == 2 and len(sms_messages()) == 1
    assert {row.status for row in notifications()} == {"sent"}


def test_a_text_message_is_sent_again_if_the_process_died_after_it(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_customer(ALL_ON)
    with monkeypatch.context() as patch:
        record_outcome = dispatch.record_outcome

        def die_at_sms(row: NotificationRow, *args: Any, **options: Any) -> None:
            if row.channel == "sms":
                raise ProcessDied
            record_outcome(row, *args, **options)

        patch.setattr(dispatch, "record_outcome", die_at_sms)
        with pytest.raises(ProcessDied):
            deliver(consume, shipped())
    assert deliver(consume, shipped()) == FAILED  # within the lease
    advance_clock(monkeypatch, timedelta(seconds=121))
    assert deliver(consume, shipped()) == []
    assert len(sms_messages()) == 2 and len(emails()) == 2


def test_a_number_gets_at_most_twenty_text_messages_an_hour(cloud: None) -> None:
    register_customer(ALL_ON)
    events = [refunded(1, version, version=version) for version in range(5, 27)]
    assert deliver(consume, *events) == []
    assert len(sms_messages()) == 20 and len(emails()) == 23
    limited = [row for row in sms_rows() if row.status == "suppressed"]
    assert len(limited) == 2 and {row.cause for row in limited} == {"limit"}


def test_an_outdated_contact_does_not_replace_a_newer_one(cloud: None) -> None:
    assert deliver(consume, registered(phone=PHONE)) == []
    assert deliver(consume, registered(version=0)) == []
    recipient, _ = recipients.read("usr_1", "ada@example.com")
    assert recipient.has_account and recipient.phone == PHONE
