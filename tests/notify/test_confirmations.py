"""The confirmation and the invoice of a paid order: one email, or two if the invoice is late."""

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from notify import own_queue, sms_client
from notify.app.consume import consume
from notify.domain.failures import TemporaryFailure
from notify.settings import settings
from notify.tables import recipients
from shared.contracts.events.envelope import Event
from shared.messaging import rpc
from shared.runtime.aws import client
from tests.notify.conftest import PDF, InvoiceFunction
from tests.notify.event_data import cancelled, delivered, invoiced, paid
from tests.notify.html_page import Page
from tests.notify.mailbox import (
    ReceivedEmail,
    emails,
    notifications,
    only_email,
    only_notification,
    sms_messages,
)
from tests.notify.requests import (
    ALL_OFF,
    ALL_ON,
    DEFAULTS,
    ProcessDied,
    advance_clock,
    deliver,
    receive_queued,
    register_customer,
)
from tests.notify.ses_feedback import bounce, deliver_feedback
from tests.notify.test_process_death import dying_at
from tests.support import deliver as deliver_new

CONFIRMED, INVOICE = "Your order 7K4M2-9QX2D is confirmed", "Your invoice 2026-000123"
ATTACHED = ("2026-000123.pdf", "application/pdf", PDF)
TWO_EMAILS = [(CONFIRMED, False), (INVOICE, True)]
FAILED = ["m0"]
# A new event is `paid`, one that has waited is `due`; each may arrive twice.
ORDERS = sorted({*itertools.permutations(["paid", "due", "due", "invoiced", "invoiced"])})


def subjects() -> list[str]:
    return [email.subject for email in emails()]


def has_invoice(email: ReceivedEmail) -> bool:
    return email.attachments == [ATTACHED]


@pytest.fixture
def postponed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, int]]:
    """The (command, delay in seconds) of the messages that the service sends to its own queue."""
    sent: list[tuple[Any, int]] = []
    sqs = client("sqs")

    def record(**request: Any) -> None:
        sent.append((json.loads(request["MessageBody"])["command"], request["DelaySeconds"]))

    monkeypatch.setattr(sqs, "send_message", record)
    return sent


def test_the_invoice_is_attached_to_the_confirmation(cloud: None, orders: InvoiceFunction) -> None:
    assert deliver(consume, invoiced(), paid()) == []
    email = only_email()
    assert (email.subject, has_invoice(email)) == (CONFIRMED, True)
    for body in (email.text, Page(email.html).text):
        assert "Your invoice 2026-000123 is attached to this email as a PDF." in " ".join(body.split())
        assert "Brass lamp" in body and "£1,233.85" in body
    row = only_notification()
    assert (row.template, row.invoice_number, row.status) == ("order_confirmation", "2026-000123", "sent")
    assert orders.requested == ["ord_1"]


def test_the_confirmation_with_the_invoice_is_in_german(cloud: None, orders: InvoiceFunction) -> None:
    register_customer(DEFAULTS | {"language": "de"})
    assert deliver(consume, invoiced()) == []
    email = emails()[-1]
    assert email.subject == "Ihre Bestellung 7K4M2-9QX2D ist bestätigt"
    assert "Ihre Rechnung 2026-000123 liegt dieser E-Mail als PDF bei." in " ".join(email.text.split())


def test_a_paid_order_waits_for_its_invoice(cloud: None, postponed: list[tuple[Any, int]]) -> None:
    assert deliver_new(consume, paid()) == []
    assert (emails(), notifications()) == ([], [])
    assert postponed == [(own_queue.CONFIRM, settings().notify_invoice_wait)]


def test_a_postponed_event_is_the_event(cloud: None) -> None:
    assert deliver_new(consume, paid()) == []
    assert receive_queued() == []  # SQS delays it
    assert own_queue.postponed(paid())["event"] == json.loads(paid().model_dump_json(exclude_none=True))


def test_a_paid_order_whose_invoice_was_sent_does_not_wait(
    cloud: None, orders: InvoiceFunction, postponed: list[tuple[Any, int]]
) -> None:
    assert deliver_new(consume, invoiced(), paid()) == []
    assert (len(emails()), postponed) == (1, [])


def test_a_late_invoice_is_sent_alone(cloud: None, orders: InvoiceFunction) -> None:
    assert deliver(consume, paid(), invoiced()) == []
    assert [(email.subject, has_invoice(email)) for email in emails()] == [
        (CONFIRMED, False),
        (INVOICE, True),
    ]
    assert "attached" not in emails()[0].text


