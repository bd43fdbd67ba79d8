"""The API's two documents, built from the routes: API Gateway's (`infra/openapi.yaml`) and the public OpenAPI
3.1.

Every function in template.yaml whose handler is an `Api` contributes its own routes, so none can be
forgotten.
"""

import importlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin
from unittest.mock import patch

from infra.cloudformation import environment, functions, read
from infra.gateway_responses import for_document

ROOT = Path(__file__).parent.parent
METHODS = ("get", "post", "put", "patch", "delete")
ROOT_API = "RootApi"
AUTHORIZER = "UsersAuthorizer"


@cache
def routes() -> list[tuple[str, Any]]:
    """Return (logical id, Route) for every route of every API function."""
    from shared.http.api import Api

    template = read(ROOT / "template.yaml")
    found = []
    with patch.dict(os.environ):  # the defaults that replace a deployment are set for this block only
        for name, properties in functions(template).items():
            for variable, value in environment(template, properties).items():
                os.environ.setdefault(variable, value)
            module, _, attribute = properties["Handler"].rpartition(".")
            handler = getattr(importlib.import_module(module), attribute)
            if isinstance(handler, Api):
                found += [(name, route) for route in handler.declared]
    return sorted(found, key=lambda pair: (pair[1].path, METHODS.index(pair[1].method.lower())))


def gateway_document() -> dict[str, Any]:
    """Return what API Gateway imports: a route goes to its function, any other method of its path to root."""
    paths: dict[str, dict[str, Any]] = {}
    for name, route in routes():
        operation = _integration(name)
        if route.role > 0:
            operation["security"] = [{"token": []}]
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    for operations in paths.values():
        for method in (*METHODS, "head", "options"):
            operations.setdefault(method, _integration(ROOT_API))
    return {
        "openapi": "3.0.1",
        "info": {"title": "Tillstack", "version": "1"},
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": for_document(),
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": {
                        "type": "request",
                        "identitySource": "method.request.header.Authorization",
                        "authorizerUri": _uri(AUTHORIZER),
                        "authorizerResultTtlInSeconds": 300,
                    },
                }
            }
        },
    }


def _uri(name: str) -> dict[str, str]:
    path = f"lambda:path/2015-03-31/functions/${{{name}.Arn}}/invocations"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:{path}"}


def _integration(name: str) -> dict[str, Any]:
    return {
        "responses": {"default": {"description": "The function's response."}},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": _uri(name)},
    }


def public_json() -> str:
    """Return the public document as JSON text."""
    return json.dumps(public_document(), indent=1, ensure_ascii=False) + "\n"


def public_document() -> dict[str, Any]:
    """Return the API as its clients see it (OpenAPI 3.1)."""
    from pydantic.json_schema import models_json_schema

    declared = routes()

    models = {model for _, route in declared for model in (route.body, _response_model(route)) if model}
    modes = [
        (model, mode)
        for model in sorted(models, key=lambda model: (model.__module__, model.__qualname__))
        for mode in _modes(model, declared)
    ]
    references, definitions = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for _, route in declared:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillstack",
            "version": "1",
            "description": "An online shop: users, catalog, cart, orders, payments, notifications.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": definitions.get("$defs", {}) | {"Problem": PROBLEM},
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
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def _operation(route: Any, references: Any) -> dict[str, Any]:
    from shared.http.reading import needs_body

    name = route.view.__name__
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": route.view.__doc__.strip().splitlines()[0],
        "x-role": route.role.name.lower(),
        "responses": {
            _status(route): {"description": "Success.", **_content(route, references)},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body:
        schema = references[(route.body, "validation")]
        required = needs_body(route.body)
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    if route.role > 0:
        operation["security"] = [{"token": []}]
    return operation


def _parameters(route: Any) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.variables
    ]
    if route.query:
        schema = route.query.model_json_schema()
        found += [
            {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": field}
            for name, field in schema["properties"].items()
        ]
    if route.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append({"name": "Idempotency-Key", "in": "header", "required": route.required, "schema": key})
    if "if_match" in route.hints:
        found.append({"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}})
    return found


def _status(route: Any) -> str:
    return "204" if route.result in (None, type(None)) and route.status == 200 else str(route.status)


def _content(route: Any, references: Any) -> dict[str, Any]:
    from shared.dynamodb.idempotency import HttpResponse
    from shared.http.routing import Html

    if route.result is Html:
        return {"content": {"text/html": {"schema": {"type": "string"}}}}
    if route.result is HttpResponse:
        return {"content": {"application/json": {"schema": {"type": "object"}}}}
    model = _response_model(route)
    return (
        {"content": {"application/json": {"schema": references[(model, "serialization")]}}} if model else {}
    )


def _response_model(route: Any) -> Any:
    from pydantic import BaseModel

    from shared.dynamodb.idempotency import HttpResponse
    from shared.http.routing import Replayed

    options = [route.result, *get_args(route.result)] if get_origin(route.result) else [route.result]
    options += list(get_args(route.result))
    models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
    return next((model for model in models if not issubclass(model, (HttpResponse, Replayed))), None)


def _modes(model: Any, declared: list[tuple[str, Any]]) -> list[Any]:
    requested = any(route.body is model for _, route in declared)
    returned = any(_response_model(route) is model for _, route in declared)
    return ["validation"] * requested + ["serialization"] * returned
