"""Rules for messages: their values, ids, and which message supersedes which."""

import re
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain import orders, payments
from notify.domain.messages import SUPERSEDED_BY, Message, Template
from notify.domain.sms import gsm
from notify.domain.text import salutation, totals, unlinked
from shared.contracts.reasons import CancelReason
from shared.values.money import Money
from shared.values.money_format import format_money
from shared.values.text import MAX_LINE_LENGTH, one_line
from tests.notify.event_data import (
    cancelled,
    decided,
    declined,
    delivered,
    expired,
    gbp,
    invoiced,
    line,
    order,
    paid,
    refunded,
    returned,
    shipped,
)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1299, "GBP", "£12.99"),
        (5, "GBP", "£0.05"),
        (0, "EUR", "€0.00"),
        (-5, "GBP", "-£0.05"),
        (123_456_789, "USD", "$1,234,567.89"),
        (500, "JPY", "¥500"),
        (1_234_567, "KRW", "KRW 1,234,567"),
        (1250, "KWD", "KWD 1.250"),
        (1200, "CHF", "CHF 12.00"),
    ],
)
def test_money_uses_the_minor_unit_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert format_money(Money(amount=amount, currency=currency)) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["GBP", "JPY", "KWD", "SEK"]))
def test_no_digit_of_an_amount_is_lost(amount: int, currency: str) -> None:
    text = format_money(Money(amount=amount, currency=currency))
    digits = int("".join(char for char in text if char.isdigit()))
    assert digits == abs(amount)
    assert ("-" in text) == (amount < 0)


@given(st.text(max_size=400))
@example("a\r\nBcc: everyone@example.com")
@example("null\x00 vertical\x0b next\x85 line\u2028 paragraph\u2029")
@example("abc\u202edcba")
def test_untrusted_text_becomes_one_plain_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= MAX_LINE_LENGTH
    assert len(line.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line)
    assert one_line(line) == line


@pytest.mark.parametrize(
    "name",
    [
        "Win now http://evil.example",
        "visit WWW.EVIL.EXAMPLE",
        "evil.example/free",
        "go://x",
        "buy at evil.co",
        "evil.\u200bexample",
        "evil\u2060.\u0308example",
    ],
)
def test_a_name_with_a_link_is_omitted_from_the_salutation(name: str) -> None:
    assert salutation(name) == ""


@pytest.mark.parametrize("name", ["Ada", "J. R. R. Tolkien", "Zoë O'Neill", "王小明", "Ada, Countess"])
def test_a_name_without_a_link_is_shown_unchanged(name: str) -> None:
    assert salutation(name) == name


# What email programs turn into a link: a scheme, `www.`, or a name with a domain after its last dot.
LINK = re.compile(r"\w:/|www[.。．｡]\S|\S[.。．｡][^\W\d]", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://evil.example/free", "http: //evil. example/free"),
        ("visit WWW.EVIL.EXAMPLE now", "visit WWW. EVIL. EXAMPLE now"),
        ("www.1x.co", "www. 1x. co"),
        ("evil。example", "evil。 example"),
        ("mailto:eve@evil.example", "mailto:eve@evil. example"),
        ("a//b https:///x", "a//b https: ///x"),
        ("JD014600009876543210", "JD014600009876543210"),
        ("1Z 999.000.12:3", "1Z 999.000.12:3"),
        ("It cost £12.50. It broke...", "It cost £12.50. It broke..."),
        ("evil․example ﹒co evil．example", "evil. example .co evil. example"),
        ("https：／／ｅｖｉｌ", "https: //evil"),
        ("evil.\u200bexample ev\u2060il\ufeff.example", "evil. example evil. example"),
        ("evil.\u0308example evil\u0338.\ufe0fexample", "evil. example evil\u0338. example"),
        ("ﬁve ½ m² ♥\ufe0f", "five 1⁄2 m2 ♥\ufe0f"),
        (None, ""),
    ],
)
def test_links_in_text_are_broken_by_spaces(text: str | None, shown: str) -> None:
    assert unlinked(text) == shown


@given(
    st.lists(
        st.sampled_from([*"a1Bé .:/w@。", "www.", "http://", "evil.example", "\n", "\u200e"]), max_size=40
    )
)
def test_no_text_becomes_a_link(parts: list[str]) -> None:
    text = "".join(parts)
    assert not LINK.search(unlinked(text))
    assert unlinked(text).replace(" ", "") == one_line(text).replace(" ", "")


@given(
    st.lists(
        st.sampled_from(
            [*"a1.:/", "\u2024", "．", "﹒", "：", "／", "ｗｗｗ", "\u200b", "\u0308", "\ufe0f", "…"]
        ),
        max_size=20,
    )
)
@example(["ｗｗｗ", "\u0308", "…"])
def test_no_text_becomes_a_link_by_normalization(parts: list[str]) -> None:
    text = "".join(parts)
    # In a text message, links are broken after the transliteration, which may remove marks (`ẅ` to `w`).
    for normalized in (normalize("NFKC", unlinked(text)), unlinked(gsm(text))):
        assert not LINK.search(re.sub("[\u200b\ufe0f\u0308]", "", normalized))


