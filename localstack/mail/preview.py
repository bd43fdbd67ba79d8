"""`make emails`: every message in every language, as HTML, text and text message, and an index of them."""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from infra import cloudformation

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCTION = "NotifyConsumer"  # the function that sends

# Heading, width in pixels and colour scheme of each view.
VIEWS = (("wide", 640, "light"), ("phone", 390, "light"), ("phone, dark", 390, "dark"))
STYLE = """
body { margin: 0; background: #d9dadd; color: #222; font: 15px/1.5 system-ui, sans-serif; }
nav { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 10px 16px;
      background: #fff; border-bottom: 1px solid #aaa; }
section { padding: 0 16px; }
h1 { margin: 32px 16px 0; font-size: 24px; }
h2 { margin: 24px 0 0; font-size: 20px; scroll-margin-top: 60px; }
h3 { margin: 12px 0 6px; font-size: 15px; }
.views { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start; padding-bottom: 8px; }
figure { margin: 0; flex: none; }
figcaption { font-size: 13px; }
iframe { display: block; border: 0; }
pre { margin: 0; padding: 16px; max-width: 78ch; background: #fff; white-space: pre-wrap; }
pre.sms { width: 300px; box-sizing: border-box; border-radius: 16px; background: #d7f0dd;
          overflow-wrap: anywhere; }
body:has(#en:not(:checked)) .en, body:has(#de:not(:checked)) .de { display: none; }
"""


@dataclass(frozen=True)
class Rendered:
    """A message in one language."""

    language: str
    subject: str
    html: str
    text: str
    sms: str | None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.mail.preview", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".local/emails"))
    parser.add_argument("--only", default="", help="prefix of the names of the messages")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    set_environment()
    count = write(out, options.only)
    print(f"{count} messages: {out / 'index.html'}")


def set_environment() -> None:
    """Make the services importable, with the template's settings of the function that sends."""
    sys.path.insert(0, str(ROOT / "functions"))
    template = cloudformation.read(ROOT / "template.yaml")
    function = cloudformation.functions(template)[FUNCTION]
    os.environ.update(cloudformation.environment(template, function))


def write(out: Path, only: str = "") -> int:
    """Write the files of each message and the index; return the number of messages."""
    from localstack.mail.samples import samples
    from notify.domain.languages import LANGUAGES
    from notify.rendering import render, render_sms

    chosen = [sample for sample in samples() if sample.name.startswith(only)]
    groups: dict[str, dict[str, str]] = {}  # group → name of the sample → its section
    for sample in chosen:
        rendered = []
        for language in LANGUAGES:
            email, sms = render(sample.message, language), render_sms(sample.message, language)
            rendered.append(Rendered(language, email.subject, email.html, email.text, sms))
            _write_files(out / language / sample.name, rendered[-1])
        groups.setdefault(sample.group, {})[sample.name] = _section(sample.name, rendered)
    (out / "index.html").write_text(_index(groups))
    return len(chosen)


def _write_files(stem: Path, message: Rendered) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".html").write_text(message.html)
    stem.with_suffix(".txt").write_text(f"Subject: {message.subject}\n\n{message.text}")
    if message.sms is not None:
        stem.with_suffix(".sms.txt").write_text(f"{message.sms}\n")


def _section(name: str, messages: Iterable[Rendered]) -> str:
    """Return the message in each language: its views side by side, its text message and its text."""
    languages = "".join(
        f'<div class="{message.language}"><h3>{message.language}: {escape(message.subject)}</h3>'
        '<div class="views">'
        + "".join(_frame(message.html, *view) for view in VIEWS)
        + (_figure("text message", f'<pre class="sms">{escape(message.sms)}</pre>') if message.sms else "")
        + f"</div><details><summary>text</summary><pre>{escape(message.text)}</pre></details></div>\n"
        for message in messages
    )
    return f'<section><h2 id="{name}">{name}</h2>{languages}</section>\n'


def _frame(html: str, caption: str, width: int, scheme: str) -> str:
    """Return an iframe that fits the height of the email; its colour scheme is that of the frame."""
    fit = (
        "this.style.height = 0; this.style.height = this.contentDocument.documentElement.scrollHeight + 'px'"
    )
    style = f"width:{width}px; height:600px; color-scheme:{scheme}"
    attributes = f'loading="lazy" scrolling="no" style="{style}" onload="{fit}"'
    return _figure(f"{caption}, {width} px", f'<iframe {attributes} srcdoc="{escape(html)}"></iframe>')


def _figure(caption: str, content: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{content}</figure>"


def _index(groups: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page with the sections of each group, a menu, and boxes that hide a language."""
    menu, body = "", ""
    for group, sections in groups.items():
        links = "<br>".join(f'<a href="#{name}">{name}</a>' for name in sections)
        menu += f'<details name="group"><summary>{group}</summary>{links}</details>'
        body += f"<h1>{group}</h1>" + "".join(sections.values())
    boxes = "".join(
        f'<label><input type="checkbox" id="{code}" checked> {name}</label>'
        for code, name in (("en", "English"), ("de", "Deutsch"))
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Emails and text messages</title>'
        f"<style>{STYLE}</style><nav>{boxes}{menu}</nav>{body}</html>"
    )


if __name__ == "__main__":
    main()
