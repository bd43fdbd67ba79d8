"""API Gateway's own responses as problems (RFC 9457): one table, rendered in two forms.

AWS takes them from the gateway's OpenAPI document. The local engine ignores this extension and needs
resources, so `infra/gateway-responses.yaml` declares the same responses.
"""

import json
from dataclasses import dataclass, field
from typing import Any

NO_CALLER = "Send a valid access token: Authorization: Bearer <token>."
NO_PATH = "This path does not exist."
NOT_SIGNED = "The Authorization header is not a valid AWS signature; send a Bearer token, and check the path."
NOT_PARSED = "API Gateway could not parse the request."
BROKEN = "An internal error occurred; contact us with the request_id."
NO_RESPONSE = "The service did not respond in time; retry."
TOO_LARGE = "The request is too large; at most 10 MB are accepted."
# Every response type of API Gateway → the problem's class in shared.errors, its detail and further headers:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
TABLE: dict[str, tuple[str, str, dict[str, str]]] = {
    "ACCESS_DENIED": ("Forbidden", "This token does not allow the request.", {}),
    "API_CONFIGURATION_ERROR": ("Internal", BROKEN, {}),
    "AUTHORIZER_CONFIGURATION_ERROR": ("Internal", BROKEN, {}),
    "AUTHORIZER_FAILURE": ("Internal", BROKEN, {}),
    "BAD_REQUEST_BODY": ("Malformed", NOT_PARSED, {}),
    "BAD_REQUEST_PARAMETERS": ("Malformed", NOT_PARSED, {}),
    "EXPIRED_TOKEN": ("Forbidden", NOT_SIGNED, {}),  # of AWS; an expired token of ours is UNAUTHORIZED
    "INTEGRATION_FAILURE": ("NoResponse", NO_RESPONSE, {"Retry-After": "2"}),
    "INTEGRATION_TIMEOUT": ("NoResponse", NO_RESPONSE, {"Retry-After": "2"}),
    "INVALID_API_KEY": ("Forbidden", "The API key is invalid.", {}),
    "INVALID_SIGNATURE": ("Forbidden", NOT_SIGNED, {}),
    "MISSING_AUTHENTICATION_TOKEN": ("NotFound", NO_PATH, {}),  # how API Gateway names an unknown path
    "QUOTA_EXCEEDED": ("TooManyRequests", "The quota is used up; retry later.", {"Retry-After": "3600"}),
    "REQUEST_TOO_LARGE": ("TooLarge", TOO_LARGE, {}),
    "RESOURCE_NOT_FOUND": ("NotFound", NO_PATH, {}),
    "THROTTLED": ("TooManyRequests", "Too many requests; retry.", {"Retry-After": "1"}),
    "UNAUTHORIZED": ("Unauthorized", NO_CALLER, {"WWW-Authenticate": "Bearer"}),
    "UNSUPPORTED_MEDIA_TYPE": ("UnsupportedMediaType", "The media type is not supported; send JSON.", {}),
    "WAF_FILTERED": ("Forbidden", "The firewall rejected the request.", {}),
    "DEFAULT_4XX": ("Malformed", NOT_PARSED, {}),
    "DEFAULT_5XX": ("Internal", BROKEN, {}),
}


@dataclass(frozen=True)
class GatewayResponse:
    """A response: `kind` is API Gateway's response type; `headers` are those beside the common ones.

    `status` is None for the two fallbacks, whose status API Gateway chooses (such as 502). Their body has no
    `status`, because no documented variable of a response template contains it, and setting one would change
    the status of the response.
    """

    kind: str
    slug: str
    detail: str
    status: int | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """The mapping of response headers. Literals are in quotes; `context.…` is API Gateway's variable."""
        from shared.http.api import CORS_HEADERS, FIXED_HEADERS

        # API Gateway cannot choose among the stage's origins. These responses contain no data of a caller.
        literals = {
            "Content-Type": "application/problem+json",
            "Access-Control-Allow-Origin": "*",
            **FIXED_HEADERS,
            **CORS_HEADERS,
            **self.headers,
        }
        headers = {"X-Request-Id": "context.requestId"} | {
            name: f"'{value}'" for name, value in literals.items()
        }
        return {f"gatewayresponse.header.{name}": value for name, value in headers.items()}

    @property
    def template(self) -> str:
        """The body, a problem with API Gateway's variable for the request's id."""
        problem = {
            "type": f"/problems/{self.slug}",
            "title": self.slug.replace("-", " ").capitalize(),
            **({"status": self.status} if self.status else {}),
            "detail": self.detail,
            "request_id": "$context.requestId",
        }
        return json.dumps(problem, separators=(",", ":"))


def responses() -> list[GatewayResponse]:
    """Return every response of the table."""
    from shared import errors

    found = []
    for kind, (name, detail, headers) in TABLE.items():
        problem = getattr(errors, name)
        status = None if kind.startswith("DEFAULT_") else problem.status
        found.append(GatewayResponse(kind, problem.slug, detail, status, headers))
    return found


def for_document() -> dict[str, Any]:
    """Return the value of `x-amazon-apigateway-gateway-responses`."""
    return {
        response.kind: ({"statusCode": str(response.status)} if response.status else {})
        | {
            "responseParameters": response.parameters,
            "responseTemplates": {"application/json": response.template},
        }
        for response in responses()
    }


def for_stack() -> dict[str, Any]:
    """Return the CloudFormation template with one resource per response."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "API Gateway's own responses, for engines that ignore the document's extension.",
        "Parameters": {"Api": {"Type": "String", "Description": "The id of the REST API."}},
        "Resources": {
            response.kind.title().replace("_", ""): {
                "Type": "AWS::ApiGateway::GatewayResponse",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ResponseType": response.kind,
                    **({"StatusCode": str(response.status)} if response.status else {}),
                    "ResponseParameters": response.parameters,
                    "ResponseTemplates": {"application/json": response.template},
                },
            }
            for response in responses()
        },
    }
