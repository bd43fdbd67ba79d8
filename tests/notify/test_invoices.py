"""The invoice is attached, or no email is sent."""

import pytest

from notify.app.consume import consume
from tests.notify.conftest import PDF, Orders
from tests.notify.event_data import NUMBER, invoiced, paid
from tests.notify.html_page import Page
from tests.notify.mailbox import emails, notifications, the_email
from tests.support import deliver

AGAIN = ["m0"]  # the only message of a batch returns to the queue


def test_an_invoice_is_attached_as_a_pdf(cloud: None, orders: Orders) -> None:
    assert deliver(consume, invoiced()) == []
    email = the_email()
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
def test_an_attachment_has_a_safe_name(cloud: None, orders: Orders, number: str, name: str) -> None:
    orders.invoices["ord_1"] = number
    assert deliver(consume, invoiced(invoice_number=number)) == []
    email = the_email()
    assert [file for file, _, _ in email.attachments] == [name]
    assert "X-Evil" not in email.headers


@pytest.mark.parametrize("trouble", ["down", "crashes"])
def test_an_unavailable_invoice_is_sent_later(
    cloud: None, orders: Orders, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(orders, trouble, True)
        assert deliver(consume, invoiced(), paid()) == AGAIN
    assert [email.subject for email in emails()] == ["Your order 7K4M2-9QX2D is confirmed"]
    waiting = next(found for found in notifications() if found.template == "invoice")
    assert (waiting.status, waiting.leased_until) == ("queued", 0)
    assert deliver(consume, invoiced()) == []
    assert [content for email in emails() for _, _, content in email.attachments] == [PDF]
    assert len(emails()) == 2


def test_a_missing_invoice_is_recorded_and_no_email_is_sent(cloud: None, orders: Orders) -> None:
    orders.invoices.clear()
    assert deliver(consume, invoiced()) == []
    assert emails() == []
    (stored,) = notifications()
    assert (stored.template, stored.status, stored.reason) == (
        "invoice",
        "failed",
        "The order has no invoice.",
    )
    assert deliver(consume, invoiced()) == []
    assert orders.requested == ["ord_1"]


def test_a_sent_invoice_is_not_fetched_again(cloud: None, orders: Orders) -> None:
    assert deliver(consume, invoiced(), invoiced()) == []
    assert orders.requested == ["ord_1"]
