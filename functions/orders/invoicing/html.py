"""The rendering of an invoice as a self-contained HTML page."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orders.invoicing.document import Document

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)
_invoice = _environment.get_template("invoice.html")


def render(document: Document) -> bytes:
    """Return the invoice as HTML in UTF-8, with all values escaped."""
    return _invoice.render(invoice=document).encode()
