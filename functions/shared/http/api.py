"""A service's API function: it routes requests to views and builds the responses."""

import json
import posixpath
import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote, unquote

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice, Request, Response
from pynamodb.exceptions import PynamoDBException

from shared import finish_init
from shared.dynamodb.idempotency import HttpResponse, IdempotencyKey, IdempotencyStore
from shared.dynamodb.rows import as_unavailable
from shared.dynamodb.sizes import RowTooLargeError
from shared.errors import Internal, Problem, invalid, problem_document
from shared.http.health import health
from shared.http.identity import identify_caller
from shared.http.paging import Page
from shared.http.reading import (
    JSON,
    parse_body,
    parse_idempotency_key,
    parse_if_match,
    parse_query,
    read_body,
)
from shared.http.routing import Raw, Replayed, Route, Routes
from shared.models import build
from shared.runtime import clock, observability
from shared.runtime.observability import log
from shared.runtime.settings import CommonSettings
from shared.values import ids

# Every response has these headers, also those of API Gateway itself (infra/gateway_responses.py).
FIXED_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
# The headers of a response to an allowed origin, besides the origin itself.
CORS_HEADERS = {
    "Access-Control-Expose-Headers": "Allow, ETag, Idempotent-Replayed, Location, Retry-After, X-Request-Id",
    "Vary": "Origin",
}


class Text(Response):
    """A response whose body is text; Chalice would look for bytes and for headers with several values."""

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:
        return {"statusCode": self.status_code, "headers": self.headers, "body": self.body}


