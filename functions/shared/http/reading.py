"""Reading a request: body, query, If-Match and Idempotency-Key; each error names the invalid part."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import Malformed, TooLarge, UnsupportedMediaType, from_validation
from shared.http.identity import Caller
from shared.http.routing import Route

# bytes; the largest body, an order with a quote of 1,000 lines, has 700 KB
MAX_BODY = 1024 * 1024
JSON = "application/json"
MAX_KEY_LENGTH = 255  # characters of an Idempotency-Key; as many as Stripe accepts
_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY_LENGTH}}}")
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def read_body(event: Mapping[str, Any]) -> bytes:
    raw = (event.get("body") or "").encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BODY:
        raise TooLarge(f"The body is too large; at most {MAX_BODY:,} bytes are accepted.")
    return raw


def parse_body(model: type[BaseModel], raw: bytes, headers: Mapping[str, str]) -> BaseModel:
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media != JSON:
        raise UnsupportedMediaType(f"The media type {media} is not supported here; send {JSON}.")
    try:
        return model.model_validate_json(raw if raw or needs_body(model) else b"{}")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Malformed("The body is not valid JSON.") from error
        raise from_validation(found) from error


def needs_body(model: type[BaseModel]) -> bool:
    """Return whether the body has required fields; if it has none, a missing body counts as an empty
    object."""
    return any(field.is_required() for field in model.model_fields.values())


def parse_query(model: type[BaseModel], event: Mapping[str, Any]) -> BaseModel:
    sent = {name: values[-1] for name, values in (event.get("multiValueQueryStringParameters") or {}).items()}
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        raise from_validation(
            error.errors(include_url=False, include_input=False), prefix="/query"
        ) from error


def parse_if_match(header: str | None) -> int | None:
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if not found:
        raise Malformed('If-Match must be an ETag from an earlier response, such as "3", or *.')
    return int(found[1])


def parse_idempotency_key(
    route: Route, headers: Mapping[str, str], caller: Caller | None, path: str, raw: bytes
) -> IdempotencyKey | None:
    key = headers.get("idempotency-key")
    if route.method != "POST" or (key is None and not route.required):
        return None
    if key is None:
        raise Malformed("The Idempotency-Key header is required: any value, a new one for each new request.")
    if not _KEY.fullmatch(key):
        raise Malformed(f"An Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
    try:
        body = json.loads(raw or b"null")
        return IdempotencyKey.of((caller.user_id if caller else "", route.method, path), key, body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON, or it is nested too deeply.") from error
