"""A service's routes behind one Lambda handler: the role, once what must be done once, and the answer."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice, Request, Response
from pynamodb.exceptions import PynamoDBException

from shared import clock, ids, observe, ready
from shared.errors import Internal, ShopError, problem
from shared.health import health
from shared.http.reading import JSON, body_of, if_match_of, key_of, query_of, raw_body
from shared.http.routing import Raw, Replayed, Route, Routes
from shared.idempotency import Answer, Key, Once
from shared.identity import caller_of
from shared.observe import log
from shared.rows import unavailable
from shared.settings import Common

EXPOSED = "ETag, X-Request-Id, Idempotent-Replayed, Retry-After"


class Api(Chalice):
    """A service's API function: its routes behind one Lambda handler.

    `once` keeps the answers of idempotent requests. `probe` touches what the service cannot work without; it
    answers the health check (an invocation with `{"health": true}`).
    """

    def __init__(
        self, *routes: Routes, once: Once | None = None, probe: Callable[[], object] | None = None
    ) -> None:
        super().__init__(app_name=observe.SERVICE, configure_logs=False)
        self.api.binary_types = []  # answers are text: Chalice need not look for others three times a request
        self.once = once
        self.probe = probe
        self.declared = [route for group in routes for route in group.declared]
        for route in self.declared:
            register = self.route(
                route.path, methods=[route.method], content_types=["*/*"], name=route.view.__name__
            )
            register(self._door(route))
        ready()

    def __call__(self, event: Any, context: Any) -> Any:
        if "health" in event:
            return health(self.probe)
        began = time.perf_counter()
        request_id = event["requestContext"]["requestId"]
        observe.begin(request_id)
        answer = super().__call__(event, context)
        answer.setdefault("headers", {}).update(_common_headers(event, request_id))
        log.info(
            "served",
            extra={
                "method": event["httpMethod"],
                "route": event["requestContext"]["resourcePath"],
                "status": answer["statusCode"],
                "ms": round((time.perf_counter() - began) * 1000, 1),
            },
        )
        observe.end()
        return answer

    def _door(self, route: Route) -> Callable[..., Response]:
        def door(**variables: str) -> Response:
            event = cast(Request, self.current_request).to_original_event()
            try:
                answer = self._serve(route, event, variables)
            except ShopError as error:
                answer = refusal(error)
            except (PynamoDBException, BotoCoreError, ClientError) as error:
                busy = unavailable(error)
                answer = refusal(busy) if busy else _failure(error)
            except Exception as error:
                answer = _failure(error)
            return Response(body=answer.body, status_code=answer.status, headers={**answer.headers})

        return door

    def _serve(self, route: Route, event: Mapping[str, Any], variables: Mapping[str, str]) -> Answer:
        caller = caller_of(event, route.role)
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        raw = raw_body(event)
        arguments: dict[str, Any] = {name: unquote(value) for name, value in variables.items()}
        if "caller" in route.hints:
            arguments["caller"] = caller
        if "request" in route.hints:
            arguments["request"] = Raw(raw, headers)
        if "if_match" in route.hints:
            arguments["if_match"] = if_match_of(headers.get("if-match"))
        if route.query:
            arguments["query"] = query_of(route.query, event)
        if route.body:
            arguments["body"] = body_of(route.body, raw, headers)
        key = key_of(route, headers, caller, event["path"], raw)
        if "key" in route.hints:
            arguments["key"] = key
        if "once" in route.hints:
            arguments["once"] = key
            return _present(route, route.view(**arguments))
        if key is None or self.once is None or route.repeatable:
            return _present(route, route.view(**arguments))
        return self._serve_once(self.once, key, route, arguments)

    def _serve_once(self, once: Once, key: Key, route: Route, arguments: dict[str, Any]) -> Answer:
        """The request's effect at most once, and its first answer for ever after (24 hours).

        A process that dies in the view leaves a claim whose lease runs out: then a retry runs the view again.
        """
        claimed = once.claim(key, ids.new_id("req"), clock.now())
        if claimed.answer:
            first = Answer.unpack(claimed.answer)
            return first.model_copy(update={"headers": first.headers | {"Idempotent-Replayed": "true"}})
        try:
            answer = _present(route, route.view(**arguments))
        except ShopError as error:
            if error.status >= 429:
                once.release(claimed)
                raise
            answer = refusal(error)
        except BaseException:
            once.release(claimed)
            raise
        try:
            once.finish(claimed, answer)
        except PynamoDBException as error:
            if not unavailable(error):
                raise
            # What was asked for is done; that the answer is not kept may only make a repeat wait.
            log.warning("answer not kept", exc_info=error)
        return answer


def refusal(error: ShopError) -> Answer:
    """The error as a problem (RFC 9457)."""
    headers = {"Content-Type": "application/problem+json", **error.headers}
    return Answer(status=error.status, headers=headers, body=json.dumps(problem(error, observe.request_id())))


def _failure(error: Exception) -> Answer:
    log.exception("failed", exc_info=error)
    observe.count("Failures")
    return refusal(Internal("Something went wrong on our side; the request id helps us to find it."))


def _present(route: Route, result: Any) -> Answer:
    if isinstance(result, Answer):
        return result
    if result is None:
        return Answer(status=204 if route.status == 200 else route.status, headers={}, body="")
    headers = {"Content-Type": JSON}
    if isinstance(result, Replayed):
        headers["Idempotent-Replayed"] = "true"
        result = result.view
    version = vars(result).get("version")
    if isinstance(version, int):
        headers["ETag"] = f'"{version}"'
    return Answer(status=route.status, headers=headers, body=result.model_dump_json())


def _common_headers(event: Mapping[str, Any], request_id: str) -> dict[str, str]:
    headers = {"X-Request-Id": request_id, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    origin = next((v for k, v in (event.get("headers") or {}).items() if k.lower() == "origin"), None)
    allowed = Common.load().allowed_origins.split()
    if origin and ("*" in allowed or origin in allowed):
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Vary": "Origin",
            "Access-Control-Expose-Headers": EXPOSED,
        }
    return headers
