"""The API's OpenAPI document."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.http.responses import JsonAsset

DOCUMENT = Path(__file__).parent / "openapi.json"

# Relative to the document's URL: right on a stage, on a custom domain, behind a CDN and on the local engine.
SERVERS = [{"url": ".", "description": "The deployment that serves this document."}]


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, parsed once per process."""
    parsed: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return parsed


def methods_of(path: str) -> str:
    """Return the HTTP methods that the API has on a path, comma-separated, as in an `Allow` header."""
    return ", ".join(sorted(name.upper() for name in document()["paths"].get(path, {})))


def asset(known: str | None) -> JsonAsset:
    """Return the document with its own deployment as the server; `known` is the request's If-None-Match."""
    body, etag = _served()
    headers = {"Content-Type": "application/json", "ETag": etag, "Cache-Control": "public, max-age=300"}
    if known and etag in known:
        return JsonAsset(status=304, headers=headers, body="")
    return JsonAsset(status=200, headers=headers, body=body)


@cache
def _served() -> tuple[str, str]:
    """Return the document as it is served, and its ETag."""
    body = json.dumps(document() | {"servers": SERVERS}, separators=(",", ":"), ensure_ascii=False)
    return body, f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
