"""From a letter to what is read: subject, HTML, text and text message, by the templates beside this file."""

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
from notify.domain.languages import ENGLISH, Language, spoken
from notify.domain.letters import Enclosure, Letter, Mail
from notify.domain.wording import unlinked
from notify.settings import settings
from shared.values.text import one_line

Form = Literal["html", "text"]

TEMPLATES = Path(__file__).parent / "templates"
_WIDTH = 76  # RFC 5322, 2.1.1 asks for lines of 78 at the most
_SMS_SHARE = 30  # septets of a text message, for one text from outside


def render(letter: Letter, language: str = "en", enclosures: tuple[Enclosure, ...] = ()) -> Mail:
    """The letter in words of that language. Everything that came from outside is escaped in the HTML."""
    values = _values(letter)
    text = _template(letter, language, "text")
    return Mail(
        subject=one_line(_block(text, "subject", values)),
        text=re.sub(r"\n{3,}", "\n\n", text.render(values)),
        html=_template(letter, language, "html").render(values),
        enclosures=enclosures,
    )


def text_message(letter: Letter, language: str = "en") -> str | None:
    """The letter as a text message of two parts at the most; None where its kind is not told by one."""
    template = _template(letter, language, "text")
    if "sms" not in template.blocks:
        return None
    return sms.cut(sms.gsm(one_line(_block(template, "sms", _values(letter)), limit=1000)))


def pages(language: str, form: Form, brand: Brand) -> Environment:
    """The templates of a language, whose layout and parts are those of the form."""
    words = spoken(language)
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES / form, TEMPLATES / words.code]),
        autoescape=form == "html",  # noqa: S701 - what is no HTML is not escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"money": words.money, "day": words.day, "moment": words.moment}
    environment.filters |= {"fold": _folded, "short": _short, "own": _own}
    environment.globals = {"brand": brand, "language": words.code}
    known: Any = environment.get_template("words.j2").module
    environment.globals["words"] = known
    environment.filters["cause"] = partial(_cause, known.reasons, words)
    parts = environment.get_template("parts.j2").module
    environment.globals |= {name: part for name, part in vars(parts).items() if not name.startswith("_")}
    return environment


# Letters are compiled when first needed: a process meets few of the kinds, and nobody waits for a queue.
_pages = lru_cache(maxsize=None)(pages)


def warm_up() -> None:
    """Compile during init what all letters in the shop's own language share."""
    _pages(settings().notify_language, "html", _brand()).get_template("layout.j2")
    _pages(settings().notify_language, "text", _brand()).get_template("layout.j2")


def _template(letter: Letter, language: str, form: Form) -> Template:
    return _pages(language, form, _brand()).get_template(f"{letter.template}.j2")


def _block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values))))


def _values(letter: Letter) -> dict[str, Any]:
    order_id = letter.content.get("order_id")
    order_url = f"{settings().notify_shop_url}/orders/{quote(order_id, safe='')}" if order_id else None
    return {**letter.content, "order_url": order_url}


def _brand() -> Brand:
    known = settings()
    address = ", ".join(known.notify_brand_address.split("|"))
    return Brand(known.notify_brand_name, known.notify_brand_colour, address, known.notify_shop_url)


def _folded(text: str) -> str:
    """Paragraph by paragraph in lines that any mail program shows; links and spaces that hold stay whole."""
    rows = [re.sub(r"[ \t\n]+", " ", row).strip() for row in re.split(r"\n\s*\n", text)]
    return "\n\n".join(
        textwrap.fill(row, _WIDTH, break_long_words=False, break_on_hyphens=False) for row in rows
    )


def _cause(known: Mapping[str, str], language: Language, reason: str) -> str:
    """The reason of an order in words of that language. One that has none is shown in English, which orders
    speaks, and left out in any other."""
    return known.get(reason, reason if language is ENGLISH else "")


def _short(text: str) -> str:
    """A text from outside, folded before its links are broken: what the alphabet lacks may hide a dot."""
    return sms.cut(unlinked(sms.gsm(one_line(text))), _SMS_SHARE)


def _own(text: str) -> str:
    """A text of the shop's own."""
    return sms.cut(sms.gsm(one_line(text)), _SMS_SHARE)
