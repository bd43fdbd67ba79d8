"""HTML of staff, reduced to the tags that messages may contain."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain.markup import clean


@pytest.mark.parametrize(
    ("html", "cleaned"),
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
def test_only_allowed_tags_are_kept(html: str, cleaned: str) -> None:
    assert clean(html) == cleaned


@pytest.mark.parametrize(
    ("target", "href"),
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
def test_only_plain_https_and_mailto_links_are_kept(target: str, href: str) -> None:
    escaped = target.replace('"', "&quot;")
    link = f'<a class="link" href="{href}">' if href else "<a>"
    assert clean(f'<a href="{escaped}" target=x>y</a>') == f"{link}y</a>"


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
def test_cleaned_html_is_well_formed_and_has_allowed_tags_only(html: str) -> None:
    cleaned = clean(html)
    page = _StrictParser()
    page.feed(cleaned)
    page.close()
    assert page.open_tags == []
    assert clean(cleaned) == cleaned


class _StrictParser(HTMLParser):
    """Fails on tags that are not allowed or not closed in the reverse order of opening."""

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"p", "b", "a", "br", "ul", "li"}
        assert {name for name, _ in attrs} <= ({"href", "class"} if tag == "a" else set())
        if tag != "br":
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)
