"""Every template in every language: its completeness, layout and safety with untrusted text."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from localstack.mail.samples import HOSTILE, messages, samples
from localstack.mail.sent import kind_of
from notify import mailer, rendering
from notify.domain import orders
from notify.domain.brand import Brand
from notify.domain.languages import LANGUAGES
from notify.domain.messages import Message, Template
from notify.domain.sms import ALPHABET, MAX_SEPTETS, septets
from notify.rendering import TEMPLATES, Form, environment, render, render_sms
from notify.schemas import UpdatePreferences
from notify.settings import NotifySettings, settings
from tests.notify.event_data import shipped
from tests.notify.html_page import Page

BRAND = Brand("Tillstack", "#1f4d3a", "1 Mill Lane, Leeds", "https://shop.tillstack.example")
SAMPLES = {message.template: message for message in messages()}
SMS_TEMPLATES = {
    Template.ORDER_CONFIRMATION,
    Template.ORDER_SHIPPED,
    Template.ORDER_DELIVERED,
    Template.ORDER_CANCELLED,
    Template.REFUNDED,
    Template.PAYMENT_FAILED,
    Template.PAYMENT_REAUTHORIZE,
}
every_template = pytest.mark.parametrize("template", list(Template))
every_language = pytest.mark.parametrize("language", list(LANGUAGES))
every_sample = pytest.mark.parametrize(
    "message", [pytest.param(sample.message, id=sample.name) for sample in samples()]
)


def test_every_template_has_a_sample() -> None:
    assert set(SAMPLES) == set(Template)


@every_language
def test_a_language_has_all_templates_and_no_others(language: str) -> None:
    files = {path.name for path in (TEMPLATES / language).iterdir()}
    assert files == {"labels.j2", "reasons.json", *(f"{template}.j2" for template in Template)}


def test_template_folders_are_known_languages() -> None:
    assert {path.name for path in TEMPLATES.iterdir() if path.is_dir()} == {"html", "text", *LANGUAGES}


@every_template
def test_a_template_uses_the_same_values_in_all_languages(template: Template) -> None:
    used = [values_used(language, template) for language in LANGUAGES]
    assert all(other == used[0] for other in used[1:])


def values_used(language: str, template: Template) -> dict[str, list[str]]:
    """Return the values and components of each block, as often as they occur."""
    page = environment(language, "html", BRAND).parse((TEMPLATES / language / f"{template}.j2").read_text())
    return {
        block.name: sorted(name.name for name in block.find_all(nodes.Name) if name.ctx == "load")
        for block in page.find_all(nodes.Block)
    }


def test_all_languages_have_the_same_labels() -> None:
    names = [labels_of(language) for language in LANGUAGES]
    assert all(other == names[0] for other in names[1:])
    assert {"totals.total", "answer"} <= names[0]


def labels_of(language: str) -> set[str]:
    labels = vars(environment(language, "text", BRAND).globals["labels"])
    plain = {name for name, label in labels.items() if isinstance(label, str) and label}
    return plain | {f"totals.{name}" for name, label in labels["totals"].items() if label}


def test_each_language_is_an_option_of_settings_and_preferences() -> None:
    for field in (NotifySettings.model_fields["notify_language"], UpdatePreferences.model_fields["language"]):
        assert set(re.findall(r"'(\w\w)'", str(field.annotation))) == set(LANGUAGES)


def test_no_german_message_equals_the_english_one() -> None:
    for template, message in SAMPLES.items():
        assert render(message, "en").text != render(message, "de").text, template


@every_language
@every_sample
def test_a_message_is_complete(message: Message, language: str) -> None:
    email = render(message, language)
    assert email.subject and email.text.count("\n-- \n") == 1
    assert "\n\n\n" not in email.text and email.text.endswith(".\n")
    if HOSTILE[:5] not in email.text:
        assert "{{" not in email.text + email.html
    for body in (email.subject, email.text, Page(email.html).text):
        assert not re.search(r"None|Undefined|\bMarkup\b|<bdi>|&#", body.replace(HOSTILE[:9], ""))


@every_language
@every_template
def test_text_lines_have_at_most_78_characters(template: Template, language: str) -> None:
    assert all(len(line) <= 78 for line in render(SAMPLES[template], language).text.splitlines())


@every_language
def test_gmail_does_not_clip_the_email_of_a_long_order(language: str) -> None:
    (longest,) = [sample.message for sample in samples() if sample.name == "order_confirmation-60-lines"]
    assert len(render(longest, language).html.encode()) < 102_000  # the size from which Gmail clips


@every_language
@every_template
def test_the_text_has_the_content_of_the_html(template: Template, language: str) -> None:
    email = render(SAMPLES[template], language)
    page = "".join(Page(email.html).text.split())
    body = email.text.partition("\n-- \n")[0]
    # The details of an item are indented; the HTML separates them differently.
    lines = [line for line in body.splitlines() if not line.startswith("    ")]
    for text in re.split(r"\n+|: ", "\n".join(lines)):
        assert "".join(text.split()).rstrip(":") in page


@every_language
@every_template
def test_an_email_is_accessible(template: Template, language: str) -> None:
    """WCAG requires a language, a title and a heading; layout tables must be marked as presentation."""
    email = render(SAMPLES[template], language)
    page = TagParser(email.html)
    (html,) = page.all("html")
    assert html["lang"] == language
    assert email.subject in Page(email.html).text
    assert len(page.all("h1")) == 1
    for table in page.all("table"):
        assert table.get("role") == "presentation" or "border-collapse" in (table["style"] or "")
    assert all(cell.get("scope") in {"col", "row"} for cell in page.all("th"))
    assert all(link["href"] for link in page.all("a"))


@every_language
@every_template
def test_the_preheader_is_hidden_and_short(template: Template, language: str) -> None:
    page = render(SAMPLES[template], language).html
    hidden = re.search(r'<div style="display:none[^>]*>(.*?)(?:&#847;|</div>)', page, re.DOTALL)
    assert hidden and 20 <= len(hidden[1].strip()) <= 160


@every_language
@every_sample
def test_emails_load_nothing_from_other_hosts(message: Message, language: str) -> None:
    page = render(message, language).html
    parsed = TagParser(page)
    forbidden = {"img", "script", "link", "iframe", "object", "form", "svg", "video", "base", "input"}
    assert not forbidden & {tag for tag, _ in parsed.tags}
    assert [tag for tag, _ in parsed.tags].count("style") == 1
    (style,) = re.findall(r"<style>\n(:root.*?)</style>", page, re.DOTALL)
    assert not re.search(r"url\(|@import|expression|</", style)
    for _, attributes in parsed.tags:
        assert not {"src", "srcset", "background", "action", "formaction"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert "url(" not in (attributes.get("style") or "")


# Untrusted texts: none may change the structure of the page.
UNTRUSTED = [
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

# The number of paragraphs varies, and a name with a link is omitted.
VARYING_TAGS = {"p", "br", "bdi"}


@every_language
@every_template
def test_untrusted_text_does_not_change_the_tags(template: Template, language: str) -> None:
    expected = TagParser(render(SAMPLES[template], language).html)
    expected_tags = [tag for tag, _ in expected.tags if tag not in VARYING_TAGS]
    for text in UNTRUSTED:
        page = TagParser(render(messages_with(text)[template], language).html)
        assert [tag for tag, _ in page.tags if tag not in VARYING_TAGS] == expected_tags
        for tag, attributes in page.tags:
            assert set(attributes) in expected.attributes[tag]
        assert set(page.links) == set(expected.links)


@every_language
@every_template
def test_untrusted_text_adds_no_header_and_no_direction_override(template: Template, language: str) -> None:
    expected = mailer.compose("ntf_1", "ada@example.com", render(SAMPLES[template], language)).keys()
    for text in UNTRUSTED:
        email = render(messages_with(text)[template], language)
        assert len(email.subject.splitlines()) == 1 and len(email.subject) <= 200
        assert mailer.compose("ntf_1", "ada@example.com", email).keys() == expected
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", email.subject + email.text)


@cache
def messages_with(text: str) -> dict[Template, Message]:
    """Return a message per template in which every untrusted text is `text`."""
    return {message.template: message for message in messages(text)}


@given(st.text(max_size=60), st.sampled_from(list(LANGUAGES)))
@example(HOSTILE, "de")
@hypothesis_settings(max_examples=15, deadline=None)
def test_no_text_becomes_markup(text: str, language: str) -> None:
    for message in messages(text):
        expected = TagParser(render(SAMPLES[message.template], language).html)
        page = TagParser(render(message, language).html)
        assert {tag for tag, _ in page.tags} <= {tag for tag, _ in expected.tags}
        assert set(page.links) == set(expected.links)


@every_language
def test_seven_templates_have_a_text_message(language: str) -> None:
    with_sms = {template for template, message in SAMPLES.items() if render_sms(message, language)}
    assert with_sms == SMS_TEMPLATES


@every_language
@pytest.mark.parametrize("template", sorted(SMS_TEMPLATES))
def test_a_text_message_shows_the_shop_the_order_and_its_link(template: Template, language: str) -> None:
    text = render_sms(SAMPLES[template], language)
    assert text and text.startswith("Tillstack: ") and "7K4M2-9QX2D" in text
    assert text.endswith(" https://shop.tillstack.example/orders/ord_01KAHX2V5N8Q4T7RZ3M6WB9CDE")
    assert septets(text) <= 240


@given(st.text(max_size=60), st.sampled_from(list(LANGUAGES)))
@example(HOSTILE, "de")
@example("€" * 60, "en")
@example("王" * 60, "en")
@hypothesis_settings(max_examples=30, deadline=None)
def test_a_text_message_has_at_most_two_segments_and_one_link(text: str, language: str) -> None:
    for message in messages(text):
        sms = render_sms(message, language)
        if sms is not None:
            assert set(sms) <= ALPHABET and septets(sms) <= MAX_SEPTETS
            assert sms.endswith("/orders/ord_01KAHX2V5N8Q4T7RZ3M6WB9CDE")
            assert not re.search("evil[.](?! )", sms)


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
def test_normalization_reveals_no_link_in_a_text_message(link: str, language: str) -> None:
    for event in (shipped(tracking=link), shipped(carrier=link), shipped(number=link)):
        text = render_sms(orders.shipped(event), language)
        assert text and "evil" in text
        assert "evil.e" not in text and "://e" not in text


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["£1,271.35", "21 November 2026", "Total", "View your order"]),
        ("de", ["1.271,35\u00a0£", "21. November 2026", "Gesamt", "Bestellung ansehen"]),
        ("xx", ["£1,271.35", "21 November 2026"]),
    ],
)
def test_amounts_and_dates_are_in_the_recipients_language(language: str, expected: list[str]) -> None:
    email = render(SAMPLES[Template.ORDER_CONFIRMATION], language)
    for text in expected:
        assert text in email.text and text in email.html


def test_an_email_shows_the_brand(monkeypatch: pytest.MonkeyPatch) -> None:
    brand = {
        "notify_brand_name": "Lamp & Sons",
        "notify_brand_colour": "#aa0000",
        "notify_brand_address": "1 Mill <Lane>|Leeds",
        "notify_shop_url": "https://lamps.example",
    }
    changed = settings().model_copy(update=brand)
    monkeypatch.setattr(rendering, "settings", lambda: changed)
    email = render(SAMPLES[Template.WELCOME], "de")
    assert email.subject == "Willkommen bei Lamp & Sons"
    assert "Lamp &amp; Sons" in email.html and "1 Mill &lt;Lane&gt;, Leeds" in email.html
    assert "#aa0000" in email.html and "#1f4d3a" not in email.html
    assert "Lamp & Sons, https://lamps.example" in email.text and "1 Mill <Lane>, Leeds" in email.text
    assert set(TagParser(email.html).links) == {"https://lamps.example"}
    text = render_sms(SAMPLES[Template.REFUNDED], "en")
    assert text and text.startswith("Lamp & Sons: ") and "https://lamps.example/orders/ord_" in text


def test_a_brand_that_is_a_host_name_is_shown_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = settings().model_copy(update={"notify_brand_name": "Lamps.example"})
    monkeypatch.setattr(rendering, "settings", lambda: changed)
    for template in SMS_TEMPLATES:
        text = render_sms(SAMPLES[template], "de")
        assert text and text.startswith("Lamps.example: ")


def test_the_subject_identifies_the_kind_of_email() -> None:
    subjects = {template: render(message).subject for template, message in SAMPLES.items()}
    del subjects[Template.STAFF_MESSAGE]
    kinds = [kind_of(subject) for subject in subjects.values()]
    assert "other" not in kinds and len(set(kinds)) == len(subjects)


@pytest.mark.parametrize("form", ["html", "text"])
def test_html_and_text_have_the_same_components(form: Form) -> None:
    names = {name for name, _ in components_of(form)}
    assert names == {name for name, _ in components_of("html")}


def components_of(form: Form) -> Iterator[tuple[str, tuple[str, ...]]]:
    tree = Environment(autoescape=True).parse((TEMPLATES / form / "components.j2").read_text())
    for macro in tree.find_all(nodes.Macro):
        yield macro.name, tuple(argument.name for argument in macro.args)


class TagParser(HTMLParser):
    """The tags of an HTML page with their attributes."""

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
