"""Entry point: root's Lambda handler, which also answers CORS preflight requests and unsupported methods."""

from typing import Any

from root.document import methods_of
from root.routes import routes
from shared.dynamodb.idempotency import HttpResponse
from shared.errors import MethodNotAllowed
from shared.http.api import Api, problem_response

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match"


class RootApi(Api):
    """The gateway sends every method that no service declares to this function."""

    def dispatch(self, event: Any, context: Any) -> Any:
        method, path = event["httpMethod"], event["requestContext"]["resourcePath"]
        if method in self.routes.get(path, {}):
            return super().dispatch(event, context)
        allowed = methods_of(path)
        response = _preflight(allowed) if method == "OPTIONS" else _method_not_allowed(method, allowed)
        return {"statusCode": response.status, "headers": response.headers, "body": response.body}


def _method_not_allowed(method: str, allowed: str) -> HttpResponse:
    detail = f"{method} is not allowed here. Allowed: {allowed}."
    return problem_response(MethodNotAllowed(detail, headers={"Allow": allowed}))


def _preflight(allowed: str) -> HttpResponse:
    """Answer a CORS preflight request (https://fetch.spec.whatwg.org/#cors-preflight-request).

    A browser ignores these headers unless the common ones allow its origin.
    """
    headers = {
        "Allow": allowed,
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "3600",
    }
    return HttpResponse(status=204, headers=headers, body="")


api = RootApi(routes)
