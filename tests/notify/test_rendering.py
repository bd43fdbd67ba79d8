"""Every kind of letter in every language: whole, the same in each, and closed to what others wrote."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from localstack.mail.preview import write
from localstack.mail.samples import HOSTILE, Facts, letters, specimens
from notify import mailer, rendering
from notify.domain import orders
from notify.domain.brand import Brand
from notify.domain.languages import LANGUAGES
from notify.domain.letters import Letter, Template
from notify.domain.sms import ALPHABET, MAX_SEPTETS, septets
from notify.rendering import TEMPLATES, Form, pages, render, text_message
from notify.schemas import ChoosePreferences
from notify.settings import NotifySettings, settings
from tests.notify.event_data import parcel
from tests.notify.recipients import Seen

BRAND = Brand("Tillstack", "#1f4d3a", "1 Mill Lane, Leeds", "https://shop.tillstack.example")
KINDS = {letter.template: letter for letter in letters(Facts())}
SMS = {
    Template.ORDER_CONFIRMATION,
    Template.ORDER_SHIPPED,
    Template.ORDER_DELIVERED,
    Template.ORDER_CANCELLED,
    Template.REFUNDED,
    Template.PAYMENT_FAILED,
    Template.PAYMENT_REAUTHORIZE,
}
every_kind = pytest.mark.parametrize("kind", list(Template))
every_language = pytest.mark.parametrize("language", list(LANGUAGES))
every_specimen = pytest.mark.parametrize(
    "letter", [pytest.param(specimen.letter, id=specimen.name) for specimen in specimens()]
)


def test_there_is_a_specimen_of_every_kind() -> None:
    assert set(KINDS) == set(Template)


@every_language
def test_a_language_has_all_letters_and_no_others(language: str) -> None:
    written = {path.name for path in (TEMPLATES / language).iterdir()}
    assert written == {"words.j2", *(f"{kind}.j2" for kind in Template)}


def test_templates_are_of_languages_that_are_known() -> None:
    assert {path.name for path in TEMPLATES.iterdir() if path.is_dir()} == {"html", "text", *LANGUAGES}


@every_kind
def test_a_letter_shows_the_same_in_all_languages(kind: Template) -> None:
    shown = [shown_by(language, kind) for language in LANGUAGES]
    assert all(other == shown[0] for other in shown[1:])


def shown_by(language: str, kind: Template) -> dict[str, list[str]]:
    """The values and parts of each block of a letter, as often as they stand there."""
    page = pages(language, "html", BRAND).parse((TEMPLATES / language / f"{kind}.j2").read_text())
    return {
        block.name: sorted(name.name for name in block.find_all(nodes.Name) if name.ctx == "load")
        for block in page.find_all(nodes.Block)
    }


def test_the_words_of_all_languages_are_the_same_ones() -> None:
    named = [words_of(language) for language in LANGUAGES]
    assert all(other == named[0] for other in named[1:])
    assert {"sums.total", "answer"} <= named[0]


def words_of(language: str) -> set[str]:
    words = vars(pages(language, "text", BRAND).globals["words"])
    plain = {name for name, word in words.items() if isinstance(word, str) and word}
    several = ("sums", "reasons")
    return plain | {f"{these}.{name}" for these in several for name, word in words[these].items() if word}


def test_a_shop_and_a_reader_can_choose_each_language() -> None:
    for field in (NotifySettings.model_fields["notify_language"], ChoosePreferences.model_fields["language"]):
        assert set(re.findall(r"'(\w\w)'", str(field.annotation))) == set(LANGUAGES)


def test_no_letter_is_left_in_english() -> None:
    for kind, letter in KINDS.items():
        assert render(letter, "en").text != render(letter, "de").text, kind


@every_language
@every_specimen
def test_a_letter_is_whole(letter: Letter, language: str) -> None:
    mail = render(letter, language)
    assert mail.subject and mail.text.count("\n-- \n") == 1
    assert "\n\n\n" not in mail.text and mail.text.endswith(".\n")
    if HOSTILE[:5] not in mail.text:
        assert "{{" not in mail.text + mail.html
    for body in (mail.subject, mail.text, Seen(mail.html).text):
        assert not re.search(r"None|Undefined|\bMarkup\b|<bdi>|&#", body.replace(HOSTILE[:9], ""))


@every_language
@every_kind
def test_lines_are_short_enough_for_any_mail_program(kind: Template, language: str) -> None:
    assert all(len(row) <= 78 for row in render(KINDS[kind], language).text.splitlines())


@every_language
def test_a_long_order_is_shown_whole_by_mail_programs_that_clip(language: str) -> None:
    (longest,) = [letter.letter for letter in specimens() if letter.name == "order_confirmation-60-lines"]
    assert len(render(longest, language).html.encode()) < 102_000  # Gmail clips there


@every_language
@every_kind
def test_the_text_says_what_the_html_says(kind: Template, language: str) -> None:
    mail = render(KINDS[kind], language)
    page = "".join(Seen(mail.html).text.split())
    body = mail.text.partition("\n-- \n")[0]
    rows = [row for row in body.splitlines() if not row.startswith("    ")]  # what is under a line's title
    for said in re.split(r"\n+|: ", "\n".join(rows)):
        assert "".join(said.split()).rstrip(":") in page


@every_language
@every_kind
def test_a_letter_can_be_read_aloud(kind: Template, language: str) -> None:
    """What WCAG and screen readers ask of a page: its language, its title, headings, tables that are none."""
    mail = render(KINDS[kind], language)
    page = Parsed(mail.html)
    (html,) = page.all("html")
    assert html["lang"] == language
    assert mail.subject in Seen(mail.html).text
    assert len(page.all("h1")) == 1
    for table in page.all("table"):
        assert table.get("role") == "presentation" or "border-collapse" in (table["style"] or "")
    assert all(cell.get("scope") in {"col", "row"} for cell in page.all("th"))
    assert all(link["href"] for link in page.all("a"))


@every_language
@every_kind
def test_a_mail_program_shows_the_beginning_of_what_a_letter_says(kind: Template, language: str) -> None:
    page = render(KINDS[kind], language).html
    hidden = re.search(r'<div style="display:none[^>]*>(.*?)(?:&#847;|</div>)', page, re.DOTALL)
    assert hidden and 20 <= len(hidden[1].strip()) <= 160


@every_language
@every_specimen
def test_mails_load_nothing_from_elsewhere(letter: Letter, language: str) -> None:
    page = render(letter, language).html
    parsed = Parsed(page)
    forbidden = {"img", "script", "link", "iframe", "object", "form", "svg", "video", "base", "input"}
    assert not forbidden & {tag for tag, _ in parsed.tags}
    assert [tag for tag, _ in parsed.tags].count("style") == 1
    (style,) = re.findall(r"<style>\n(:root.*?)</style>", page, re.DOTALL)
    assert not re.search(r"url\(|@import|expression|</", style)
    for _, attributes in parsed.tags:
        assert not {"src", "srcset", "background", "action", "formaction"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert "url(" not in (attributes.get("style") or "")


# What others wrote: each must leave the page the template's own.
WORDS = [
    HOSTILE,
    "</bdi></strong></td></tr></table><h1>Free</h1>",
    '"><script>alert(1)</script>',
    "<a href='https://evil.example'>y</a>",
    "--><!--[if mso]><table><![endif]-->",
    "</title></style><style>@import 'x'</style>",
    "{% extends 'x' %}{{ brand }}{# #}",
    "\u202egnp.exe \u2066x\u2069",
    "line\r\nBcc: all@evil.example\r\n\r\n<b>",
    "\x00\x1b[31m\ufeff",
    "ＷＷＷ．ｅｖｉｌ．ｅｘａｍｐｌｅ",
    "javascript:alert(1)",
    "%s %n ${7*7} #{7*7}",
    "x" * 5000,
]

VARYING = {"p", "br", "bdi"}  # paragraphs are as many as there are; a name that holds a link is not greeted


@every_language
@every_kind
def test_what_others_wrote_becomes_no_markup(kind: Template, language: str) -> None:
    own = Parsed(render(KINDS[kind], language).html)
    own_tags = [tag for tag, _ in own.tags if tag not in VARYING]
    for words in WORDS:
        page = Parsed(render(written_by(words, kind), language).html)
        assert [tag for tag, _ in page.tags if tag not in VARYING] == own_tags
        for tag, attributes in page.tags:
            assert set(attributes) in own.attributes[tag]
        assert set(page.links) == set(own.links)


@every_language
@every_kind
def test_what_others_wrote_becomes_no_header_and_turns_no_text(kind: Template, language: str) -> None:
    own = mailer.compose("ntf_1", "ada@example.com", render(KINDS[kind], language)).keys()
    for words in WORDS:
        mail = render(written_by(words, kind), language)
        assert len(mail.subject.splitlines()) == 1 and len(mail.subject) <= 200
        assert mailer.compose("ntf_1", "ada@example.com", mail).keys() == own
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", mail.subject + mail.text)


def written_by(words: str, kind: Template) -> Letter:
    """The letter of that kind in which every text that comes from outside is this one."""
    return letters_by(words)[kind]


@cache
def letters_by(words: str) -> dict[Template, Letter]:
    return {letter.template: letter for letter in letters(Facts(words))}


@given(st.text(max_size=60), st.sampled_from(list(LANGUAGES)))
@example(HOSTILE, "de")
@hypothesis_settings(max_examples=15, deadline=None)
def test_no_text_becomes_markup(words: str, language: str) -> None:
    for letter in letters(Facts(words)):
        own = Parsed(render(KINDS[letter.template], language).html)
        page = Parsed(render(letter, language).html)
        assert {tag for tag, _ in page.tags} <= {tag for tag, _ in own.tags}
        assert set(page.links) == set(own.links)


@every_language
def test_text_messages_are_of_some_letters(language: str) -> None:
    assert {kind for kind, letter in KINDS.items() if text_message(letter, language)} == SMS


@every_language
@pytest.mark.parametrize("kind", sorted(SMS))
def test_a_text_message_names_the_shop_the_order_and_where_to_look(kind: Template, language: str) -> None:
    text = text_message(KINDS[kind], language)
    assert text and text.startswith("Tillstack: ") and "7K4M2-9QX2D" in text
    assert text.endswith(" https://shop.tillstack.example/orders/ord_01KAHX2V5N8Q4T7RZ3M6WB9CDE")
    assert septets(text) <= 240


@given(st.text(max_size=60), st.sampled_from(list(LANGUAGES)))
@example(HOSTILE, "de")
@example("€" * 60, "en")
@example("王" * 60, "en")
@hypothesis_settings(max_examples=30, deadline=None)
def test_a_text_message_is_of_two_parts_at_the_most_and_leads_to_the_shop_alone(
    words: str, language: str
) -> None:
    for letter in letters(Facts(words)):
        text = text_message(letter, language)
        if text is not None:
            assert set(text) <= ALPHABET and septets(text) <= MAX_SEPTETS
            assert text.endswith("/orders/ord_01KAHX2V5N8Q4T7RZ3M6WB9CDE")
            assert not re.search("evil[.](?! )", text)


@pytest.mark.parametrize(
    "link",
    [
        "evil․example",
        "evil.\u200bexample",
        "evil﹒example",
        "evil.\u0308example",
        "evil.\u20ddexample",
        "https：／／evil.example",
    ],
)
@every_language
def test_what_networks_fold_to_a_link_is_none_in_a_text_message(link: str, language: str) -> None:
    for facts in (parcel(tracking=link), parcel(carrier=link), parcel(number=link)):
        text = text_message(orders.shipped(facts), language)
        assert text and "evil" in text
        assert "evil.e" not in text and "://e" not in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["£1,271.35", "21 November 2026", "Total", "See your order"]),
        ("de", ["1.271,35\u00a0£", "21. November 2026", "Gesamt", "Bestellung ansehen"]),
        ("xx", ["£1,271.35", "21 November 2026"]),
    ],
)
def test_sums_and_days_are_in_the_readers_language(language: str, said: list[str]) -> None:
    mail = render(KINDS[Template.ORDER_CONFIRMATION], language)
    for words in said:
        assert words in mail.text and words in mail.html


def test_a_letter_is_the_brands(monkeypatch: pytest.MonkeyPatch) -> None:
    brand = {
        "notify_brand_name": "Lamp & Sons",
        "notify_brand_colour": "#aa0000",
        "notify_brand_address": "1 Mill <Lane>|Leeds",
        "notify_shop_url": "https://lamps.example",
    }
    ours = settings().model_copy(update=brand)
    monkeypatch.setattr(rendering, "settings", lambda: ours)
    mail = render(KINDS[Template.WELCOME], "de")
    assert mail.subject == "Willkommen bei Lamp & Sons"
    assert "Lamp &amp; Sons" in mail.html and "1 Mill &lt;Lane&gt;, Leeds" in mail.html
    assert "#aa0000" in mail.html and "#1f4d3a" not in mail.html
    assert "Lamp & Sons, https://lamps.example" in mail.text and "1 Mill <Lane>, Leeds" in mail.text
    assert set(Parsed(mail.html).links) == {"https://lamps.example"}
    text = text_message(KINDS[Template.REFUNDED], "en")
    assert text and text.startswith("Lamp & Sons: ") and "https://lamps.example/orders/ord_" in text


def test_a_brand_that_is_a_host_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = settings().model_copy(update={"notify_brand_name": "Lamps.example"})
    monkeypatch.setattr(rendering, "settings", lambda: ours)
    for kind in SMS:
        text = text_message(KINDS[kind], "de")
        assert text and text.startswith("Lamps.example: ")


@pytest.mark.parametrize("form", ["html", "text"])
def test_a_part_is_there_in_html_and_text(form: Form) -> None:
    parts = {name for name, _ in parts_of(form)}
    assert parts == {name for name, _ in parts_of("html")}


def parts_of(form: Form) -> Iterator[tuple[str, tuple[str, ...]]]:
    tree = Environment(autoescape=True).parse((TEMPLATES / form / "parts.j2").read_text())
    for macro in tree.find_all(nodes.Macro):
        yield macro.name, tuple(argument.name for argument in macro.args)


def test_previews_are_written_of_each_letter_in_each_language(tmp_path: Path) -> None:
    sheets = write(tmp_path)
    names = [specimen.name for specimen in specimens()]
    assert [sheet.stem for sheet in sheets] == names
    for language in LANGUAGES:
        for name in names:
            assert (tmp_path / language / f"{name}.html").exists()
            assert (tmp_path / language / f"{name}.txt").read_text().startswith("Subject: ")
    assert (tmp_path / "de" / "order_shipped.sms.txt").read_text().startswith("Tillstack: ein Paket")
    sheet = (tmp_path / "order_confirmation-hostile.html").read_text()
    assert not {"img", "script"} & {tag for tag, _ in Parsed(sheet).tags}
    assert "order_confirmation-60-lines" in (tmp_path / "index.html").read_text()


class Parsed(HTMLParser):
    """A page's tags with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == wanted]

    @property
    def links(self) -> list[str]:
        return [str(link["href"]) for link in self.all("a")]

    @property
    def attributes(self) -> dict[str, list[set[str]]]:
        return {tag: [set(attributes) for attributes in self.all(tag)] for tag, _ in self.tags}
