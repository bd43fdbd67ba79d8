"""HTML written by staff, reduced to safe tags."""

from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from shared.values.text import one_line

# Text markup only: nothing that loads, runs, hides or submits.
_ALLOWED = {"p", "br", "strong", "b", "em", "i", "u", "ul", "ol", "li", "h2", "h3", "blockquote", "a"}
_EMPTY = {"br"}
_DROPPED_WHOLE = {"script", "style", "head", "title", "template", "iframe", "object", "noscript", "textarea"}
_SCHEMES = {"https", "mailto"}
_MAX_TEXT = 20_000  # characters between two tags; as many as a text without markup may have


def clean(html: str) -> str:
    """Return the HTML with text markup only, all tags closed; the only attribute is `href` of links, with
    `https` or `mailto`.

    The result is built from what the parser understood, so nothing passes because it was misunderstood.
    """
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return cleaner.result()


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._output: list[str] = []
        self._open: list[str] = []
        self._skipped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped or tag in _DROPPED_WHOLE:
            self._skipped.append(tag)
        elif tag in _EMPTY:
            self._output.append(f"<{tag}>")
        elif tag in _ALLOWED:
            self._output.append(self._start(tag, dict(attrs)))
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._skipped and tag in _EMPTY:
            self._output.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._skipped:
            while self._skipped.pop() != tag:
                pass
        elif not self._skipped and tag in self._open:
            while (closed := self._open.pop()) != tag:
                self._output.append(f"</{closed}>")
            self._output.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            text = one_line(data, limit=_MAX_TEXT)
            before, after = data[:1].isspace(), text and data[-1:].isspace()
            self._output.append(escape(f"{' ' if before else ''}{text}{' ' if after else ''}"))

    def result(self) -> str:
        return "".join(self._output) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def _start(self, tag: str, attributes: dict[str, str | None]) -> str:
        if tag != "a":
            return f"<{tag}>"
        target = _target(attributes.get("href") or "")
        return f'<a class="link" href="{escape(target)}">' if target else "<a>"


def _target(href: str) -> str:
    """Return the link's target; empty if it is not allowed."""
    target = "".join(char for char in href if char.isprintable() and not char.isspace())
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    is_complete = parts.netloc and parts.username is None if parts.scheme == "https" else bool(parts.path)
    return target if parts.scheme in _SCHEMES and is_complete else ""
