"""The API's OpenAPI document and the page that lists its operations."""

import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parent / "openapi.json"


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, parsed once per process."""
    parsed: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return parsed


def methods_of(path: str) -> str:
    """Return the HTTP methods that the API has on a path, comma-separated, as in an `Allow` header."""
    return ", ".join(sorted(name.upper() for name in document()["paths"].get(path, {})))


def docs_page() -> str:
    """Return an HTML page with one row per operation."""
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation['x-role'])}</td><td>{escape(operation['summary'])}</td></tr>"
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    )
    info = document()["info"]
    title = escape(info["title"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}"
        "td,th{text-align:left;padding:.2rem 1rem .2rem 0}</style>"
        f"<h1>{title}</h1><p>{escape(info['description'])}"
        " Schemas and errors are in <a href=openapi.json>openapi.json</a>."
        f"<table><tr><th>Method<th>Path<th>Role<th>Summary</tr>{rows}</table></html>"
    )
