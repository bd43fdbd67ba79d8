"""What people read."""

import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify import domain, mailer
from notify.app import consume
from notify.rendering import render
from tests.notify.facts import declined, expired, line, order, paid, payment, registered
from tests.notify.mailbox import mails, the_mail
from tests.support import deliver

EVIL = '<img src=x onerror=alert(1)> & "quotes" {{ 7*7 }} <script>'


class Seen(HTMLParser):
    """The tags of a page and the text between them, as a browser finds them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_a_new_user_is_welcomed(cloud: None) -> None:
    assert deliver(consume, registered("Ada")) == []
    mail = the_mail()
    assert mail.to == ["ada@example.com"]
    assert mail.subject == "Welcome to Tillstack"
    assert "Hello Ada," in mail.text and "Hello Ada," in mail.html
    assert mail.headers["From"] == "Tillstack <orders@tillstack.example>"
    assert mail.headers["To"] == "ada@example.com"
    assert mail.headers["Reply-To"] == "help@tillstack.example"
    assert mail.headers["Auto-Submitted"] == "auto-generated"


def test_a_paid_order_is_confirmed_with_lines_and_totals(cloud: None) -> None:
    assert deliver(consume, paid()) == []
    mail = the_mail()
    assert mail.subject == "Your order ord_1 is confirmed"
    assert "1 × Brass lamp\n    LAMP-9, £1,234.00 each: £1,234.00\n" in mail.text
    assert "2 × White mug\n    MUG-1, £2.95 each: £5.90\n" in mail.text
    assert "Subtotal: £1,239.90\nDiscount: -£10.00\nShipping: £3.95\nTotal: £1,233.85\n" in mail.text
    assert "1 × Brass lamp LAMP-9 £1,234.00 £1,234.00 2 × White mug MUG-1 £2.95 £5.90" in Seen(mail.html).text
    assert "Subtotal £1,239.90 Discount -£10.00 Shipping £3.95 Total £1,233.85" in Seen(mail.html).text
    assert "https://shop.tillstack.example/orders/ord_1" in mail.text
    assert "https://shop.tillstack.example/orders/ord_1" in mail.html


def test_a_decline_is_told_with_its_reason_and_the_way_back(cloud: None) -> None:
    assert deliver(consume, declined()) == []
    mail = the_mail()
    assert mail.subject == "Payment failed for your order ord_1"
    for body in (mail.text, mail.html):
        assert "£12.99" in body and "Your card was declined." in body and "Please try again" in body
        assert "https://shop.tillstack.example/orders/ord_1" in body


def test_a_decline_without_a_reason_gives_none(cloud: None) -> None:
    assert deliver(consume, declined(reason=None)) == []
    assert "says:" not in the_mail().text + the_mail().html


def test_an_expired_order_is_told_with_its_lines(cloud: None) -> None:
    assert deliver(consume, expired()) == []
    mail = the_mail()
    assert mail.subject == "Your order ord_1 has expired"
    assert "2 × White mug" in mail.text and "refunded by itself" in mail.text
    assert "Brass lamp" in mail.html and "refunded by itself" in mail.html


def test_an_order_that_never_became_payable_mails_nobody(cloud: None) -> None:
    assert deliver(consume, expired(lines=[])) == []
    assert mails() == []


@pytest.mark.parametrize("event", [registered(), paid(), declined(), expired()], ids=lambda event: event.type)
def test_mails_load_nothing_from_elsewhere_and_are_whole(cloud: None, event: object) -> None:
    deliver(consume, event)  # type: ignore[arg-type]
    mail = the_mail()
    tags = Seen(mail.html).tags
    assert not {"img", "script", "link", "iframe", "object", "form", "style"} & set(tags)
    assert not re.search(r"src=|url\(|@import|javascript:|\bon\w+=", mail.html)
    assert "{{" not in mail.text + mail.html and "None" not in mail.text + mail.html
    assert all(len(row) < 100 for row in mail.text.splitlines())
    assert max(len(row) for row in the_mail().headers.values()) < 200


def test_a_title_is_text_wherever_it_appears(cloud: None) -> None:
    deliver(consume, paid(line(title=EVIL)))
    mail = the_mail()
    assert escape(EVIL, quote=False).replace('"', "&#34;") in mail.html
    assert EVIL in mail.text
    assert "img" not in Seen(mail.html).tags


@given(title=st.text(max_size=120), name=st.text(max_size=120), reason=st.text(max_size=120))
@example(title="</td></table><h1>Free</h1>", name="<b>Ada</b>", reason="<a href='x'>y</a>")
def test_nothing_from_outside_becomes_markup(title: str, name: str, reason: str) -> None:
    def letters(title: str, name: str, reason: str) -> list[domain.Letter]:
        return [
            domain.order_confirmation(order(line(title=title))),
            domain.welcome(registered(name).data),
            domain.payment_failed(payment(reason=reason), "e"),
        ]

    said = [domain.one_line(title), domain.salutation(name), domain.one_line(reason)]
    for letter, plain, spoken in zip(letters(title, name, reason), letters("x", "x", "x"), said, strict=True):
        if spoken:
            seen = Seen(render(letter).html)
            assert seen.tags == Seen(render(plain).html).tags
            assert any(spoken in word for word in seen.words)
            assert spoken in render(letter).text


@given(order_id=st.text(max_size=80), name=st.text(max_size=80))
@example(order_id="ord_1\r\nBcc: all@example.com", name="Ada\nX-Evil: 1")
@example(order_id="é" * 80, name="")
def test_headers_hold_what_they_should_and_no_more(order_id: str, name: str) -> None:
    for letter in (
        domain.order_confirmation(order(order_id=order_id)),
        domain.welcome(registered(name).data),
    ):
        message = mailer.compose(letter.id, "ada@example.com", render(letter))
        head = message.as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
        names = [row.partition(":")[0] for row in head.split("\r\n") if not row.startswith((" ", "\t"))]
        assert sorted(names) == sorted(
            "From Reply-To To Subject X-Notification-Id Auto-Submitted MIME-Version Content-Type".split()
        )


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
    ],
)
def test_what_is_no_address_is_refused(to: str) -> None:
    with pytest.raises(mailer.Rejected, match="not an address"):
        mailer.deliverable(to)


def test_a_host_name_in_other_letters_is_reached() -> None:
    assert mailer.deliverable("ada@bücher.example") == "ada@xn--bcher-kva.example"


@given(st.emails())
def test_an_address_stays_itself(address: str) -> None:
    try:
        assert mailer.deliverable(address) == address
    except mailer.Rejected:
        assert '"' in address or len(address) > 254 or len(address.split("@")[0]) > 64
