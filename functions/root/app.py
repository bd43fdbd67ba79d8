"""Entry point: root's Lambda handler, which also answers CORS preflight requests and unsupported methods."""

from typing import Any

from root.document import methods_of
from root.routes import routes
from shared.dynamodb.idempotency import HttpResponse
from shared.errors import MethodNotAllowed
from shared.http.api import EXPOSED_HEADERS, Api, problem_response
from shared.runtime import observability
from shared.runtime.settings import CommonSettings

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match"


class RootApi(Api):
    """The gateway sends every method that no service declares to this function."""

    def __call__(self, event: Any, context: Any) -> Any:
        method, path = event["httpMethod"], event["requestContext"]["resourcePath"]
        if method in self.routes.get(path, {}):
            return super().__call__(event, context)
        observability.begin(event["requestContext"]["requestId"])
        allowed = methods_of(path)
        response = _preflight(event, allowed) if method == "OPTIONS" else _method_not_allowed(method, allowed)
        headers = response.headers | {"X-Request-Id": observability.request_id()}
        return {"statusCode": response.status, "headers": headers, "body": response.body}


def _method_not_allowed(method: str, allowed: str) -> HttpResponse:
    detail = f"{method} is not allowed here. Allowed: {allowed}."
    return problem_response(MethodNotAllowed(detail, headers={"Allow": allowed}))


def _preflight(event: Any, allowed: str) -> HttpResponse:
    """Answer a CORS preflight request (https://fetch.spec.whatwg.org/#cors-preflight-request)."""
    sent = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    origins = CommonSettings.load().allowed_origins.split()
    headers = {"Allow": allowed, "Vary": "Origin"}
    if "*" in origins or sent.get("origin") in origins:
        headers |= {
            "Access-Control-Allow-Origin": sent.get("origin", "*"),
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Expose-Headers": EXPOSED_HEADERS,
            "Access-Control-Max-Age": "3600",
        }
    return HttpResponse(status=204, headers=headers, body="")


api = RootApi(routes)
