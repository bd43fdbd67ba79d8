"""What others wrote stays words: no markup, no link, no header, no second address."""

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
from notify.domain import accounts, messages, orders, payments, staff
from notify.domain.addresses import deliverable
from notify.domain.letters import Enclosure, Letter
from notify.domain.wording import salutation, unlinked
from notify.rendering import render
from shared.values.text import one_line
from tests.notify.conftest import PDF
from tests.notify.event_data import (
    AT,
    back,
    dispute,
    gbp,
    issued,
    line,
    order,
    paid,
    parcel,
    payment,
    pieces,
    refunded,
    registered,
)
from tests.notify.mailbox import the_mail
from tests.notify.recipients import Seen
from tests.support import deliver

EVIL = '<img src=x onerror=alert(1)> & "quotes" {{ 7*7 }} <script>'


def test_a_title_is_text_wherever_it_appears(cloud: None) -> None:
    deliver(consume, paid(line(title=EVIL)))
    mail = the_mail()
    assert escape(EVIL, quote=False).replace('"', "&#34;") in mail.html
    assert EVIL in mail.text
    assert "img" not in Seen(mail.html).tags


def free_texts(text: str) -> list[tuple[Letter | None, str]]:
    """Each place where somebody else's words stand in a letter, and how they must read there."""
    typed, known = unlinked(text), one_line(text)
    return [
        (accounts.welcome(registered(text).data), salutation(text)),
        (orders.confirmation(order(line(title=text))), known),
        (orders.confirmation(order(line(sku=text))), known),
        (orders.confirmation(order(number=text)), known),
        (orders.cancelled(order(line(title=text))), known),
        (orders.cancelled(order(reason=text)), typed),
        (orders.shipped(parcel(lines=[pieces(title=text)])), known),
        (orders.shipped(parcel(carrier=text)), typed),
        (orders.shipped(parcel(tracking=text)), typed),
        (orders.delivered(order(line(title=text))), known),
        (orders.invoice(issued(invoice_number=text)), known),
        (orders.return_decided(back(reason=text)), typed),
        (orders.return_decided(back(reason=text, status="rejected")), typed),
        (orders.return_received(back(lines=[pieces(title=text)], refund=gbp(1))), known),
        (payments.failed(payment(reason=text), "e"), typed),
        (payments.refunded(refunded(1, 2, number=text).data, "e"), known),
        (payments.reauthorize(payment(number=text)), known),
        (payments.refund_failed(payment(number=text), "e"), known),
        (staff.refund_failed(payment(reason=text), "e"), typed),
        (staff.capture_failed(payment(reason=text), "e"), typed),
        (staff.disputed(dispute("lost", dispute_id=text), AT), known),
        (messages.staff_message("m", user_id="u", to="a@b.example", subject=text, text="x"), known),
    ]


@settings(max_examples=25)
@given(st.text(max_size=120))
@example("</td></table><h1>Free</h1>")
@example("<b>Ada</b>")
@example("<a href='x'>y</a>")
@example(EVIL)
def test_nothing_from_outside_becomes_markup(text: str) -> None:
    for (letter, spoken), tags in zip(free_texts(text), tags_of_plain_letters(), strict=True):
        assert letter
        if spoken:
            mail = render(letter)
            seen = Seen(mail.html)
            assert seen.tags == tags
            assert any(spoken in word for word in seen.words)
            assert " ".join(spoken.split()) in " ".join(mail.text.split())


@cache
def tags_of_plain_letters() -> list[list[str]]:
    return [Seen(render(letter).html).tags for letter, _ in free_texts("x") if letter]


@pytest.mark.parametrize(
    "link",
    ["http://evil.example/x", "HTTPS://EVIL.EXAMPLE", "www.evil.example", "evil.example", "eve@evil.example"],
)
def test_a_reason_a_carrier_or_a_tracking_number_leads_nowhere(link: str) -> None:
    words = f"See {link} now"
    for letter in (
        orders.cancelled(order(reason=words)),
        orders.shipped(parcel(carrier=words)),
        orders.shipped(parcel(tracking=words)),
        orders.shipped(parcel(tracking=link)),
        orders.return_decided(back(reason=words)),
        orders.return_decided(back(reason=words, status="rejected")),
        payments.failed(payment(reason=words), "e"),
    ):
        assert letter
        mail = render(letter)
        seen = Seen(mail.html)
        assert set(seen.links) <= {"https://shop.tillstack.example/orders/ord_1"}
        for body in (mail.text, seen.text):
            read = body.replace("https://shop.tillstack.example", "")
            assert "evil" in read.lower()
            assert not re.search(r"://|www\.\S|evil\.e", read, re.IGNORECASE)


@settings(max_examples=20)
@given(text=st.text(max_size=80))
@example(text="ord_1\r\nBcc: all@example.com")
@example(text="Ada\nX-Evil: 1")
@example(text="é" * 80)
@example(text="=?utf-8?q?Hi=0D=0AReply-To:_evil@evil.test=0D=0A=0D=0AOwn_body?=")
def test_headers_hold_what_they_should_and_no_more(text: str) -> None:
    for letter, _ in free_texts(text):
        assert letter
        message = mailer.compose(letter.id, "ada@example.com", render(letter))
        assert header_names(message.as_bytes()) == sorted(
            "From Reply-To To Subject X-Notification-Id Auto-Submitted MIME-Version Content-Type".split()
        )


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?Hi=0D=0AReply-To:_evil@evil.test=0D=0A=0D=0AOwn_body?=",
        "Hi=?utf-8?q?=0D=0AReply-To:_evil@evil.test?=",
        "==?utf-8?b?SGkNClJlcGx5LVRvOiBldmlsQGV2aWwudGVzdA==?=",
    ],
)
def test_a_subject_is_read_as_it_was_written_and_decoded_by_nobody(subject: str) -> None:
    mail = replace(render(orders.invoice(issued())), subject=subject)
    composed = mailer.compose("ntf_1", "ada@example.com", mail).as_bytes()
    assert header_names(composed) == sorted(
        "From Reply-To To Subject X-Notification-Id Auto-Submitted MIME-Version Content-Type".split()
    )
    arrived = message_from_bytes(composed, policy=policy.default)
    assert arrived["Subject"] == subject.replace("=?", "= ?")
    assert arrived["Reply-To"] == "help@tillstack.example"


def test_a_mail_with_a_file_has_the_same_headers() -> None:
    letter = orders.invoice(issued())
    mail = render(letter, enclosures=(Enclosure("1.pdf", "application/pdf", PDF),))
    message = mailer.compose(letter.id, "ada@example.com", mail)
    assert header_names(message.as_bytes()) == sorted(
        "From Reply-To To Subject X-Notification-Id Auto-Submitted MIME-Version Content-Type".split()
    )


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
def test_what_is_no_address_is_refused(to: str) -> None:
    assert deliverable(to) is None


def test_a_host_name_in_other_letters_is_reached() -> None:
    assert deliverable("ada@bücher.example") == "ada@xn--bcher-kva.example"


@given(st.emails())
def test_an_address_stays_itself(address: str) -> None:
    quoted = '"' in address or "=?" in address or len(address) > 254 or len(address.split("@")[0]) > 64
    assert quoted or deliverable(address) == address
