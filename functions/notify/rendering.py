"""From a letter to what is read: subject, HTML and text, by the templates beside this file."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notify.domain.letters import Enclosure, Letter, Mail
from notify.domain.wording import one_line
from notify.settings import settings

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)

# Compiled now, during init: layouts and parts too, which would else wait for the first mail.
_templates = {name: _environment.get_template(name) for name in _environment.list_templates()}


def render(letter: Letter, enclosures: tuple[Enclosure, ...] = ()) -> Mail:
    """The letter in words. Everything that came from outside is escaped in the HTML."""
    subject = one_line(letter.subject)
    values = {**letter.content, "subject": subject, "shop_url": settings().notify_shop_url}
    return Mail(
        subject=subject,
        text=_templates[f"{letter.template}.txt"].render(values),
        html=_templates[f"{letter.template}.html"].render(values),
        enclosures=enclosures,
    )
