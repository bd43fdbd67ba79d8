"""The content of invoices."""

from datetime import UTC, datetime

import pytest

from orders.invoicing.document import Line, date_text, document_of
from shared.values.money import Money, Price
from shared.values.money_format import format_money
from tests.orders.invoicing.samples import NOW, SELLER, document, gbp, paid


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123_456, "GBP", "£1,234.56"),
        (-5, "EUR", "-€0.05"),
        (500, "JPY", "¥500"),
        (1_200, "CHF", "CHF 12.00"),
        (1_250, "KWD", "KWD 1.250"),
    ],
)
def test_money_is_formatted_by_currency(amount, currency, text):
    assert format_money(Money(amount=amount, currency=currency)) == text


def test_dates_are_formatted_in_full():
    assert date_text(datetime(2026, 1, 7, tzinfo=UTC)) == "7 January 2026"
    assert date_text(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == "31 December 2026"


def test_an_invoice_contains_the_terms_of_the_order():
    invoice = document(2)
    assert (invoice.invoice_number, invoice.issued_at, invoice.order_id) == ("2026-000123", NOW, "ord_1")
    assert invoice.order_number == paid().number
    assert invoice.buyer == ("Zoë Łódzka", "12 St James's Square", "London SW1Y 4JH", "GB")
    assert invoice.lines[1] == Line(
        "SKU-0001", "Mug 1", 2, Price(amount=1_001, currency="GBP"), gbp(100), gbp(50), gbp(2_002)
    )
    assert (invoice.payment_reference, invoice.total) == ("pay_1", gbp(3_197))
    assert invoice.grand_total == ("Total (GBP)", "£31.97")


def test_an_order_without_an_invoice_number_has_no_invoice():
    with pytest.raises(ValueError, match="no invoice"):
        document_of(paid(), SELLER)


def test_included_tax_is_shown_but_not_added():
    invoice = document(2)
    assert [label for label, _ in invoice.sums] == ["Subtotal", "Discount", "Shipping"]
    assert invoice.tax_note == "includes tax of £1.00"
    assert invoice.columns == ["Quantity", "Unit price", "Amount", "Discount", "Tax, incl."]


def test_excluded_tax_is_one_of_the_sums():
    invoice = document(2, tax_inclusive=False)
    assert invoice.sums[-1] == ("Tax", "£1.00")
    assert invoice.tax_note == ""
    assert invoice.columns[-1] == "Tax"


def test_a_column_without_values_is_omitted():
    invoice = document(2, discount=0)
    assert "Discount" not in invoice.columns
    assert len(invoice.figures(invoice.lines[0])) == len(invoice.columns)
    assert [label for label, _ in invoice.sums] == ["Subtotal", "Shipping"]


def test_user_text_becomes_a_single_line():
    invoice = document(1, title="a\u202egnp.exe\nb\x00c" + "x" * 500)
    assert invoice.lines[0].title.startswith("agnp.exe b c")
    assert len(invoice.lines[0].title) == 200
