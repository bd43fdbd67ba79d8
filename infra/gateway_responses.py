"""API Gateway's own responses as problems (RFC 9457): one table, rendered in two forms.

AWS takes them from the gateway's OpenAPI document. The local engine ignores this extension and needs
resources, so `infra/gateway-responses.yaml` declares the same responses.
"""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class GatewayResponse:
    """A response: `kind` is API Gateway's response type; `headers` are those beside the common ones.

    `status` is None if API Gateway chooses it; the body then names `body_status`.
    """

    kind: str
    slug: str
    detail: str
    body_status: int
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """The mapping of response headers. Literals are in quotes; `context.…` is API Gateway's variable."""
        headers = {
            "Content-Type": "'application/problem+json'",
            "X-Request-Id": "context.requestId",
            "Access-Control-Allow-Origin": "'*'",
        }
        literals = {name: f"'{value}'" for name, value in self.headers.items()}
        return {f"gatewayresponse.header.{name}": value for name, value in (headers | literals).items()}

    @property
    def template(self) -> str:
        """The body, a problem with API Gateway's variable for the request's id."""
        problem = {
            "type": f"/problems/{self.slug}",
            "title": self.slug.replace("-", " ").capitalize(),
            "status": self.body_status,
            "detail": self.detail,
            "request_id": "$context.requestId",
        }
        return json.dumps(problem, separators=(",", ":"))


RESPONSES = {
    "Unauthorized": GatewayResponse(
        "UNAUTHORIZED",
        "unauthorized",
        "Send a valid access token: Authorization: Bearer <token>.",
        401,
        401,
        {"WWW-Authenticate": "Bearer"},
    ),
    "AccessDenied": GatewayResponse(
        "ACCESS_DENIED", "forbidden", "This token does not allow the request.", 403, 403
    ),
    "NoSuchPath": GatewayResponse(
        "MISSING_AUTHENTICATION_TOKEN", "not-found", "This path does not exist.", 404, 404
    ),
    "TooLarge": GatewayResponse(
        "REQUEST_TOO_LARGE", "too-large", "The request is too large; at most 10 MB are accepted.", 413, 413
    ),
    "TooManyRequests": GatewayResponse(
        "THROTTLED",
        "too-many-requests",
        "Too many requests; retry after the time in Retry-After.",
        429,
        429,
        {"Retry-After": "1"},
    ),
    "ClientError": GatewayResponse(
        "DEFAULT_4XX", "malformed", "API Gateway could not parse the request.", 400
    ),
    "ServerError": GatewayResponse(
        "DEFAULT_5XX", "internal", "An internal error occurred; contact us with the request_id.", 500
    ),
}


def for_document() -> dict[str, Any]:
    """Return the value of `x-amazon-apigateway-gateway-responses`."""
    return {
        response.kind: ({"statusCode": str(response.status)} if response.status else {})
        | {
            "responseParameters": response.parameters,
            "responseTemplates": {"application/json": response.template},
        }
        for response in RESPONSES.values()
    }


def for_stack() -> dict[str, Any]:
    """Return the CloudFormation template with one resource per response."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "API Gateway's own responses, for engines that ignore the document's extension.",
        "Parameters": {"Api": {"Type": "String", "Description": "The id of the REST API."}},
        "Resources": {
            name: {
                "Type": "AWS::ApiGateway::GatewayResponse",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ResponseType": response.kind,
                    **({"StatusCode": str(response.status)} if response.status else {}),
                    "ResponseParameters": response.parameters,
                    "ResponseTemplates": {"application/json": response.template},
                },
            }
            for name, response in RESPONSES.items()
        },
    }
