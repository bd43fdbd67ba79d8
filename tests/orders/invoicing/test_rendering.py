"""The rendering of invoices as HTML and PDF, with any text."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from orders.invoicing import html, pdf, text_layout
from orders.invoicing.document import Document
from tests.orders.invoicing.samples import document, pages
from tests.support import ROOT


def titled(title: str) -> Document:
    """Return a document with this title and buyer."""
    invoice = document(1)
    return replace(invoice, lines=(replace(invoice.lines[0], title=title),), buyer=(title,))


def test_the_pdf_contains_the_whole_invoice():
    invoice = document(3, tax_inclusive=False)
    (text,) = pages(pdf.render(invoice))
    wanted = [
        "2026-000123",
        "21 November 2026",
        invoice.order_number,
        "20 November 2026",
        "pay_1",
        "standard",
    ]
    wanted += ["Tillstack Ltd", "London EC1A 1AA", "Tax ID GB 000 0000 00", "Zoë Łódzka", "zoe@example.com"]
    wanted += [part for line in invoice.lines for part in (line.title, line.sku, *invoice.figures(line))]
    wanted += [part for row in invoice.sums for part in row] + [*invoice.grand_total, "Page 1 of 1"]
    assert [part for part in wanted if part not in text] == []


def test_the_pdf_is_dated_when_the_invoice_was_issued():
    invoice = document(1)
    metadata = PdfReader(BytesIO(pdf.render(invoice))).metadata
    assert metadata is not None
    assert metadata.creation_date == invoice.issued_at.replace(microsecond=0)


def test_the_html_contains_the_whole_invoice():
    invoice = document(3)
    text = " ".join(_Words.of(html.render(invoice)))
    wanted = [
        "2026-000123",
        "21 November 2026",
        invoice.order_number,
        "Zoë Łódzka",
        "zoe@example.com",
        "pay_1",
    ]
    wanted += [part for line in invoice.lines for part in (line.title, line.sku, *invoice.figures(line))]
    wanted += [part for row in invoice.sums for part in row] + [*invoice.grand_total, invoice.tax_note]
    assert [part for part in wanted if part not in text] == []


def test_every_page_of_a_long_invoice_has_a_header_and_a_number():
    invoice = document(1_000)
    read = pages(pdf.render(invoice))
    assert len(read) > 20
    found = [word for page in read for word in page.split() if word.startswith("SKU-")]
    assert found == [line.sku for line in invoice.lines]
    for number, page in enumerate(read, start=1):
        assert f"Page {number} of {len(read)}" in page
        assert "2026-000123" in page
        assert ("Unit price" in page) == ("SKU-" in page)
        assert (invoice.grand_total[0] in page) == (number == len(read))


@pytest.mark.parametrize("lines", range(10, 24))
def test_nothing_is_drawn_below_the_bottom_margin(lines):
    file = PdfReader(BytesIO(pdf.render(document(lines))))
    heights = [
        height for page in file.pages for height in _heights(page, ("SKU-", "includes tax of", "Total"))
    ]
    assert len(heights) == lines + 2
    assert min(heights) > pdf.BOTTOM


def test_a_very_long_address_leaves_room_for_the_lines():
    invoice = replace(document(2), buyer=("W" * 200,) * 7)
    file = PdfReader(BytesIO(pdf.render(invoice)))
    drawn = [height for page in file.pages for height in _heights(page, ("WW", "SKU-", "Total", "zoe@"))]
    assert len(drawn) > 30
    assert min(drawn) > pdf.BOTTOM


def _heights(page: Any, starts: tuple[str, ...]) -> list[float]:
    """Return the heights on the page, in points, of the texts with these beginnings."""
    heights = []

    def look(found: str, _: Any, matrix: list[float], *__: Any) -> None:
        if found.strip().startswith(starts):
            heights.append(matrix[5])

    page.extract_text(visitor_text=look)
    return heights


def test_an_invoice_yields_the_same_bytes_in_every_process():
    code = (
        "import hashlib; from tests.orders.invoicing.test_rendering import *;"
        "print(hashlib.sha256(pdf.render(document(3)) + html.render(document(3))).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"from tests.support import set_environment; set_environment(); {code}"],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    pdf.render(titled("another document first, Щ"))
    here = pdf.render(document(3)) + html.render(document(3))
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_names_are_printed_in_their_own_script():
    names = "Łódź Zoë Ελλάδα Щука Đặng €"
    (text,) = pages(pdf.render(titled(names)))
    assert names in text
    resources: Any = PdfReader(BytesIO(pdf.render(titled(names)))).pages[0]["/Resources"]
    fonts = [font.get_object() for font in resources["/Font"].values()]
    embedded = [font["/BaseFont"] for font in fonts if "/FontDescriptor" in font]
    assert [name.partition("+")[2] for name in sorted(embedded)] == ["NotoSans-Bold", "NotoSans-Regular"]


def test_characters_missing_from_the_font_are_replaced():
    assert text_layout.printable("日本 tea") == "\ufffd\ufffd tea"
    assert text_layout.printable("Zoe\u0308\u200b\u202e\x07!") == "Zoë !"
    (text,) = pages(pdf.render(titled("日本 tea")))
    assert "\ufffd\ufffd tea" in text


@given(st.text(max_size=60))
def test_any_text_can_be_rendered(text):
    shown = text_layout.printable(text)
    assert all(text_layout.width(char, text_layout.REGULAR, 9) >= 0 for char in shown)
    lines = text_layout.wrapped(shown, text_layout.REGULAR, 9, 50)
    assert "".join(lines).replace(" ", "") == "".join(shown.split())
    assert all(len(line) == 1 or text_layout.width(line, text_layout.REGULAR, 9) <= 50 for line in lines)
    assert pdf.render(titled(text)).startswith(b"%PDF-")


@given(st.text(st.sampled_from("<>&\"'/ab={}%!-"), max_size=40))
def test_no_text_becomes_html_markup(text):
    evil = f"<script>alert(1)</script><img src=x onerror=y>{{{{7*7}}}}{text}"
    page = html.render(titled(evil))
    reader = _Words()
    reader.feed(page.decode())
    assert not reader.tags & {"script", "img"}
    assert [word for word in reader.words if word == evil.strip()]


def test_text_that_looks_like_markup_is_printed_literally():
    evil = "<b>bold</b> <font size=40>& &amp; </para>"
    (printed,) = pages(pdf.render(titled(evil)))
    assert evil in printed.replace("\n", " ")


class _Words(HTMLParser):
    """A parser that collects a page's texts and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    @classmethod
    def of(cls, page: bytes) -> Iterable[str]:
        reader = cls()
        reader.feed(page.decode())
        return reader.words
