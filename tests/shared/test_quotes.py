"""Quotes and cursors: signatures, expiry and scope."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from shared.contracts import quotes
from shared.contracts.problems import QuoteExpired
from shared.errors import Invalid, Malformed
from shared.http.paging import Cursors
from shared.values.money import Money, Price

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "a key of at least thirty-two bytes, for tests"


def _quote() -> quotes.Quote:
    price, total = Price(amount=500, currency="GBP"), Money(amount=1000, currency="GBP")
    zero = Money.zero("GBP")
    line = quotes.QuotedLine(
        sku="MUG", product_id="prd_1", title="Mug", quantity=2, unit_price=price, line_total=total
    )
    return quotes.Quote(
        quote_id="quo_1",
        user_id="usr_1",
        lines=[line],
        subtotal=total,
        discount=zero,
        shipping=zero,
        tax=zero,
        total=total,
        country="GB",
        shipping_method="standard",
        cart_version=3,
        expires_at=NOW + timedelta(minutes=15),
    )


def test_reading_a_token_returns_the_signed_quote():
    assert quotes.read(quotes.sign(_quote(), KEY), KEY, NOW) == _quote()


def test_a_quote_is_valid_until_it_expires():
    token = quotes.sign(_quote(), KEY)
    quotes.read(token, KEY, NOW + timedelta(minutes=14, seconds=59))
    with pytest.raises(QuoteExpired):
        quotes.read(token, KEY, NOW + timedelta(minutes=15))


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: "",
        lambda token: token[:-2],
        lambda token: token.replace(".", "", 1),
        lambda token: jwt.encode(jwt.decode(token, options={"verify_signature": False}), KEY[::-1]),
        lambda token: jwt.encode(
            jwt.decode(token, options={"verify_signature": False}), "", algorithm="none"
        ),
        lambda token: jwt.encode({"aud": "another", "exp": 9_999_999_999}, KEY),
        lambda token: jwt.encode({"aud": "orders"}, KEY),
    ],
)
def test_a_quote_that_cart_did_not_sign_is_invalid(forge):
    with pytest.raises(Invalid):
        quotes.read(forge(quotes.sign(_quote(), KEY)), KEY, NOW)


def test_a_cursor_works_only_for_its_list_and_unaltered():
    cursors = Cursors(lambda: KEY)
    cursor = cursors.write({"pk": "usr_1", "sk": "ord_9"}, "orders:usr_1")
    assert cursor is not None
    assert cursors.read(cursor, "orders:usr_1") == {"pk": "usr_1", "sk": "ord_9"}
    for altered, list_of in (
        (cursor, "orders:usr_2"),
        (cursor[:-3] + "AAA", "orders:usr_1"),
        ("x", "orders:usr_1"),
    ):
        with pytest.raises(Malformed):
            cursors.read(altered, list_of)
    assert cursors.read(None, "orders:usr_1") is None
    assert cursors.write(None, "orders:usr_1") is None