@given(st.text(max_size=400))
@example("x.y" * 100)
def test_unlinked_text_is_one_line(text: str) -> None:
    assert len(unlinked(text)) <= MAX_LINE_LENGTH
    assert one_line(unlinked(text)) == unlinked(text)


def test_totals_omit_a_discount_and_a_tax_of_zero() -> None:
    assert totals(order(discount=gbp(0), total=gbp(123_990 + 395))) == [
        ("subtotal", gbp(123_990)),
        ("shipping", gbp(395)),
        ("total", gbp(124_385)),
    ]


def test_totals_show_discount_and_tax() -> None:
    with_tax_added = order(tax=gbp(200), total=gbp(123_990 - 1000 + 395 + 200))
    assert totals(with_tax_added) == [
        ("subtotal", gbp(123_990)),
        ("discount", gbp(-1000)),
        ("shipping", gbp(395)),
        ("tax", gbp(200)),
        ("total", gbp(123_585)),
    ]


def test_included_tax_is_not_shown_as_added() -> None:
    assert ("tax_included", gbp(200)) in totals(order(tax=gbp(200)))


def test_an_expired_order_without_lines_needs_no_message() -> None:
    assert orders.expired(expired(lines=[])) is None
    assert orders.expired(expired()) is not None


def test_confirmations_of_one_order_have_one_id() -> None:
    assert orders.confirmation(paid()).id == orders.confirmation(paid(line())).id
    assert orders.confirmation(paid()).id != orders.confirmation(paid(order_id="ord_2")).id


def test_each_decline_has_its_own_message() -> None:
    first, second = (payments.failed(declined(version)) for version in (2, 3))
    assert first.id != second.id


def test_an_order_rejected_at_checkout_needs_no_cancellation_message() -> None:
    rejected = cancelled(reason=CancelReason.REJECTED, lines=[])
    assert orders.cancelled(rejected) is None
    assert orders.cancelled(cancelled()) is not None


def test_messages_with_one_dedupe_key_have_one_id() -> None:
    assert orders.cancelled(cancelled()) == orders.cancelled(cancelled())
    assert orders.shipped(shipped()).id == orders.shipped(shipped(tracking="other", fully_shipped=True)).id
    assert orders.return_received(returned()).id == orders.return_received(returned(reason="other")).id
    assert orders.invoice(invoiced()).id == orders.invoice(invoiced(total=gbp(1))).id


def test_different_messages_about_one_order_have_different_ids() -> None:
    messages: list[Message | None] = [
        orders.confirmation(paid()),
        orders.expired(expired()),
        orders.cancelled(cancelled()),
        orders.delivered(delivered()),
        orders.shipped(shipped()),
        orders.shipped(shipped(fulfilment_id="ful_2")),
        orders.invoice(invoiced()),
        *(orders.return_decided(decided(status)) for status in ("approved", "rejected")),
        orders.return_decided(decided(return_id="ret_2")),
        orders.return_received(returned()),
        payments.failed(declined()),
        payments.refunded(refunded(1, 1)),
        payments.refunded(refunded(1, 2, version=6)),
    ]
    assert len({message.id for message in messages if message}) == len(messages)


def test_an_outdated_return_decision_needs_no_message() -> None:
    assert orders.return_decided(decided("received")) is None


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (payments.failed(declined()), orders.confirmation(paid())),
        (payments.failed(declined()), orders.expired(expired())),
        (payments.failed(declined()), orders.cancelled(cancelled())),
        (orders.confirmation(paid()), orders.cancelled(cancelled())),
        (orders.confirmation(paid()), orders.delivered(delivered())),
        (orders.shipped(shipped()), orders.delivered(delivered())),
        (orders.return_decided(decided()), orders.return_decided(decided("rejected"))),
        (orders.return_decided(decided()), orders.return_received(returned())),
    ],
    ids=lambda message: message.template,
)
def test_a_later_message_supersedes_an_earlier_one(earlier: Message, later: Message) -> None:
    assert later.id in earlier.superseded_by
    assert earlier.id not in later.superseded_by


def test_messages_about_completed_actions_are_never_superseded() -> None:
    never_superseded = set(Template) - set(SUPERSEDED_BY)
    assert never_superseded >= {
        Template.ORDER_CANCELLED,
        Template.ORDER_DELIVERED,
        Template.REFUNDED,
        Template.INVOICE,
    }
    assert never_superseded >= {Template.RETURN_RECEIVED, Template.RETURN_REJECTED}
    assert orders.return_received(returned()).superseded_by == ()


def test_a_message_about_another_order_or_return_supersedes_nothing() -> None:
    other = orders.cancelled(cancelled(order_id="ord_2"))
    assert other and other.id not in orders.confirmation(paid()).superseded_by
    rejected = orders.return_decided(decided("rejected", return_id="ret_2"))
    approved = orders.return_decided(decided())
    assert rejected and approved and rejected.id not in approved.superseded_by
