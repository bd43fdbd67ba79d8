"""The doors of no one service: everybody's health, the API's document and its page, and what is not there."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from shared import observe
from shared.aws import client
from shared.errors import MethodNotAllowed
from shared.http import EXPOSED, JSON, Api, Html, Routes, View, refusal
from shared.idempotency import Answer
from shared.settings import Common, Settings

DOCUMENT = Path(__file__).parent / "openapi.json"
ASKED_FOR = "Authorization, Content-Type, Idempotency-Key, If-Match"


class FrontSettings(Settings):
    """`front_health` is a JSON object: service → the function that answers for it."""

    front_health: str


class ServiceHealth(View):
    status: str
    version: str


class Health(View):
    """`ok` when every service is, else `degraded`."""

    status: str
    services: dict[str, ServiceHealth]


routes = Routes()


@routes.get("/health")
def read_health() -> Health:
    """How every service is."""
    functions: dict[str, str] = json.loads(FrontSettings.load().front_health)
    with ThreadPoolExecutor(len(functions)) as pool:
        services = dict(zip(functions, pool.map(_health_of, functions.values()), strict=True))
    well = all(service.status == "ok" for service in services.values())
    return Health(status="ok" if well else "degraded", services=services)


@routes.get("/openapi.json")
def read_document() -> Answer:
    """The OpenAPI 3.1 document of this API."""
    return Answer(status=200, headers={"Content-Type": JSON}, body=DOCUMENT.read_text())


@routes.get("/docs")
def read_docs() -> Html:
    """This API's operations as a page."""
    return Html(status=200, headers={"Content-Type": "text/html; charset=utf-8"}, body=_page())


class Front(Api):
    """Answers, for every path of the API, the methods that no service has: preflights and 405."""

    def __call__(self, event: Any, context: Any) -> Any:
        method, path = event["httpMethod"], event["requestContext"]["resourcePath"]
        if method in self.routes.get(path, {}):
            return super().__call__(event, context)
        observe.begin(event["requestContext"]["requestId"])
        allowed = ", ".join(sorted(name.upper() for name in _document()["paths"].get(path, {})))
        answer = _preflight(event, allowed) if method == "OPTIONS" else _refuse(method, allowed)
        headers = answer.headers | {"X-Request-Id": observe.request_id()}
        return {"statusCode": answer.status, "headers": headers, "body": answer.body}


def _refuse(method: str, allowed: str) -> Answer:
    return refusal(
        MethodNotAllowed(f"{method} is not possible here; {allowed} is.", headers={"Allow": allowed})
    )


def _preflight(event: Any, allowed: str) -> Answer:
    """The answer to a browser's question (https://fetch.spec.whatwg.org/#cors-preflight-request)."""
    sent = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    origins = Common.load().allowed_origins.split()
    headers = {"Allow": allowed, "Vary": "Origin"}
    if "*" in origins or sent.get("origin") in origins:
        headers |= {
            "Access-Control-Allow-Origin": sent.get("origin", "*"),
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": ASKED_FOR,
            "Access-Control-Expose-Headers": EXPOSED,
            "Access-Control-Max-Age": "3600",
        }
    return Answer(status=204, headers=headers, body="")


def _health_of(function: str) -> ServiceHealth:
    lambda_ = client("lambda", read_timeout=10, attempts=1)
    answer = lambda_.invoke(FunctionName=function, Payload=b'{"health": true}')
    if answer.get("FunctionError"):
        return ServiceHealth(status="failing", version="unknown")
    return ServiceHealth.model_validate_json(answer["Payload"].read())


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return document


def _page() -> str:
    document = _document()
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation['x-role'])}</td><td>{escape(operation['summary'])}</td></tr>"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    title = escape(document["info"]["title"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}"
        "td,th{text-align:left;padding:.2rem 1rem .2rem 0}</style>"
        f"<h1>{title}</h1><p>{escape(document['info']['description'])}"
        " Shapes and errors are in <a href=openapi.json>openapi.json</a>."
        f"<table><tr><th>Method<th>Path<th>Who<th>What</tr>{rows}</table></html>"
    )


api = Front(routes)
