"""HTML of staff, reduced to text markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain.markup import clean


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<p>Dear <b>Ada</b></p>", "<p>Dear <b>Ada</b></p>"),
        ("<ul><li>one<li>two</ul>", "<ul><li>one<li>two</li></li></ul>"),
        ("a < b & c &lt;b&gt;", "a &lt; b &amp; c &lt;b&gt;"),
        ('<p onclick="x" style="position:fixed" class="y">x</p>', "<p>x</p>"),
        ("<script>alert(1)</script>after", "after"),
        ("<style>p{}</style><head><title>x</title></head><p>y</p>", "<p>y</p>"),
        ("<iframe src=x>in</iframe><object>in</object>out", "out"),
        ("<img src=x onerror=alert(1)>text", "text"),
        ("<div><p>x</div>", "<p>x</p>"),
        ("x</p></td></table>", "x"),
        ("<b>open", "<b>open</b>"),
        ("one<br/>two", "one<br>two"),
        ("<!-- hidden --><!doctype html>x", "x"),
        ("<svg><a xlink:href='javascript:x'>y</a></svg>", "<a>y</a>"),
        ("<scr<script>ipt>x", "ipt&gt;x"),
        ("a\u202eb\r\nc", "ab c"),
    ],
)
def test_only_text_markup_is_kept(written: str, kept: str) -> None:
    assert clean(written) == kept


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("https://shop.example/a?b=1&c=2", "https://shop.example/a?b=1&amp;c=2"),
        ("mailto:help@shop.example", "mailto:help@shop.example"),
        ("http://shop.example", ""),
        ("javascript:alert(1)", ""),
        (" java\tscript:alert(1)", ""),
        ("&#106;avascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//evil.example", ""),
        ("/orders", ""),
        ("https://shop.example@evil.example", ""),
        ("https://[", ""),
        ("https:evil.example", ""),
        ('https://a.example/"><script>', "https://a.example/&quot;&gt;&lt;script&gt;"),
    ],
)
def test_only_safe_links_are_kept(target: str, leads: str) -> None:
    written = target.replace('"', "&quot;")
    link = f'<a class="link" href="{leads}">' if leads else "<a>"
    assert clean(f'<a href="{written}" target=x>y</a>') == f"{link}y</a>"


PIECES = [
    "<p>",
    "</p>",
    "<b",
    ">",
    "<a href=",
    "'https://x.example'",
    '"',
    "<script>",
    "</script>",
    "<br>",
    "x",
]
PIECES += [
    "<!--",
    "-->",
    "<![CDATA[",
    "&lt;",
    "&#60;",
    "</",
    "<ul><li>",
    "=",
    " ",
    "<textarea>",
    "<svg/onload=x>",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@example("<a><p></a></p>")
def test_any_input_becomes_well_formed_and_safe_html(written: str) -> None:
    kept = clean(written)
    page = _Strict()
    page.feed(kept)
    page.close()
    assert page.open == []
    assert clean(kept) == kept


class _Strict(HTMLParser):
    """A parser that rejects tags that are not allowed or not properly nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"p", "b", "a", "br", "ul", "li"}
        assert {name for name, _ in attrs} <= ({"href", "class"} if tag == "a" else set())
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)
