"""An HTTP server in front of the simulator, which routes, authenticates and answers as API Gateway does."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.gateway_responses import responses
from infra.openapi.declared import routes
from shared.http.identity import PUBLIC
from tests.simulator.simulator import Simulator
from tests.support import Context, Identity

ROOT_API = "RootApi"
OWN = {response.kind: response for response in responses()}


class Gateway(ThreadingHTTPServer):
    """The server, for use in a `with` statement. `callers`: bearer token → caller.

    Requests run one after another, because moto is not thread-safe.
    """

    daemon_threads = True

    def __init__(self, simulator: Simulator, callers: Mapping[str, Identity]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.simulator, self.callers = simulator, callers
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._lock = threading.Lock()
        self._paths: dict[str, dict[str, tuple[str, Any]]] = {}
        for name, route in routes():
            self._paths.setdefault(route.path, {})[route.method] = (name, route)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *details: Any) -> None:
        self.shutdown()
        super().__exit__(*details)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Mapping[str, Any]:
        """Return Lambda's proxy response to the request, or API Gateway's own."""
        path, query = urlsplit(target).path, urlsplit(target).query
        resource = _match(path, self._paths)
        if resource is None or method == "TRACE":
            return _own("MISSING_AUTHENTICATION_TOKEN")
        name, route = self._paths[resource].get(method, (ROOT_API, None))
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        caller = self.callers.get(token) if route and route.role is not PUBLIC else None
        if route and route.role is not PUBLIC and caller is None:
            return _own("UNAUTHORIZED")
        event = _event(method, path, resource, query, headers, body, caller)
        function = self.simulator.wiring.functions[name]
        with self._lock, self.simulator.transport.invocation(function, None):
            answer: Mapping[str, Any] = function.handler(event, Context())
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
        answer = self.server.answer(self.command, self.path, dict(self.headers), body)
        content = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        if answer["statusCode"] != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and answer["statusCode"] != 204:
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = _serve

    def log_message(self, *arguments: object) -> None:
        """Write no access log."""


def _match(path: str, resources: Mapping[str, Any]) -> str | None:
    parts = path.split("/")
    for resource in sorted(resources, key=lambda resource: resource.count("{")):
        names = resource.split("/")
        if len(names) == len(parts) and all(
            name == part or (name.startswith("{") and part) for name, part in zip(names, parts, strict=True)
        ):
            return resource
    return None


def _own(name: str) -> Mapping[str, Any]:
    response = OWN[name]
    headers = {
        key.removeprefix("gatewayresponse.header."): value.strip("'").replace("context.requestId", "req-1")
        for key, value in response.parameters.items()
    }
    body = response.template.replace("$context.requestId", "req-1")
    return {"statusCode": response.status, "headers": headers, "body": body}


def _event(
    method: str,
    path: str,
    resource: str,
    query: str,
    headers: Mapping[str, str],
    body: str,
    caller: Identity | None,
) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    pairs = zip(resource.split("/"), path.split("/"), strict=True)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: found[-1] for name, found in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "pathParameters": {name[1:-1]: part for name, part in pairs if name.startswith("{")} or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": path,
            "requestId": "req-1",
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": caller.context if caller else None,
        },
        "body": body or None,
        "isBase64Encoded": False,
    }
