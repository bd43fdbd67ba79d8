"""The rendering of messages from the templates: subject, HTML, text and text message."""

import json
import re
import textwrap
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from notify.domain import sms
from notify.domain.brand import Brand
from notify.domain.languages import language_for
from notify.domain.messages import Attachment, Email, Message
from notify.domain.text import unlinked
from notify.settings import settings
from shared.contracts.reasons import cardholder_reason
from shared.values.text import one_line

Form = Literal["html", "text"]

TEMPLATES = Path(__file__).parent / "templates"
_WIDTH = 76  # characters per line; RFC 5322, 2.1.1 recommends at most 78
_MAX_SMS_INPUT = 1_000  # characters before the text is cut to two segments; limits the work
_SMS_SHARE = 30  # septets per inserted text; a long name must not displace the rest of a text message
# The tables of templates/<language>/reasons.json; each is a filter that turns a code into a sentence.
REASON_TABLES = (
    "cancellation",
    "refund",
    "payment",
    "refund_failure",
    "dispute",
    "dispute_status",
    "difference",
)
GENERAL = "general"  # the code of a table's sentence for unknown codes


def render(message: Message, language: str = "en", attachments: tuple[Attachment, ...] = ()) -> Email:
    """Return the message as an email in that language. The HTML escapes every value."""
    values = _values(message)
    text = _template(message, language, "text")
    return Email(
        subject=one_line(_block(text, "subject", values)),
        text=re.sub(r"\n{3,}", "\n\n", text.render(values)),
        html=_template(message, language, "html").render(values),
        attachments=attachments,
    )


def render_sms(message: Message, language: str = "en") -> str | None:
    """Return the message as a text message of at most two segments; None if its template has none."""
    template = _template(message, language, "text")
    if "sms" not in template.blocks:
        return None
    return sms.cut(sms.gsm(one_line(_block(template, "sms", _values(message)), limit=_MAX_SMS_INPUT)))


def environment(language: str, form: Form, brand: Brand) -> Environment:
    """Return the templates of a language, with the layout and components of the form."""
    formats = language_for(language)
    env = Environment(
        loader=FileSystemLoader([TEMPLATES / form, TEMPLATES / formats.code]),
        autoescape=form == "html",  # noqa: S701 - plain text is not escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters |= {"money": formats.money, "date": formats.date, "date_time": formats.date_time}
    env.filters |= {"wrap": _wrapped, "sms_value": _sms_value, "sms_brand": _sms_brand}
    env.globals = {"brand": brand, "language": formats.code}
    env.globals["labels"] = env.get_template("labels.j2").module
    reasons = json.loads((TEMPLATES / formats.code / "reasons.json").read_text())
    for table in REASON_TABLES:
        env.filters[table] = partial(_sentence, reasons[table])
    env.filters["decline"] = partial(_decline, reasons["payment"])
    components = env.get_template("components.j2").module
    env.globals |= {name: macro for name, macro in vars(components).items() if not name.startswith("_")}
    return env


# Templates are compiled on first use: a process needs few of them, and nobody waits for a queue.
_environment = lru_cache(maxsize=None)(environment)


def warm_up() -> None:
    """Compile during init what all messages in the default language share."""
    _environment(settings().notify_language, "html", _brand()).get_template("layout.j2")
    _environment(settings().notify_language, "text", _brand()).get_template("layout.j2")


def _template(message: Message, language: str, form: Form) -> Template:
    return _environment(language, form, _brand()).get_template(f"{message.template}.j2")


def _block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values))))


def _values(message: Message) -> dict[str, Any]:
    order_id = message.content.get("order_id")
    order_url = f"{settings().notify_shop_url}/orders/{quote(order_id, safe='')}" if order_id else None
    return {**message.content, "order_url": order_url}


def _brand() -> Brand:
    known = settings()
    address = ", ".join(known.notify_brand_address.split("|"))
    return Brand(known.notify_brand_name, known.notify_brand_colour, address, known.notify_shop_url)


def _sentence(table: Mapping[str, str], code: str | None) -> str:
    """Return the sentence for the code, or the general one; empty if there is no code."""
    return table.get(code, table[GENERAL]) if code else ""


def _decline(table: Mapping[str, str], code: str | None) -> str:
    """Return the sentence for the code that the cardholder may learn."""
    return _sentence(table, cardholder_reason(code) if code else None)


def _wrapped(text: str) -> str:
    """Wrap each paragraph; links and non-breaking spaces are not broken."""
    paragraphs = [re.sub(r"[ \t\n]+", " ", each).strip() for each in re.split(r"\n\s*\n", text)]
    return "\n\n".join(
        textwrap.fill(each, _WIDTH, break_long_words=False, break_on_hyphens=False) for each in paragraphs
    )


def _sms_value(text: str) -> str:
    """Return untrusted text for a text message. Its links are broken last, because transliteration may
    reveal a dot."""
    return sms.cut(unlinked(sms.gsm(one_line(text))), _SMS_SHARE)


def _sms_brand(text: str) -> str:
    """Return the shop's name for a text message."""
    return sms.cut(sms.gsm(one_line(text)), _SMS_SHARE)
