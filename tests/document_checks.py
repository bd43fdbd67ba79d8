"""The check of the responses that API functions return in tests: they match the API document."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from infra.openapi.texts import TAGS
from shared.http.api import Api
from tests.support import ROOT

# Headers of a response that only the document's operations with them may return.
STATED = {"etag", "location", "retry-after", "idempotent-replayed", "www-authenticate", "allow"}


def checking(handle: Callable[[Api, Any, Any], Any]) -> Callable[[Api, Any, Any], Any]:
    """Return `Api.__call__` with the check of its response."""

    def checked(api: Api, event: Any, context: Any) -> Any:
        response = handle(api, event, context)
        for route in api.declared if "httpMethod" in event else ():
            is_public = route.view.__module__.partition(".")[0] in TAGS
            if is_public and (route.method, route.path) == (event["httpMethod"], event["resource"]):
                check(f"{route.method} {route.path}", response)
        return response

    return checked


def check(operation: str, response: Mapping[str, Any]) -> None:
    """Fail if the document does not allow this response of the operation."""
    method, path = operation.split()
    documented = _document()["paths"][path][method.lower()]["responses"]
    status = str(response["statusCode"])
    assert status in documented, f"{operation} returned {status}, which the document does not list"
    described = _resolved(documented[status])
    headers = {name.lower(): value for name, value in response["headers"].items()}
    _check_headers(f"{operation} {status}", described["headers"], headers)
    media_type = headers.get("content-type", "").partition(";")[0]
    content = described.get("content", {})
    assert media_type in content or not (content or response["body"]), f"{operation} {status}: {media_type}"
    if media_type.endswith("json") and response["body"]:
        _validator(json.dumps(content[media_type]["schema"])).validate(json.loads(response["body"]))


def _check_headers(where: str, described: Mapping[str, Any], sent: Mapping[str, str]) -> None:
    for name, reference in described.items():
        header = _resolved(reference)
        assert name.lower() in sent or not header["required"], f"{where} lacks {name}"
        if name.lower() in sent:
            _validator(json.dumps(header["schema"])).validate(sent[name.lower()])
    unstated = (STATED & {*sent}) - {name.lower() for name in described}
    assert not unstated, f"{where} has {unstated}, which the document does not list"


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "functions" / "root" / "openapi.json").read_text())
    return found


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return the component that a reference names; any other node unchanged."""
    if "$ref" not in node:
        return node
    _, kind, name = node["$ref"].removeprefix("#/").split("/")
    component: dict[str, Any] = _document()["components"][kind][name]
    return component


@cache
def _validator(schema: str) -> Draft202012Validator:
    """Return the validator of a schema (JSON) of the document."""
    return Draft202012Validator(json.loads(schema) | {"components": _document()["components"]})
