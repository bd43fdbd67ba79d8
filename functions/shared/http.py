"""HTTP in: routes that parse by annotation, check the role, do once what must be done once, and present.

A view says by its annotations what it needs: `caller: Caller`, path variables by name, `query:` and `body:`
pydantic models, `if_match: int | None`, `once: Key` (the request's idempotency key, for a use case that
claims it itself), `key: Key` (the same, claimed already, for an effect that remembers it), `request: Raw`
(bytes and headers as they came). What it returns is presented: a model as JSON with an ETag where it has a
version, None as 204, an `Answer` as it is.
"""

import inspect
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_type_hints
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from pynamodb.exceptions import PynamoDBException

from shared import clock, ids, observe, ready
from shared.errors import (
    Internal,
    Malformed,
    ShopError,
    TooLarge,
    UnsupportedMediaType,
    from_validation,
    problem,
)
from shared.health import health
from shared.idempotency import Answer, Key, Once
from shared.identity import PUBLIC, Caller, Role, caller_of
from shared.observe import log
from shared.rows import unavailable
from shared.settings import Common

MAX_BODY = 1024 * 1024
JSON = "application/json"
EXPOSED = "ETag, X-Request-Id, Idempotent-Replayed, Retry-After"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_ETAG = re.compile(r'(?:W/)?"(\d+)"')


class Body(BaseModel):
    """What the API takes: exactly the named fields, of exactly their types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True
    )


class View(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(frozen=True, defer_build=True)


@dataclass(frozen=True)
class Raw:
    """The request as it came: for a caller that signs bytes."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Replayed:
    """A view's own finding that the request was served before: the first answer again."""

    view: BaseModel


@dataclass(frozen=True)
class Route:
    """One method on one path.

    `required`: without an Idempotency-Key it is refused; `repeatable`: the answer is not kept, as it is
    a secret or the request is harmless to repeat.
    """

    method: str
    path: str
    view: Callable[..., Any]
    role: Role
    status: int
    required: bool
    repeatable: bool
    hints: Mapping[str, Any] = field(repr=False)

    @property
    def body(self) -> type[BaseModel] | None:
        return self.hints.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        return self.hints.get("query")

    @property
    def answer(self) -> Any:
        return self.hints.get("return")

    @property
    def variables(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


class Routes:
    """The routes of one service, in the order of declaration."""

    def __init__(self) -> None:
        self.declared: list[Route] = []

    def get(self, path: str, *, role: Role = PUBLIC) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("GET", path, role, 200)

    def post(
        self, path: str, *, role: Role, status: int = 200, idempotent: bool = False, repeatable: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """`idempotent`: an Idempotency-Key is required; else it is honoured if sent, unless `repeatable`."""
        return self._route("POST", path, role, status, idempotent, repeatable)

    def put(self, path: str, *, role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("PUT", path, role, 200)

    def patch(self, path: str, *, role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("PATCH", path, role, 200)

    def delete(
        self, path: str, *, role: Role, status: int = 204
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return self._route("DELETE", path, role, status)

    def _route(
        self,
        method: str,
        path: str,
        role: Role,
        status: int,
        required: bool = False,
        repeatable: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            hints = {name: hint for name, hint in get_type_hints(view).items() if _is_asked(view, name)}
            self.declared.append(Route(method, path, view, role, status, required, repeatable, hints))
            return view

        return declare


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
        raw = _raw_body(event)
        arguments: dict[str, Any] = {name: unquote(value) for name, value in variables.items()}
        if "caller" in route.hints:
            arguments["caller"] = caller
        if "request" in route.hints:
            arguments["request"] = Raw(raw, headers)
        if "if_match" in route.hints:
            arguments["if_match"] = _if_match(headers.get("if-match"))
        if route.query:
            arguments["query"] = _query(route.query, event)
        if route.body:
            arguments["body"] = _body(route.body, raw, headers)
        key = _key(route, headers, caller, event["path"], raw)
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
        once.finish(claimed, answer)
        return answer


def refusal(error: ShopError) -> Answer:
    """The error as a problem (RFC 9457)."""
    headers = {"Content-Type": "application/problem+json", **error.headers}
    return Answer(status=error.status, headers=headers, body=json.dumps(problem(error, observe.request_id())))


def _failure(error: Exception) -> Answer:
    log.exception("failed", exc_info=error)
    observe.count("Failures")
    return refusal(Internal("Something went wrong on our side; the request id helps us to find it."))


def _is_asked(view: Callable[..., Any], name: str) -> bool:
    return name == "return" or name in inspect.signature(view).parameters


def _raw_body(event: Mapping[str, Any]) -> bytes:
    raw = (event.get("body") or "").encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BODY:
        raise TooLarge(f"The body is larger than {MAX_BODY} bytes.")
    return raw


def _body(model: type[BaseModel], raw: bytes, headers: Mapping[str, str]) -> BaseModel:
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media != JSON:
        raise UnsupportedMediaType(f"Send {JSON}.")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Malformed("The body is not JSON.") from error
        raise from_validation(found) from error


def _query(model: type[BaseModel], event: Mapping[str, Any]) -> BaseModel:
    sent = {name: values[-1] for name, values in (event.get("multiValueQueryStringParameters") or {}).items()}
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        raise from_validation(
            error.errors(include_url=False, include_input=False), prefix="/query"
        ) from error


def _if_match(header: str | None) -> int | None:
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if not found:
        raise Malformed('If-Match takes an ETag that was given here, such as "3", or *.')
    return int(found[1])


def _key(
    route: Route, headers: Mapping[str, str], caller: Caller | None, path: str, raw: bytes
) -> Key | None:
    key = headers.get("idempotency-key")
    if route.method != "POST" or (key is None and not route.required):
        return None
    if key is None:
        raise Malformed(
            "This needs an Idempotency-Key header: a value of your choice, new for each new request."
        )
    if not _KEY.fullmatch(key):
        raise Malformed("An Idempotency-Key is 1 to 255 printable ASCII characters.")
    try:
        body = json.loads(raw or b"null")
    except ValueError as error:
        raise Malformed("The body is not JSON.") from error
    return Key.of((caller.user_id if caller else "", route.method, path), key, body)


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
