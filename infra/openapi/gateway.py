"""API Gateway's document (`infra/openapi.yaml`): which function serves which route."""

from typing import Any

from infra.gateway_responses import for_document
from infra.openapi.declared import METHODS, routes

ROOT_API = "RootApi"
AUTHORIZER = "UsersAuthorizer"
# seconds per token; a token may work so long after it expires, and most requests need no authorizer
AUTHORIZER_CACHE_SECONDS = 300


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
                        "authorizerResultTtlInSeconds": AUTHORIZER_CACHE_SECONDS,
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