@pytest.mark.parametrize("failure", ["down", "crashes"])
def test_a_broken_invoice_function_delays_no_confirmation(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(orders, failure, True)
        assert deliver(consume, invoiced()) == FAILED
        assert notifications() == [], "a claim would hold up the confirmation"
        assert deliver(consume, paid()) == []
        assert deliver(consume, invoiced()) == FAILED
    assert deliver(consume, invoiced(), invoiced()) == []
    assert [(email.subject, has_invoice(email)) for email in emails()] == [
        (CONFIRMED, False),
        (INVOICE, True),
    ]


def test_a_rejected_invoice_is_recorded_and_the_confirmation_is_sent_alone(
    cloud: None, orders: InvoiceFunction
) -> None:
    orders.invoices.clear()
    assert deliver(consume, invoiced(), paid(), invoiced()) == []
    assert subjects() == [CONFIRMED]
    assert only_notification(template="invoice").status == "failed"
    assert orders.requested == ["ord_1"]


@pytest.mark.parametrize("order", ORDERS)
def test_in_any_order_each_is_sent_once(cloud: None, orders: InvoiceFunction, order: tuple[str, ...]) -> None:
    for name in order:
        consumed = deliver_new(consume, paid()) if name == "paid" else None
        consumed = deliver(consume, paid()) if name == "due" else consumed
        assert (deliver(consume, invoiced()) if name == "invoiced" else consumed) == []
    assert subjects() in ([CONFIRMED], [CONFIRMED, INVOICE])
    assert [has_invoice(email) for email in emails()].count(True) == 1
    assert {row.status for row in notifications()} == {"sent"}
    assert len(orders.requested) == 1


@pytest.mark.parametrize("later", [cancelled(), delivered()], ids=lambda event: event.type)
def test_after_a_superseding_message_the_invoice_is_sent_alone(
    cloud: None, orders: InvoiceFunction, later: Event
) -> None:
    assert deliver(consume, later, invoiced(), paid(), invoiced()) == []
    assert subjects()[1:] == [INVOICE]
    confirmation = only_notification(template="order_confirmation")
    assert (confirmation.status, confirmation.cause) == ("suppressed", "superseded")


def test_a_confirmation_that_is_superseded_during_a_retry_leaves_the_invoice(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying_at(3, answered=False), pytest.raises(ProcessDied):
        deliver(consume, invoiced())
    assert only_notification().status == "queued"
    assert deliver(consume, cancelled()) == []
    advance_clock(monkeypatch, timedelta(seconds=180))
    assert deliver(consume, invoiced(), paid(), invoiced()) == []
    assert subjects()[1:] == [INVOICE]
    assert only_notification(template="order_confirmation").cause == "superseded"


def test_a_confirmation_whose_sender_died_is_sent_by_its_own_event(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying_at(3, answered=False), pytest.raises(ProcessDied):
        deliver(consume, invoiced())
    advance_clock(monkeypatch, timedelta(seconds=121))  # the lease has ended
    assert deliver(consume, paid()) == []
    assert emails() == []
    assert deliver(consume, invoiced()) == []
    assert has_invoice(only_email())


def test_without_emails_about_orders_one_notification_is_suppressed(
    cloud: None, orders: InvoiceFunction
) -> None:
    register_customer(ALL_OFF)
    assert deliver(consume, invoiced(), paid()) == []
    row = only_notification(order_id="ord_1")
    assert (row.template, row.status, row.cause) == ("order_confirmation", "suppressed", "preference")
    assert orders.requested == [], "no invoice is fetched for an email that is not sent"


def test_the_text_message_does_not_wait_for_the_invoice(cloud: None, orders: InvoiceFunction) -> None:
    register_customer(ALL_ON)
    before = len(emails())
    assert deliver_new(consume, paid()) == []
    assert (len(sms_messages()), len(emails())) == (1, before)
    assert deliver(consume, invoiced(), paid()) == []
    assert (len(sms_messages()), len(emails())) == (1, before + 1)


def test_a_failing_text_message_delays_no_confirmation(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch, postponed: list[tuple[Any, int]]
) -> None:
    register_customer(ALL_ON)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> str:
            raise TemporaryFailure("SNS does not respond")

        patch.setattr(sms_client, "send", fail)
        assert deliver_new(consume, paid()) == FAILED
        assert postponed == [(own_queue.CONFIRM, 15)]
    assert deliver_new(consume, paid()) == []
    assert len(sms_messages()) == 1


def test_a_blocked_address_gets_the_text_message_instead_at_once(
    cloud: None, orders: InvoiceFunction
) -> None:
    register_customer(ALL_ON)
    assert deliver_feedback(bounce(only_notification().pk)) == []
    assert deliver_new(consume, paid()) == []
    assert len(sms_messages()) == 1
    assert deliver(consume, invoiced(), paid()) == []
    email = only_notification(order_id="ord_1", channel="email")
    text = only_notification(order_id="ord_1", channel="sms")
    assert (email.status, email.instead, text.instead_of) == ("suppressed", "sms", email.pk)
    assert len(sms_messages()) == 1


def test_a_confirmation_that_is_being_sent_alone_does_not_delay_the_invoice(
    cloud: None, orders: InvoiceFunction
) -> None:
    with dying_at(3, answered=False), pytest.raises(ProcessDied):
        deliver(consume, paid())
    assert only_notification().status == "queued"
    assert deliver(consume, invoiced()) == []
    assert subjects() == [INVOICE]


def test_a_confirmation_that_is_stored_meanwhile_wins(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = recipients.read

    def read_then_confirm(*keys: Any) -> Any:
        found = read(*keys)
        with monkeypatch.context() as patch:
            patch.setattr(recipients, "read", read)
            assert deliver(consume, paid()) == []
        return found

    with monkeypatch.context() as patch:
        patch.setattr(recipients, "read", read_then_confirm)
        assert deliver(consume, invoiced()) == []
    assert [(email.subject, has_invoice(email)) for email in emails()] == [
        (CONFIRMED, False),
        (INVOICE, True),
    ]
    assert len(orders.requested) == 1


def test_the_invoice_is_awaited_for_a_third_of_the_functions_timeout(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[dict[str, Any]] = []

    def record(*_: object, **options: Any) -> InvoiceFunction:
        waits.append(options)
        return orders

    monkeypatch.setattr(rpc, "client", record)
    assert deliver(consume, invoiced()) == []
    assert waits == [{"read_timeout": 10, "attempts": 1}]
