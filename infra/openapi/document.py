"""The public OpenAPI 3.1 document: the API as its clients see it."""

import json
from inspect import getdoc
from typing import Any

from pydantic import ValidationError

from infra.openapi import parameters, responses
from infra.openapi.declared import routes
from infra.openapi.examples import EXAMPLES
from infra.openapi.problems import Problems
from infra.openapi.schemas import Schemas, name_of, used
from infra.openapi.texts import INFO, ROLES, SERVERS, SIGNED, TAGS


def public_json() -> str:
    """Return the public document as JSON text."""
    return json.dumps(public_document(), indent=1, ensure_ascii=False) + "\n"


def public_document() -> dict[str, Any]:
    """Return the API as its clients see it."""
    declared = [route for _, route in routes()]
    schemas = Schemas(declared)
    problems = Problems(declared, schemas)
    paths: dict[str, dict[str, Any]] = {}
    for route in declared:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, problems)
    components = schemas.components | problems.schemas
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": SERVERS,
        "tags": [{"name": name, "description": text} for name, text in TAGS.values()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` of `POST /users/login`, `/guest` or `/token`.",
                }
            },
            "parameters": parameters.HEADERS,
            "headers": responses.HEADERS,
            "responses": dict(sorted(problems.responses.items())),
            "schemas": dict(sorted(used(components, paths, problems.responses).items())),
        },
    }


def _operation(route: Any, schemas: Schemas, problems: Problems) -> dict[str, Any]:
    summary, _, more = " ".join((getdoc(route.view) or "").split()).partition(". ")
    operation: dict[str, Any] = {
        "operationId": route.view.__name__,
        "tags": [TAGS[route.view.__module__.partition(".")[0]][0]],
        "summary": summary.removesuffix("."),
        "description": f"{more} {ROLES[route.role.name]}".strip(),
        "x-role": route.role.name.lower(),
        "security": _security(route),
    }
    if found := parameters.parameters(route, schemas):
        operation["parameters"] = found
    if body := _body(route, schemas):
        operation["requestBody"] = body
    operation["responses"] = responses.success(route, schemas) | problems.of(route)
    return operation


def _security(route: Any) -> list[dict[str, list[str]]]:
    """Return what the operation needs: a token, nothing, or either if a public view uses the caller."""
    if route.role > 0:
        return [{"token": []}]
    return [{}, {"token": []}] if "caller" in route.hints else []


def _body(route: Any, schemas: Schemas) -> dict[str, Any]:
    if route.body:
        media: dict[str, Any] = {"schema": schemas.request(route.body)}
        if example := EXAMPLES.get(name_of(media["schema"])):
            media["example"] = example
        return {"required": not _is_valid_empty(route.body), "content": {"application/json": media}}
    if route.view.__name__ in SIGNED:
        schema = {"type": "object", "description": SIGNED[route.view.__name__]}
        return {"required": True, "content": {"application/json": {"schema": schema}}}
    return {}


def _is_valid_empty(model: Any) -> bool:
    """Return whether a request without a body, which counts as an empty object, is valid."""
    try:
        model.model_validate_json("{}")
    except ValidationError:
        return False
    return True
