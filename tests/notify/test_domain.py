"""Which letters there are, and how they put what they say."""

import re
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain import orders, payments
from notify.domain.letters import OVERTAKEN_BY, Letter, Template
from notify.domain.sms import gsm
from notify.domain.wording import salutation, totals, unlinked
from shared.values.money import Money
from shared.values.money_format import format_money
from shared.values.text import MAX_LINE_LENGTH, one_line
from tests.notify.event_data import back, gbp, issued, line, order, parcel, payment, refunded


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
def test_money_is_written_by_its_currencys_own_minor_unit(amount: int, currency: str, text: str) -> None:
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
def test_text_from_outside_becomes_one_plain_line(text: str) -> None:
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
def test_a_name_that_holds_a_link_is_not_greeted(name: str) -> None:
    assert salutation(name) == ""


@pytest.mark.parametrize("name", ["Ada", "J. R. R. Tolkien", "Zoë O'Neill", "王小明", "Ada, Countess"])
def test_a_name_is_greeted_as_it_is(name: str) -> None:
    assert salutation(name) == name


# What mail programs turn into a link: a scheme, `www.`, or a name with a domain behind its last dot.
LINK = re.compile(r"\w:/|www[.。．｡]\S|\S[.。．｡][^\W\d]", re.IGNORECASE)


@pytest.mark.parametrize(
    ("written", "read"),
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
def test_what_was_typed_is_read_as_it_is_and_leads_nowhere(written: str | None, read: str) -> None:
    assert unlinked(written) == read


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
def test_no_text_becomes_a_link_by_being_folded(parts: list[str]) -> None:
    for folded in (normalize("NFKC", unlinked("".join(parts))), gsm(unlinked("".join(parts)))):
        assert not LINK.search(re.sub("[\u200b\ufe0f\u0308]", "", folded))


@given(st.text(max_size=400))
@example("x.y" * 100)
def test_an_unlinked_text_is_one_line_still(text: str) -> None:
    assert len(unlinked(text)) <= MAX_LINE_LENGTH
    assert one_line(unlinked(text)) == unlinked(text)


def test_totals_leave_out_what_is_not_there() -> None:
    assert totals(order(discount=gbp(0), total=gbp(123_990 + 395))) == [
        ("subtotal", gbp(123_990)),
        ("shipping", gbp(395)),
        ("total", gbp(124_385)),
    ]


def test_totals_name_discount_and_tax() -> None:
    added = order(tax=gbp(200), total=gbp(123_990 - 1000 + 395 + 200))
    assert totals(added) == [
        ("subtotal", gbp(123_990)),
        ("discount", gbp(-1000)),
        ("shipping", gbp(395)),
        ("tax", gbp(200)),
        ("total", gbp(123_585)),
    ]


def test_tax_that_prices_include_is_not_shown_as_added() -> None:
    assert ("tax_included", gbp(200)) in totals(order(tax=gbp(200)))


def test_an_order_that_never_became_payable_is_not_mourned() -> None:
    never_placed = order(status="expired").model_copy(update={"lines": []})
    assert orders.expired(never_placed) is None
    assert orders.expired(order(line(), status="expired")) is not None


def test_a_confirmation_is_one_letter_whatever_event_asked_for_it() -> None:
    assert orders.confirmation(order()).id == orders.confirmation(order(line())).id
    assert orders.confirmation(order()).id != orders.confirmation(order(order_id="ord_2")).id


def test_each_decline_is_a_letter_of_its_own() -> None:
    first, second = (payments.failed(payment(), event_id) for event_id in ("e1", "e2"))
    assert first.id != second.id


def test_an_order_that_was_refused_while_it_was_placed_is_not_told_as_cancelled() -> None:
    refused = order(status="cancelled", reason="refused").model_copy(update={"lines": []})
    assert orders.cancelled(refused) is None
    assert orders.cancelled(order(status="cancelled")) is not None


def test_a_letter_is_the_same_letter_by_what_it_is_told_once_of() -> None:
    assert orders.cancelled(order()) == orders.cancelled(order())
    assert orders.shipped(parcel()).id == orders.shipped(parcel(tracking="other", fully_shipped=True)).id
    assert orders.return_received(back()).id == orders.return_received(back(reason="other")).id
    assert orders.invoice(issued()).id == orders.invoice(issued(total=gbp(1))).id


def test_letters_of_one_order_are_letters_of_their_own() -> None:
    of_one_order: list[Letter | None] = [
        orders.confirmation(order()),
        orders.expired(order()),
        orders.cancelled(order()),
        orders.delivered(order()),
        orders.shipped(parcel()),
        orders.shipped(parcel(fulfilment_id="ful_2")),
        orders.invoice(issued()),
        *(orders.return_decided(back(status=status)) for status in ("approved", "rejected")),
        orders.return_decided(back(return_id="ret_2")),
        orders.return_received(back()),
        payments.failed(payment(), "e1"),
        payments.refunded(refunded(1, 1).data, "e1"),
        payments.refunded(refunded(1, 2).data, "e2"),
    ]
    assert len({letter.id for letter in of_one_order if letter}) == len(of_one_order)


def test_a_decision_that_the_return_has_left_behind_is_told_by_what_came_of_it() -> None:
    assert orders.return_decided(back(status="received")) is None


@pytest.mark.parametrize(
    ("late", "later"),
    [
        (payments.failed(payment(), "e"), orders.confirmation(order())),
        (payments.failed(payment(), "e"), orders.expired(order())),
        (payments.failed(payment(), "e"), orders.cancelled(order())),
        (orders.confirmation(order()), orders.cancelled(order())),
        (orders.confirmation(order()), orders.delivered(order())),
        (orders.shipped(parcel()), orders.delivered(order())),
        (orders.return_decided(back()), orders.return_decided(back(status="rejected"))),
        (orders.return_decided(back()), orders.return_received(back())),
    ],
    ids=lambda letter: letter.template,
)
def test_what_is_to_come_is_overtaken_by_what_came(late: Letter, later: Letter) -> None:
    assert later.id in late.overtaken_by
    assert late.id not in later.overtaken_by


def test_what_happened_is_told_however_late() -> None:
    told_late = set(Template) - set(OVERTAKEN_BY)
    assert told_late >= {
        Template.ORDER_CANCELLED,
        Template.ORDER_DELIVERED,
        Template.REFUNDED,
        Template.INVOICE,
    }
    assert told_late >= {Template.RETURN_RECEIVED, Template.RETURN_REJECTED}
    late = orders.return_received(back())
    assert late.overtaken_by == ()


def test_another_orders_news_overtake_nothing() -> None:
    other = orders.cancelled(order(order_id="ord_2"))
    assert other and other.id not in orders.confirmation(order()).overtaken_by
    rejected = orders.return_decided(back(return_id="ret_2", status="rejected"))
    approved = orders.return_decided(back())
    assert rejected and approved and rejected.id not in approved.overtaken_by
