"""The public OpenAPI 3.1 document: the API as its clients see it."""

import json
from typing import Any

from infra.openapi.declared import routes
from infra.openapi.schemas import Schemas, models, response_model, used


def public_json() -> str:
    """Return the public document as JSON text."""
    return json.dumps(public_document(), indent=1, ensure_ascii=False) + "\n"


def public_document() -> dict[str, Any]:
    """Return the API as its clients see it."""
    declared = [route for _, route in routes()]
    schemas = Schemas(models(declared))
    paths: dict[str, dict[str, Any]] = {}
    for route in declared:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillstack",
            "version": "1",
            "description": "An online shop: users, catalog, cart, orders, payments, notifications.",
        },
        # Relative to the document's own URL, because a stage's path may precede it.
        "servers": [{"url": ".", "description": "The deployment that serves this document."}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": used(schemas.components, paths) | {"InvalidField": INVALID_FIELD, "Problem": PROBLEM},
            "responses": {
                "Problem": {
                    "description": "A problem (RFC 9457).",
                    "content": {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    },
                }
            },
        },
    }


PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/out-of-stock"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/InvalidField"}},
    },
    "title": "Problem",
}
INVALID_FIELD: dict[str, Any] = {
    "type": "object",
    "required": ["pointer", "detail"],
    "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
    "title": "InvalidField",
}


def _operation(route: Any, schemas: Schemas) -> dict[str, Any]:
    from shared.http.reading import needs_body

    operation: dict[str, Any] = {
        "operationId": route.view.__name__,
        "summary": route.view.__doc__.strip().splitlines()[0],
        "x-role": route.role.name.lower(),
        "responses": {
            _status(route): {"description": "Success.", **_content(route, schemas)},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if parameters := _parameters(route, schemas):
        operation["parameters"] = parameters
    if route.body:
        schema = schemas.reference(route.body, "validation")
        required = needs_body(route.body)
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    if route.role > 0:
        operation["security"] = [{"token": []}]
    return operation


def _parameters(route: Any, schemas: Schemas) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.variables
    ]
    if route.query:
        found += [
            {"name": name, "in": "query", "required": required, "schema": schema}
            for name, (schema, required) in schemas.properties(route.query).items()
        ]
    if route.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append({"name": "Idempotency-Key", "in": "header", "required": route.required, "schema": key})
    if "if_match" in route.hints:
        found.append({"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}})
    return found


def _status(route: Any) -> str:
    return "204" if route.result in (None, type(None)) and route.status == 200 else str(route.status)


def _content(route: Any, schemas: Schemas) -> dict[str, Any]:
    from shared.dynamodb.idempotency import HttpResponse

    if isinstance(route.result, type) and issubclass(route.result, HttpResponse):
        schema = {"type": "object" if route.result is HttpResponse else "string"}
        return {"content": {name: {"schema": schema} for name in route.result.media_types}}
    model = response_model(route)
    if not model:
        return {}
    return {"content": {"application/json": {"schema": schemas.reference(model, "serialization")}}}
