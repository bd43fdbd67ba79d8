"""Emails with the invoice attached."""

import pytest

from notify.app.consume import consume
from tests.notify.conftest import PDF, InvoiceFunction
from tests.notify.event_data import NUMBER, invoiced, paid
from tests.notify.html_page import Page
from tests.notify.mailbox import emails, only_email, only_notification
from tests.notify.requests import deliver

FAILED = ["m0"]  # the first message of the batch


def test_the_invoice_of_orders_is_attached_as_a_pdf(cloud: None, orders: InvoiceFunction) -> None:
    assert deliver(consume, paid(), invoiced()) == []
    _, email = emails()
    assert email.subject == "Your invoice 2026-000123"
    assert email.attachments == [("2026-000123.pdf", "application/pdf", PDF)]
    for body in (email.text, Page(email.html).text):
        assert "2026-000123" in body and NUMBER in body and "£1,233.85" in body
    assert orders.requested == ["ord_1"]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("2026-000123", "2026-000123.pdf"),
        ("../../etc/passwd", "------etc-passwd.pdf"),
        ('1"; x="y', "1---x--y.pdf"),
        ("1\r\nX-Evil: 1", "1--X-Evil--1.pdf"),
    ],
)
def test_the_name_of_an_attachment_is_a_safe_file_name(
    cloud: None, orders: InvoiceFunction, number: str, name: str
) -> None:
    orders.invoices["ord_1"] = number
    assert deliver(consume, invoiced(invoice_number=number)) == []
    email = only_email()
    assert [filename for filename, _, _ in email.attachments] == [name]
    assert "X-Evil" not in email.headers


@pytest.mark.parametrize("failure", ["down", "crashes"])
def test_an_invoice_is_sent_once_orders_is_available_again(
    cloud: None, orders: InvoiceFunction, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(orders, failure, True)
        assert deliver(consume, invoiced(), paid()) == FAILED
    assert [email.subject for email in emails()] == ["Your order 7K4M2-9QX2D is confirmed"]
    assert only_notification().template == "order_confirmation"
    assert deliver(consume, invoiced()) == []
    assert [content for email in emails() for _, _, content in email.attachments] == [PDF]
    assert len(emails()) == 2


def test_without_an_invoice_the_email_fails_and_is_not_sent(cloud: None, orders: InvoiceFunction) -> None:
    orders.invoices.clear()
    assert deliver(consume, invoiced()) == []
    assert emails() == []
    row = only_notification()
    assert (row.template, row.status, row.reason) == ("invoice", "failed", "The order has no invoice.")
    assert deliver(consume, invoiced()) == []
    assert orders.requested == ["ord_1"]


def test_a_sent_invoice_is_not_requested_again(cloud: None, orders: InvoiceFunction) -> None:
    assert deliver(consume, invoiced(), invoiced()) == []
    assert orders.requested == ["ord_1"]
