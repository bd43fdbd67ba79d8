"""`make emails`: every message in every language, as HTML, text, text message and picture."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAX_WORKERS = 2
TIMEOUT = 60  # seconds, for one picture

# Width in pixels and colour scheme.
VIEWS = ((700, "light"), (390, "light"), (390, "dark"))
SHEET_WIDTH = 2320
STYLE = (
    "body{margin:0;padding:16px;background:#8a8a8a;font:14px/1.5 sans-serif}h2{font-size:16px;margin:0 0 8px}"
    "section{display:flex;gap:16px;align-items:flex-start;margin:0 0 32px}iframe{border:0}"
    "pre{flex:1;margin:0;padding:16px;background:#fff;white-space:pre-wrap;overflow-wrap:anywhere}"
    "pre.sms{background:#d7f0dd;margin:0 0 16px;border-radius:16px}div{flex:1}"
)


@dataclass(frozen=True)
class Rendered:
    """A message in one language."""

    language: str
    subject: str
    html: str
    text: str
    sms: str | None

    @property
    def height(self) -> int:
        """The approximate height on a narrow screen, in pixels: Chromium needs it for the screenshot."""
        return 340 + 40 * self.html.count("</tr>") + len(self.text) * 55 // 100


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.mail.preview", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".local/emails"))
    parser.add_argument("--only", default="", help="prefix of the names of the messages")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    set_environment()
    sheets = write(out, options.only)
    chromium = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
    if chromium is None:
        print("no pictures, because Chromium was not found (on Debian: apt install chromium); see the HTML")
    else:
        with ThreadPoolExecutor(MAX_WORKERS) as pool:
            taken = list(pool.map(lambda sheet: screenshot(chromium, *sheet), sheets.items()))
        print(f"{sum(taken)} pictures" + (f", {taken.count(False)} failed" if not all(taken) else ""))
    print(f"{len(sheets)} messages: {out / 'index.html'}")


def set_environment() -> None:
    """Make notify importable, with placeholders for its required settings."""
    sys.path.insert(0, str(ROOT / "functions"))
    from notify.settings import NotifySettings

    for name, setting in NotifySettings.model_fields.items():
        if setting.is_required():
            os.environ.setdefault(name.upper(), "none")


def write(out: Path, only: str = "") -> dict[Path, int]:
    """Write the files of each message, a sheet with all its views, and an index.

    Return the sheets with their heights in pixels.
    """
    from localstack.mail.samples import samples
    from notify.domain.languages import LANGUAGES
    from notify.rendering import render, render_sms

    sheets: dict[Path, int] = {}
    for sample in samples():
        if not sample.name.startswith(only):
            continue
        rendered = []
        for language in LANGUAGES:
            email, sms = render(sample.message, language), render_sms(sample.message, language)
            rendered.append(Rendered(language, email.subject, email.html, email.text, sms))
            _write_files(out / language / sample.name, rendered[-1])
        sheet = out / f"{sample.name}.html"
        sheet.write_text(_sheet(sample.name, rendered))
        sheets[sheet] = sum(each.height for each in rendered)
    (out / "index.html").write_text(_index(sheets))
    return sheets


def screenshot(chromium: str, sheet: Path, height: int) -> bool:
    """Write a picture of the sheet next to it; return whether it succeeded."""
    target = sheet.with_suffix(".png")
    with tempfile.TemporaryDirectory(prefix="emails-") as profile:
        command = [chromium, "--headless", "--disable-gpu", "--no-sandbox", "--hide-scrollbars"]
        command += [f"--user-data-dir={profile}", f"--window-size={SHEET_WIDTH},{height}"]
        command += ["--blink-settings=preferredColorScheme=1", f"--screenshot={target}", sheet.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and target.exists()


def _write_files(stem: Path, message: Rendered) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".html").write_text(message.html)
    stem.with_suffix(".txt").write_text(f"Subject: {message.subject}\n\n{message.text}")
    if message.sms is not None:
        stem.with_suffix(".sms.txt").write_text(f"{message.sms}\n")


def _sheet(name: str, messages: Iterable[Rendered]) -> str:
    """Return a page with the message in each language and view, with its text and text message."""
    rows = "".join(
        f"<h2>{message.language}: {escape(message.subject)}</h2><section>"
        + "".join(_frame(message.html, width, scheme) for width, scheme in VIEWS)
        + "<div>"
        + (f'<pre class="sms">{escape(message.sms)}</pre>' if message.sms else "")
        + f"<pre>{escape(message.text)}</pre></div></section>\n"
        for message in messages
    )
    return f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{STYLE}</style>{rows}"


def _frame(html: str, width: int, scheme: str) -> str:
    """Return an iframe that fits the height of the email; its colour scheme is that of the frame."""
    fit = "this.style.height = this.contentDocument.documentElement.scrollHeight + 'px'"
    style = f"width:{width}px; color-scheme:{scheme}"
    return f'<iframe scrolling="no" style="{style}" onload="{fit}" srcdoc="{escape(html)}"></iframe>'


def _index(sheets: Iterable[Path]) -> str:
    cards = "".join(
        f'<p><a href="{sheet.name}">{sheet.stem}<br><img loading="lazy" alt="" height="420" '
        f'src="{sheet.stem}.png"></a></p>\n'
        for sheet in sheets
    )
    return f"<!doctype html><meta charset=utf-8><title>Messages</title><style>{STYLE}</style>{cards}"


if __name__ == "__main__":
    main()
