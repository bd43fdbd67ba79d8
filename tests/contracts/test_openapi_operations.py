"""Every operation of the API document states its access, parameters, responses and headers."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from infra.openapi.declared import METHODS, routes
from infra.openapi.examples import EXAMPLES, VALUES
from infra.openapi.parameters import HEADERS, PATH
from infra.openapi.schemas import response_model
from infra.openapi.texts import FIELDS
from shared.errors import Malformed
from shared.http.paging import MAX_CURSOR
from shared.http.reading import _KEY, parse_if_match
from shared.values.ids import keyed_id, new_id
from tests.contracts.test_openapi import DOCUMENT, SCHEMAS, resolve, walk
from tests.support import ROOT

ROUTES = [route for _, route in routes()]
PROBLEM = "application/problem+json"
ULID = keyed_id("", datetime(2026, 1, 1, tzinfo=UTC), "a key")[1:]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every operation as (`METHOD /path`, operation)."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def operation_of(route: Any) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = resolve(node["$ref"]) if "$ref" in node else node
    return found


def response(route: Any, status: int) -> dict[str, Any]:
    return resolved(operation_of(route)["responses"][str(status)])


def problem_types(found: dict[str, Any]) -> set[str]:
    """Return the problem types of a response."""
    schema = found["content"][PROBLEM]["schema"]
    return {resolved(each)["properties"]["type"]["const"] for each in schema.get("oneOf", [schema])}


def parameter(name: str, location: str) -> list[dict[str, Any]]:
    """Return the schemas of all parameters of this name."""
    found = (resolved(each) for _, operation in operations() for each in operation.get("parameters", []))
    return [each["schema"] for each in found if (each["name"], each["in"]) == (name, location)]


def test_the_document_lists_exactly_the_routes():
    listed = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert listed == {(route.method, route.path) for route in ROUTES}
    assert {method.lower() for method, _ in listed} <= {*METHODS}


def test_every_operation_has_an_id_a_summary_a_description_and_a_tag():
    ids = [operation["operationId"] for _, operation in operations()]
    assert len({*ids}) == len(ids)
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    for name, operation in operations():
        assert re.fullmatch("[a-z]+(_[a-z]+)*", operation["operationId"]), name
        assert 0 < len(operation["summary"]) <= 90 and operation["summary"][-1] != ".", name
        assert operation["description"].endswith("."), name
        assert [tags[tag] for tag in operation["tags"]], name


def test_the_document_and_the_gateway_ask_for_a_token_in_the_same_operations():
    gateway = yaml.safe_load((ROOT / "infra" / "openapi.yaml").read_text())["paths"]
    for route in ROUTES:
        security = operation_of(route)["security"]
        assert [each for each in security if each] == gateway[route.path][route.method.lower()].get(
            "security", []
        )
        assert (f"`{route.role.name.lower()}`" in operation_of(route)["description"]) == (route.role > 0)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_an_operation_lists_every_problem_of_its_route_by_status(route):
    problems = {(kind.status, f"/problems/{kind.slug}") for kind in route.problems}
    statuses = {int(status) for status in operation_of(route)["responses"]}
    assert {status for status in statuses if status >= 400} == {status for status, _ in problems}
    for status in {status for status, _ in problems}:
        found = response(route, status)
        assert problem_types(found) == {name for code, name in problems if code == status}
        schema = found["content"][PROBLEM]["schema"]
        mapping = schema.get("discriminator", {"mapping": {}})["mapping"]
        assert {resolve(each)["properties"]["type"]["const"]: each for each in mapping.values()} == mapping
        assert [{"$ref": each} for each in mapping.values()] == schema.get("oneOf", [])


def test_a_problem_schema_has_the_standard_members_and_those_of_its_class():
    kinds = {kind for route in ROUTES for kind in route.problems}
    assert {name for name in SCHEMAS if name.endswith("Problem")} == {f"{k.__name__}Problem" for k in kinds}
    standard = {"type", "title", "status", "detail", "request_id"}
    for kind in kinds:
        schema = SCHEMAS[f"{kind.__name__}Problem"]
        own = set(kind.members.__annotations__) if kind.members else set()
        always = kind.members.__required_keys__ if kind.members else set()
        assert set(schema["properties"]) == standard | own
        assert set(schema["required"]) == standard | always
        assert schema["properties"]["status"]["const"] == kind.status


def test_every_response_states_its_headers():
    for name, operation in operations():
        for status, found in operation["responses"].items():
            headers = resolved(found)["headers"]
            assert "X-Request-Id" in headers, name
            assert ("WWW-Authenticate" in headers) == (status == "401"), name
            if status in {"429", "503"}:
                assert resolved(headers["Retry-After"])["required"] is True, name
    for route in ROUTES:
        headers = response(route, route.status if route.status != 200 else _success(route))["headers"]
        assert ("Location" in headers) == bool(route.location or route.status == 302)
        versioned = "version" in getattr(response_model(route), "model_fields", {})
        assert ("ETag" in headers) == (versioned or "304" in operation_of(route)["responses"])
        stored = route.method == "POST" and not route.repeatable
        assert ("Idempotent-Replayed" in headers) == stored


def _success(route: Any) -> int:
    return next(int(status) for status in operation_of(route)["responses"] if status < "3")


def test_the_media_types_of_pages_are_stated():
    pages = DOCUMENT["paths"]["/docs"]["get"]["responses"]["200"]["content"]
    assert list(pages) == ["text/html"]
    assert "content" not in DOCUMENT["paths"]["/"]["get"]["responses"]["302"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", f"ord_{ULID}"),
        ("payment_id", f"pay_{ULID}"),
        ("product_id", f"prd_{ULID}"),
        ("reconciliation_id", f"rec_{ULID}"),
        ("return_id", f"ret_{ULID}"),
        ("code", "SPRING-26"),
        ("sku", "MUG.red_1-a"),
        ("country", "GB"),
        ("event_id", "evt_1PgafmB7WZ01zgkW6dKueIc5"),
    ],
)
def test_the_pattern_of_a_path_variable_accepts_what_the_code_creates(name, value):
    schemas = parameter(name, "path")
    assert schemas and all(re.search(schema["pattern"], value) for schema in schemas)
    assert not re.search(PATH[name]["schema"]["pattern"], f"{value}/")


def test_new_ids_match_the_pattern_of_their_path_variable():
    for prefix, name in {"ord": "order_id", "pay": "payment_id", "prd": "product_id"}.items():
        for _ in range(50):
            assert re.search(PATH[name]["schema"]["pattern"], new_id(prefix))


def test_every_path_variable_has_a_pattern_and_a_description():
    assert {*PATH} == {name for route in ROUTES for name in route.variables}
    for described in PATH.values():
        assert described["description"] and described["schema"]["pattern"]


@pytest.mark.parametrize("key", ["k", "a b", "~" * 255, "!", "", "é", "a\nb", "x" * 256])
def test_the_pattern_of_an_idempotency_key_is_the_codes(key):
    schema = HEADERS["IdempotencyKey"]["schema"]
    matches = re.search(schema["pattern"], key) and len(key) <= schema["maxLength"]
    assert bool(matches) == bool(_KEY.fullmatch(key))


@pytest.mark.parametrize("tag", ["*", '"0"', 'W/"3"', '"1234567890123456789"', "3", '"x"', '"1", "2"'])
def test_the_pattern_of_if_match_is_the_codes(tag):
    schema = HEADERS["IfMatch"]["schema"]
    try:
        parse_if_match(tag)
        accepted = True
    except Malformed:
        accepted = False
    assert bool(re.search(schema["pattern"], tag)) == accepted
    assert len(tag) <= schema["maxLength"] or not accepted


def test_cursors_have_a_length_and_limits_a_range():
    expected = {"type": "string", "minLength": 1, "maxLength": MAX_CURSOR}
    assert len(parameter("cursor", "query")) > 5
    assert [schema for schema in parameter("cursor", "query") if schema != expected] == []
    for schema in parameter("limit", "query"):
        assert (schema["minimum"], schema["maximum"], schema["default"]) == (1, 100, 20)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid_for_its_schema_and_its_model(name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    OAS31Validator(schema).validate(EXAMPLES[name])
    bodies = [route.body for route in ROUTES if route.body and _body(route).get("example") == EXAMPLES[name]]
    assert bodies
    for model in bodies:
        model.model_validate_json(json.dumps(EXAMPLES[name]))


def test_the_examples_of_fields_are_valid_and_all_used():
    used = set()
    for path, node in walk(DOCUMENT):
        if isinstance(node.get("examples"), list):
            used |= {path[-1], f"{path[2]}.{path[-1]}"}
            for example in node["examples"]:
                OAS31Validator(node, format_checker=oas31_format_checker).validate(example)
    assert {*VALUES} - used == set()


def test_every_description_of_a_field_is_used():
    described = {
        f"{path[2]}.{path[-1]}" for path, node in walk(DOCUMENT) if "description" in node and len(path) > 2
    }
    parameters = {node["name"] for _, node in walk(DOCUMENT) if node.get("in") == "query"}
    names = described | parameters | {name.partition(".")[2] for name in described}
    assert {*FIELDS} - names == set()


def _body(route: Any) -> dict[str, Any]:
    found: dict[str, Any] = operation_of(route)["requestBody"]["content"]["application/json"]
    return found


def test_every_body_with_required_fields_has_an_example():
    for route in ROUTES:
        if route.body and operation_of(route)["requestBody"]["required"]:
            assert "example" in _body(route), route.path


def test_every_schema_has_a_description():
    assert [name for name, schema in SCHEMAS.items() if not schema.get("description")] == []
