"""Writes what the routes say: the gateway's document and the API's public one (`make openapi`).

    python -m infra.openapi           writes infra/openapi.yaml, docs/openapi.json and the copy that is served
    python -m infra.openapi --check   fails when one is stale

Every function in template.yaml whose handler is an `Api` brings its own routes: none can be forgotten.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, get_args, get_origin
from unittest.mock import patch

import yaml

from infra.cloudformation import environment, functions, read

ROOT = Path(__file__).parent.parent
GATEWAY = ROOT / "infra" / "openapi.yaml"
PUBLIC = ROOT / "functions" / "root" / "openapi.json"  # docs/openapi.json is a link to it
METHODS = ("get", "post", "put", "patch", "delete")
ROOT_API = "RootApi"
AUTHORIZER = "UsersAuthorizer"
HEADER = "# Made by infra/openapi.py from the routes (`make openapi`); do not edit.\n"


def routes() -> list[tuple[str, Any]]:
    """(logical id, Route) for every route of every API function."""
    from shared.http.api import Api

    template = read(ROOT / "template.yaml")
    found = []
    with patch.dict(os.environ):  # what is set for want of a deployment must not outlive the look
        for name, properties in functions(template).items():
            for variable, value in environment(template, properties).items():
                os.environ.setdefault(variable, value)
            module, _, attribute = properties["Handler"].rpartition(".")
            handler = getattr(importlib.import_module(module), attribute)
            if isinstance(handler, Api):
                found += [(name, route) for route in handler.declared]
    return sorted(found, key=lambda pair: (pair[1].path, METHODS.index(pair[1].method.lower())))


def gateway_document(declared: list[tuple[str, Any]]) -> dict[str, Any]:
    """What API Gateway imports: each route to its function, every other method of its path to the front."""
    paths: dict[str, dict[str, Any]] = {}
    for name, route in declared:
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
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
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


def gateway_responses() -> dict[str, Any]:
    """What the gateway answers itself, from the template's resources, in the document's own form."""
    found = {}
    for resource in read(ROOT / "template.yaml")["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::GatewayResponse":
            properties = resource["Properties"]
            status = {"statusCode": properties["StatusCode"]} if "StatusCode" in properties else {}
            found[properties["ResponseType"]] = status | {
                "responseParameters": properties["ResponseParameters"],
                "responseTemplates": properties["ResponseTemplates"],
            }
    return found


def _uri(name: str) -> dict[str, str]:
    path = f"lambda:path/2015-03-31/functions/${{{name}.Arn}}/invocations"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:{path}"}


def _integration(name: str) -> dict[str, Any]:
    return {
        "responses": {"default": {"description": "The function's answer."}},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": _uri(name)},
    }


def public_document(declared: list[tuple[str, Any]]) -> dict[str, Any]:
    """The API as its clients see it (OpenAPI 3.1)."""
    from pydantic.json_schema import models_json_schema

    models = {model for _, route in declared for model in (route.body, _answer_model(route)) if model}
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
                    "description": "What is wrong (RFC 9457).",
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
        "summary": (route.view.__doc__ or name.replace("_", " ").capitalize()).strip().splitlines()[0],
        "x-role": route.role.name.lower(),
        "responses": {
            _status(route): {"description": "Done.", **_content(route, references)},
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
    model = _answer_model(route)
    return (
        {"content": {"application/json": {"schema": references[(model, "serialization")]}}} if model else {}
    )


def _answer_model(route: Any) -> Any:
    from pydantic import BaseModel

    from shared.dynamodb.idempotency import HttpResponse
    from shared.http.routing import Replayed

    options = [route.result, *get_args(route.result)] if get_origin(route.result) else [route.result]
    options += list(get_args(route.result))
    models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
    return next((model for model in models if not issubclass(model, (HttpResponse, Replayed))), None)


def _modes(model: Any, declared: list[tuple[str, Any]]) -> list[Any]:
    taken = any(route.body is model for _, route in declared)
    given = any(_answer_model(route) is model for _, route in declared)
    return ["validation"] * taken + ["serialization"] * given


def rendered() -> dict[Path, str]:
    """The documents as text, by the file they belong in."""
    declared = routes()
    # Without aliases: CloudFormation's include does not know YAML's anchors.
    yaml.SafeDumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]
    public = json.dumps(public_document(declared), indent=1, ensure_ascii=False) + "\n"
    return {
        GATEWAY: HEADER + yaml.safe_dump(gateway_document(declared), sort_keys=False, width=120),
        PUBLIC: public,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a document is stale")
    check = parser.parse_args().check
    sys.path.insert(0, str(ROOT / "functions"))
    stale = {path: text for path, text in rendered().items() if not path.exists() or path.read_text() != text}
    if check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"Stale: {names}. Run `make openapi`.")
    for path, text in stale.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
