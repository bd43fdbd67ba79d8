"""Untrusted text in messages, which adds no markup, link, header or recipient."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from functools import cache
from html import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notify import mailer
from notify.app.consume import consume
from notify.domain import accounts, alerts, orders, payments
from notify.domain.addresses import deliverable
from notify.domain.languages import LANGUAGES
from notify.domain.messages import Attachment, Message
from notify.domain.staff_messages import staff_message
from notify.domain.text import salutation, unlinked
from notify.rendering import render
from shared.values.text import one_line
from tests.notify.conftest import PDF
from tests.notify.event_data import (
    AT,
    cancelled,
    capture_failed,
    decided,
    declined,
    delivered,
    disputed,
    expiring,
    gbp,
    invoiced,
    line,
    line_quantity,
    paid,
    refund_failed,
    refunded,
    registered,
    returned,
    shipped,
)
from tests.notify.html_page import Page
from tests.notify.mailbox import only_email
from tests.notify.requests import deliver

HEADERS = sorted(
    "From Reply-To To Subject X-Notification-Id Auto-Submitted MIME-Version Content-Type".split()
)
EVIL = '<img src=x onerror=alert(1)> & "quotes" {{ 7*7 }} <script>'


def test_html_in_a_title_is_escaped(cloud: None) -> None:
    deliver(consume, paid(line(title=EVIL)))
    email = only_email()
    assert escape(EVIL, quote=False).replace('"', "&#34;") in email.html
    assert EVIL in email.text
    assert "img" not in Page(email.html).tags


def untrusted_texts(text: str) -> list[tuple[Message | None, str]]:
    """Return a message for each place that shows untrusted text, and how the text must be shown there."""
    unlinked_text, line_text = unlinked(text), one_line(text)
    return [
        (accounts.welcome(registered(text)), salutation(text)),
        (orders.confirmation(paid(line(title=text))), line_text),
        (orders.confirmation(paid(line(sku=text))), line_text),
        (orders.confirmation(paid(number=text)), line_text),
        (orders.cancelled(cancelled(lines=[line(title=text)])), line_text),
        (orders.shipped(shipped(lines=[line_quantity(title=text)])), line_text),
        (orders.shipped(shipped(carrier=text)), unlinked_text),
        (orders.shipped(shipped(tracking=text)), unlinked_text),
        (orders.delivered(delivered(lines=[line(title=text)])), line_text),
        (orders.invoice(invoiced(invoice_number=text)), line_text),
        (orders.return_decided(decided(reason=text)), unlinked_text),
        (orders.return_decided(decided("rejected", reason=text)), unlinked_text),
        (orders.return_received(returned(lines=[line_quantity(title=text)], refund=gbp(1))), line_text),
        (payments.refunded(refunded(1, 2, number=text)), line_text),
        (payments.reauthorize(expiring(number=text)), line_text),
        (payments.refund_failed(refund_failed(number=text)), line_text),
        (alerts.dispute(disputed("lost", dispute_id=text), AT), line_text),
        (staff_message("m", user_id="u", to="a@b.example", subject=text, text="x"), line_text),
    ]


def messages_with_reason(code: str) -> list[Message | None]:
    """Return a message for each place that shows the sentence of a reason code."""
    return [
        orders.cancelled(cancelled(reason=code)),
        payments.failed(declined(reason=code)),
        alerts.refund_failed(refund_failed(reason=code)),
        alerts.capture_failed(capture_failed(reason=code)),
        alerts.dispute(disputed("lost", reason=code), AT),
    ]


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_an_unknown_reason_code_is_never_shown(language: str) -> None:
    for message, unknown in zip(messages_with_reason("unknown"), messages_with_reason(EVIL), strict=True):
        assert message and unknown
        assert render(unknown, language) == render(message, language)


@settings(max_examples=25)
@given(st.text(max_size=120))
@example("</td></table><h1>Free</h1>")
@example("<b>Ada</b>")
@example("<a href='x'>y</a>")
@example(EVIL)
def test_untrusted_text_adds_no_markup(text: str) -> None:
    for (message, shown), tags in zip(untrusted_texts(text), tags_of_plain_messages(), strict=True):
        assert message
        if shown:
            email = render(message)
            page = Page(email.html)
            assert page.tags == tags
            assert any(shown in page_text for page_text in page.texts)
            assert " ".join(shown.split()) in " ".join(email.text.split())


@cache
def tags_of_plain_messages() -> list[list[str]]:
    return [Page(render(message).html).tags for message, _ in untrusted_texts("x") if message]


@pytest.mark.parametrize(
    "link",
    ["http://evil.example/x", "HTTPS://EVIL.EXAMPLE", "www.evil.example", "evil.example", "eve@evil.example"],
)
def test_a_reason_a_carrier_or_a_tracking_number_contains_no_link(link: str) -> None:
    text = f"See {link} now"
    for message in (
        orders.shipped(shipped(carrier=text)),
        orders.shipped(shipped(tracking=text)),
        orders.shipped(shipped(tracking=link)),
        orders.return_decided(decided(reason=text)),
        orders.return_decided(decided("rejected", reason=text)),
    ):
        assert message
        email = render(message)
        page = Page(email.html)
        assert set(page.links) <= {"https://shop.tillstack.example/orders/ord_1"}
        for body in (email.text, page.text):
            shown = body.replace("https://shop.tillstack.example", "")
            assert "evil" in shown.lower()
            assert not re.search(r"://|www\.\S|evil\.e", shown, re.IGNORECASE)


@settings(max_examples=20)
@given(text=st.text(max_size=80))
@example(text="ord_1\r\nBcc: all@example.com")
@example(text="Ada\nX-Evil: 1")
@example(text="é" * 80)
@example(text="=?utf-8?q?Hi=0D=0AReply-To:_evil@evil.test=0D=0A=0D=0AOwn_body?=")
def test_untrusted_text_adds_no_header(text: str) -> None:
    for message, _ in untrusted_texts(text):
        assert message
        mime = mailer.compose(message.id, "ada@example.com", render(message))
        assert header_names(mime.as_bytes()) == HEADERS


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?Hi=0D=0AReply-To:_evil@evil.test=0D=0A=0D=0AOwn_body?=",
        "Hi=?utf-8?q?=0D=0AReply-To:_evil@evil.test?=",
        "==?utf-8?b?SGkNClJlcGx5LVRvOiBldmlsQGV2aWwudGVzdA==?=",
    ],
)
def test_encoded_words_in_a_subject_are_not_decoded(subject: str) -> None:
    email = replace(render(orders.invoice(invoiced())), subject=subject)
    composed = mailer.compose("ntf_1", "ada@example.com", email).as_bytes()
    assert header_names(composed) == HEADERS
    parsed = message_from_bytes(composed, policy=policy.default)
    assert parsed["Subject"] == subject.replace("=?", "= ?")
    assert parsed["Reply-To"] == "help@tillstack.example"


def test_an_attachment_adds_no_header() -> None:
    message = orders.invoice(invoiced())
    email = render(message, attachments=(Attachment("1.pdf", "application/pdf", PDF),))
    mime = mailer.compose(message.id, "ada@example.com", email)
    assert header_names(mime.as_bytes()) == HEADERS


def header_names(message: bytes) -> list[str]:
    head = message.partition(b"\r\n\r\n")[0].decode("ascii")
    return sorted(row.partition(":")[0] for row in head.split("\r\n") if not row.startswith((" ", "\t")))


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example.com, eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "Ada <ada@example.com>",
        "ada@exa mple.com",
        "ädä@example.com",
        "a..b@example.com",
        "ada@-example.com",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 70}é.example",
        "=?utf-8?q?a=0D=0Ab?=@example.com",
        "a.=?utf-8?q?b?=@example.com",
    ],
)
def test_an_invalid_address_is_rejected(to: str) -> None:
    assert deliverable(to) is None


def test_an_international_host_name_becomes_ascii() -> None:
    assert deliverable("ada@bücher.example") == "ada@xn--bcher-kva.example"


@given(st.emails())
def test_a_common_valid_address_is_unchanged(address: str) -> None:
    is_unusual = '"' in address or "=?" in address or len(address) > 254 or len(address.split("@")[0]) > 64
    assert is_unusual or deliverable(address) == address
