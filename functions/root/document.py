"""The API's OpenAPI document."""

import json
from functools import cache
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
