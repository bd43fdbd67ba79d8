"""The successful responses of the public document, with their headers."""

from http import HTTPStatus
from typing import Any

from infra.openapi.schemas import Schemas, response_model

# Response headers, as components. `required` is false if the header depends on the response.
HEADERS: dict[str, dict[str, Any]] = {
    "Authenticate": {
        "description": "The scheme of the access token.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
    "CacheControl": {
        "description": "Responses must not be stored by caches.",
        "required": True,
        "schema": {"type": "string", "const": "no-store"},
    },
    "AssetCacheControl": {
        "description": "How long caches may keep the response.",
        "required": True,
        "schema": {"type": "string"},
    },
    "AssetEtag": {
        "description": "The checksum of the content, for If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{16}"$'},
    },
    "Etag": {
        "description": "The version of the resource, for If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    },
    "IdempotentReplayed": {
        "description": "Present if this is the first response to a repeated Idempotency-Key.",
        "required": False,
        "schema": {"type": "string", "const": "true"},
    },
    "Location": {
        "description": "The URL of the created resource or of the page, relative to the URL of the request.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "OptionalRetryAfter": {
        "description": "Seconds to wait before the next try, if one may succeed.",
        "required": False,
        "schema": {"type": "string", "pattern": "^[0-9]{1,10}$"},
    },
    "RequestId": {
        "description": "The id of the request, which appears in all logs of the shop.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds to wait before the next try.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]{1,10}$"},
    },
}

# View that returns JSON without a model → its schema.
DOCUMENTS = {
    "read_document": {
        "type": "object",
        "description": "An OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0), as JSON.",
    }
}


def success(route: Any, schemas: Schemas) -> dict[str, Any]:
    """Return the responses of a route's operation that are no problems, by status."""
    from shared.http.responses import Asset

    status = 204 if route.result in (None, type(None)) and route.status == 200 else route.status
    model = response_model(route)
    headers = _headers(route, model)
    response = {"description": HTTPStatus(status).phrase, "headers": headers}
    if content := _content(route, model, schemas):
        response["content"] = content
    if _returns(route, Asset):
        return {str(status): response, "304": {"description": "Not Modified", "headers": headers}}
    return {str(status): response}


def _headers(route: Any, model: Any) -> dict[str, Any]:
    from shared.http.responses import Asset, Redirect

    names = {"X-Request-Id": "RequestId", "Cache-Control": "CacheControl"}
    if _returns(route, Asset):
        names |= {"Cache-Control": "AssetCacheControl", "ETag": "AssetEtag"}
    if model and "version" in model.model_fields:
        names["ETag"] = "Etag"
    if route.method == "POST" and not route.repeatable:
        names["Idempotent-Replayed"] = "IdempotentReplayed"
    if route.location or _returns(route, Redirect):
        names["Location"] = "Location"
    return {name: {"$ref": f"#/components/headers/{key}"} for name, key in names.items()}


def _returns(route: Any, kind: type[Any]) -> bool:
    return isinstance(route.result, type) and issubclass(route.result, kind)


def _content(route: Any, model: Any, schemas: Schemas) -> dict[str, Any]:
    from shared.dynamodb.idempotency import HttpResponse

    if model:
        return {"application/json": {"schema": schemas.response(model)}}
    if _returns(route, HttpResponse):
        schema = DOCUMENTS.get(route.view.__name__, {"type": "string"})
        return {media_type: {"schema": schema} for media_type in route.result.media_types}
    return {}
