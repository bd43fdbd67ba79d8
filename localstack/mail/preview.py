"""`make mails`: every letter in every language as its readers see it, in files and pictures."""

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
AT_ONCE = 2
SECONDS = 60  # for one picture

# How a letter is looked at: width in pixels, by day or in dark mode.
LOOKS = ((700, "light"), (390, "light"), (390, "dark"))
SHEET_WIDTH = 2320
STYLE = (
    "body{margin:0;padding:16px;background:#8a8a8a;font:14px/1.5 sans-serif}h2{font-size:16px;margin:0 0 8px}"
    "section{display:flex;gap:16px;align-items:flex-start;margin:0 0 32px}iframe{border:0}"
    "pre{flex:1;margin:0;padding:16px;background:#fff;white-space:pre-wrap;overflow-wrap:anywhere}"
    "pre.sms{background:#d7f0dd;margin:0 0 16px;border-radius:16px}div{flex:1}"
)


@dataclass(frozen=True)
class Read:
    """A letter in one language, as it would go out."""

    language: str
    subject: str
    html: str
    text: str
    sms: str | None

    @property
    def height(self) -> int:
        """About how high it is on a narrow screen, in pixels: no option takes a page as high as it is."""
        return 340 + 40 * self.html.count("</tr>") + len(self.text) * 55 // 100


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.mail.preview", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".local/mails"))
    parser.add_argument("--only", default="", help="letters whose name begins so")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    furnish()
    sheets = write(out, options.only)
    chromium = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
    if chromium is None:
        print("no pictures: Chromium was not found (on Debian: apt install chromium); the HTML is there")
    else:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            taken = list(pool.map(lambda sheet: picture(chromium, *sheet), sheets.items()))
        print(f"{sum(taken)} pictures" + (f", {taken.count(False)} failed" if not all(taken) else ""))
    print(f"{len(sheets)} letters: {out / 'index.html'}")


def furnish() -> None:
    """Make notify importable, and give it an environment: what it must have is the function's need."""
    sys.path.insert(0, str(ROOT / "functions"))
    from notify.settings import NotifySettings

    for name, setting in NotifySettings.model_fields.items():
        if setting.is_required():
            os.environ.setdefault(name.upper(), "none")


def write(out: Path, only: str = "") -> dict[Path, int]:
    """Write each letter in each language as HTML, text and text message, a sheet of each letter in all its
    looks, and an index. The sheets, with their height in pixels."""
    from localstack.mail.samples import specimens
    from notify.domain.languages import LANGUAGES
    from notify.rendering import render, text_message

    sheets: dict[Path, int] = {}
    for specimen in specimens():
        if not specimen.name.startswith(only):
            continue
        letters = []
        for language in LANGUAGES:
            mail, sms = render(specimen.letter, language), text_message(specimen.letter, language)
            letters.append(Read(language, mail.subject, mail.html, mail.text, sms))
            _keep(out / language / specimen.name, letters[-1])
        sheet = out / f"{specimen.name}.html"
        sheet.write_text(_sheet(specimen.name, letters))
        sheets[sheet] = sum(letter.height for letter in letters)
    (out / "index.html").write_text(_index(sheets))
    return sheets


def picture(chromium: str, sheet: Path, height: int) -> bool:
    """Take a picture of a sheet beside it; whether that went well."""
    target = sheet.with_suffix(".png")
    with tempfile.TemporaryDirectory(prefix="mails-") as profile:
        command = [chromium, "--headless", "--disable-gpu", "--no-sandbox", "--hide-scrollbars"]
        command += [f"--user-data-dir={profile}", f"--window-size={SHEET_WIDTH},{height}"]
        command += ["--blink-settings=preferredColorScheme=1", f"--screenshot={target}", sheet.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and target.exists()


def _keep(stem: Path, letter: Read) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".html").write_text(letter.html)
    stem.with_suffix(".txt").write_text(f"Subject: {letter.subject}\n\n{letter.text}")
    if letter.sms is not None:
        stem.with_suffix(".sms.txt").write_text(f"{letter.sms}\n")


def _sheet(name: str, letters: Iterable[Read]) -> str:
    """A page with the letter in each language and look, its text and its text message beside it."""
    rows = "".join(
        f"<h2>{letter.language}: {escape(letter.subject)}</h2><section>"
        + "".join(_frame(letter.html, width, scheme) for width, scheme in LOOKS)
        + "<div>"
        + (f'<pre class="sms">{escape(letter.sms)}</pre>' if letter.sms else "")
        + f"<pre>{escape(letter.text)}</pre></div></section>\n"
        for letter in letters
    )
    return f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{STYLE}</style>{rows}"


def _frame(html: str, width: int, scheme: str) -> str:
    """The letter in a window of its own, as high as it needs; the frame's colour scheme is its reader's."""
    fit = "this.style.height = this.contentDocument.documentElement.scrollHeight + 'px'"
    style = f"width:{width}px; color-scheme:{scheme}"
    return f'<iframe scrolling="no" style="{style}" onload="{fit}" srcdoc="{escape(html)}"></iframe>'


def _index(sheets: Iterable[Path]) -> str:
    cards = "".join(
        f'<p><a href="{sheet.name}">{sheet.stem}<br><img loading="lazy" alt="" height="420" '
        f'src="{sheet.stem}.png"></a></p>\n'
        for sheet in sheets
    )
    return f"<!doctype html><meta charset=utf-8><title>Mails</title><style>{STYLE}</style>{cards}"


if __name__ == "__main__":
    main()