class Api(Chalice):
    """A service's routes behind one Lambda handler.

    `idempotency` stores the responses of idempotent requests. `probe` accesses what the service depends on;
    it answers the health check (an invocation with `{"health": true}`).
    """

    def __init__(
        self,
        *routes: Routes,
        idempotency: IdempotencyStore | None = None,
        probe: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(app_name=observability.SERVICE, configure_logs=False)
        self.api.binary_types = []  # Chalice searches this twice a request, and responses are text
        self.idempotency = idempotency
        self.probe = probe
        self.declared = [route for group in routes for route in group.declared]
        for route in self.declared:
            register = self.route(
                route.path, methods=[route.method], content_types=[], name=route.view.__name__
            )
            register(self._endpoint(route))
        build(HttpResponse, CommonSettings)
        finish_init()

    def __call__(self, event: Any, context: Any) -> Any:
        if "health" in event:
            return health(self.probe)
        began = time.perf_counter()
        request_id = event["requestContext"]["requestId"]
        observability.begin(request_id)
        event["headers"] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        response = self.dispatch(event, context)
        response["headers"] = _common_headers(event, request_id) | response.get("headers", {})
        observability.log_request(
            method=event["httpMethod"],
            route=event["requestContext"]["resourcePath"],
            status=response["statusCode"],
            ms=round((time.perf_counter() - began) * 1000, 1),
        )
        observability.end()
        return response

    def dispatch(self, event: Any, context: Any) -> Any:
        """Return the response to a request, without the headers that all responses have."""
        return super().__call__(event, context)

    def _endpoint(self, route: Route) -> Callable[..., Response]:
        """Return the function that Chalice calls for a route. It maps every exception to a problem here,
        because Chalice turns an exception into a 500 before middleware sees it."""

        def endpoint(**variables: str) -> Response:
            event = cast(Request, self.current_request).to_original_event()
            try:
                response = self._serve(route, event, variables)
            except Exception as error:
                response = _failure(route, event, _as_problem(error, route, event))
            return Text(body=response.body, status_code=response.status, headers={**response.headers})

        return endpoint

    def _serve(self, route: Route, event: Mapping[str, Any], variables: Mapping[str, str]) -> HttpResponse:
        caller = identify_caller(event, route.role)
        headers = event["headers"]
        raw = read_body(event) if route.reads_body else b""
        arguments: dict[str, Any] = {name: unquote(value) for name, value in variables.items()}
        if "caller" in route.hints:
            arguments["caller"] = caller
        if "request" in route.hints:
            arguments["request"] = Raw(raw, headers, event["requestContext"]["path"])
        if "if_match" in route.hints:
            arguments["if_match"] = parse_if_match(headers.get("if-match"))
        if route.query:
            arguments["query"] = parse_query(route.query, event)
        if route.body:
            arguments["body"] = parse_body(route.body, raw, headers)
        key = parse_idempotency_key(route, headers, caller, event["path"], raw)
        if "key" in route.hints:
            arguments["key"] = key
        if "claim" in route.hints:
            arguments["claim"] = key
            return _present(route, arguments, route.view(**arguments))
        if key is None or self.idempotency is None or route.repeatable:
            return _present(route, arguments, route.view(**arguments))
        return self._serve_idempotent(self.idempotency, key, route, arguments)

    def _serve_idempotent(
        self, idempotency: IdempotencyStore, key: IdempotencyKey, route: Route, arguments: dict[str, Any]
    ) -> HttpResponse:
        """Run the view at most once per key and return its first response to repeated requests for 24 hours.

        If the process dies in the view, the claim's lease expires and a retry runs the view again.
        """
        claimed = idempotency.claim(key, ids.new_id("req"), clock.now())
        if claimed.response:
            first = HttpResponse.unpack(claimed.response)
            return first.model_copy(update={"headers": first.headers | {"Idempotent-Replayed": "true"}})
        try:
            response = _present(route, arguments, route.view(**arguments))
        except Problem as problem:
            if problem.status >= 429:
                idempotency.release(claimed)
                raise
            response = problem_response(problem)
        except BaseException:
            idempotency.release(claimed)
            raise
        try:
            idempotency.complete(claimed, response)
        except PynamoDBException as error:
            if not as_unavailable(error):
                raise
            # The effect has happened; without the stored response a repeated request only waits longer.
            log.warning("response not stored", exc_info=error)
        except RowTooLargeError as error:
            # Only the response of a full cart can be so large, and the cart records the key itself.
            log.warning("response not stored", exc_info=error)
        return response


def problem_response(problem: Problem) -> HttpResponse:
    """Return the problem as a response (RFC 9457)."""
    headers = {"Content-Type": "application/problem+json", **problem.headers}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"  # required by RFC 9110, 15.5.2
    body = json.dumps(problem_document(problem, observability.request_id()))
    return HttpResponse(status=problem.status, headers=headers, body=body)


def _as_problem(error: Exception, route: Route, event: Mapping[str, Any]) -> Problem:
    """Return the error as a problem; log it if nothing expects it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RowTooLargeError) and route.body:
        return _too_large(error, event)
    if isinstance(error, PynamoDBException | BotoCoreError | ClientError):
        temporary = as_unavailable(error)
        if temporary:
            return temporary
    log.exception("request failed", exc_info=error)
    observability.count("Failures")
    return Internal("An internal error occurred; contact us with the request_id.")


def _too_large(error: RowTooLargeError, event: Mapping[str, Any]) -> Problem:
    """Return the problem of a body whose content does not fit into a row; it names the largest field."""
    fields = {name: len(json.dumps(value)) for name, value in json.loads(event["body"] or "{}").items()}
    pointer = f"/{max(fields, key=lambda name: fields[name])}" if fields else ""
    return invalid(
        pointer,
        f"The content is too large to store: {error.size:,} of at most {error.limit:,} bytes; shorten it.",
    )


def _failure(route: Route, event: Mapping[str, Any], problem: Problem) -> HttpResponse:
    """Return the route's page for the problem if the request accepts HTML, as browsers do."""
    if route.error_page is None or "text/html" not in event["headers"].get("accept", ""):
        return problem_response(problem)
    page = route.error_page(problem)
    return page.model_copy(update={"headers": problem.headers | page.headers})


def _present(route: Route, arguments: Mapping[str, Any], result: Any) -> HttpResponse:
    if isinstance(result, HttpResponse):
        return result
    if result is None:
        return HttpResponse(status=204 if route.status == 200 else route.status, headers={}, body="")
    headers = {"Content-Type": JSON}
    if isinstance(result, Replayed):
        headers["Idempotent-Replayed"] = "true"
        result = result.view
    version = vars(result).get("version")
    if isinstance(version, int):
        headers["ETag"] = f'"{version}"'
    if route.location:
        headers["Location"] = _location(route.location, route.path, {**vars(result), **arguments})
    body = result.fitting_json() if isinstance(result, Page) else result.model_dump_json()
    return HttpResponse(status=route.status, headers=headers, body=body)


def _location(resource: str, request: str, values: Mapping[str, Any]) -> str:
    """Return the URL of the created resource relative to the request's URL (RFC 9110, 10.2.2).

    An absolute one would need the stage or the custom domain's base path, which a repeated request may not
    share.
    """
    parts = {name: quote(value, safe="") for name, value in values.items() if isinstance(value, str)}
    return posixpath.relpath(resource.format_map(parts), posixpath.dirname(request.format_map(parts)))


def _common_headers(event: Mapping[str, Any], request_id: str) -> dict[str, str]:
    headers = {"X-Request-Id": request_id, **FIXED_HEADERS}
    origin = event["headers"].get("origin")
    allowed = CommonSettings.load().allowed_origins.split()
    if origin and ("*" in allowed or origin in allowed):
        headers |= {"Access-Control-Allow-Origin": origin, **CORS_HEADERS}
    return headers
