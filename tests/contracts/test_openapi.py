"""The public API document is valid, self-contained and named for client generators."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from infra.openapi.declared import routes
from infra.openapi.document import public_document
from infra.openapi.schemas import NAMES, response_model
from tests.support import ROOT

DOCUMENT = json.loads((ROOT / "functions" / "root" / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
NODE = ROOT / ".venv" / "bin" / "node"


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every object of the document with its path."""
    if isinstance(node, dict):
        yield path, node
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict | list) and key != "example":
            yield from walk(value, (*path, str(key)))


def resolve(reference: str) -> Any:
    """Return what a local reference points to. Raises KeyError if that does not exist."""
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def references() -> set[str]:
    return {node["$ref"] for _, node in walk(DOCUMENT) if "$ref" in node}


def patterns() -> set[str]:
    return {node["pattern"] for _, node in walk(DOCUMENT) if isinstance(node.get("pattern"), str)}


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_reference_resolves():
    assert len(references()) > 50
    for reference in references():
        assert reference.startswith("#/components/")
        assert resolve(reference), reference


def test_every_component_is_used():
    found = {
        f"#/components/{kind}/{name}"
        for kind, components in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in components
    }
    assert found == references()


def test_every_pattern_compiles_in_python():
    for pattern in patterns():
        re.compile(pattern)


def test_every_pattern_compiles_in_javascript():
    script = "for (const each of JSON.parse(process.argv[1])) new RegExp(each, 'u')"
    subprocess.run([NODE, "-e", script, json.dumps(sorted(patterns()))], check=True)


@pytest.mark.parametrize("escape", [r"\p", r"\d", r"\w", r"\s", r"\b", "(?"])
def test_no_pattern_uses_syntax_that_differs_between_languages(escape):
    # JSON Schema 2020-12, 6.4. `\d` is any Unicode digit in Rust and Python, but 0-9 in JavaScript.
    assert [pattern for pattern in patterns() if escape in pattern] == []


def test_schema_names_are_words_and_equal_their_titles():
    for name, schema in SCHEMAS.items():
        assert re.fullmatch(r"([A-Z][a-z]+)+", name), name
        assert not name.endswith(("View", "Body")), name
        assert schema["title"] == name


def test_only_components_have_titles():
    titled = [path for path, node in walk(DOCUMENT) if isinstance(node.get("title"), str)]
    assert [path for path in titled if path != ("info",) and path[:2] != ("components", "schemas")] == []
    assert len([path for path in titled if path[0] == "components"]) == len(SCHEMAS)


def test_every_object_schema_has_a_name():
    for path, node in walk(DOCUMENT):
        if node.get("properties") and "properties" not in path[-1:]:
            assert path[:2] == ("components", "schemas") and len(path) == 3, path


def test_every_chosen_name_is_used():
    assert {*NAMES.values()} - {*SCHEMAS} == set()


def test_every_field_of_a_response_is_required():
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                for schema in _json_components(response) if status < "3" else []:
                    assert set(schema.get("properties", {})) == set(schema.get("required", [])), (
                        method,
                        path,
                        schema["title"],
                    )


def _json_components(node: Any, seen: set[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the schema components that a node refers to, directly or not."""
    seen = set() if seen is None else seen
    for _, each in walk(node):
        reference = each.get("$ref", "")
        if reference.startswith("#/components/schemas/") and reference not in seen:
            seen.add(reference)
            component = resolve(reference)
            yield component
            yield from _json_components(component, seen)


def test_a_created_resource_is_at_one_of_the_apis_get_paths():
    declared = {route.path: route for _, route in routes() if route.method == "GET"}
    located = [route for _, route in routes() if route.location]
    assert {route.status for route in located} == {201}
    for route in located:
        assert route.location in declared
        fields = getattr(response_model(route), "model_fields", {})
        assert {*declared[route.location].variables} <= {*route.variables, *fields}, route.path


def test_the_document_is_the_same_in_every_run():
    assert public_document() == DOCUMENT


def test_reading_the_routes_leaves_no_settings_of_the_template():
    program = (
        "from tests import support; support.set_environment();"
        "from infra.openapi.declared import routes; assert routes();"
        "from notify.settings import settings; print(repr(settings().notify_brand_address))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}/functions:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "''\n", done.stderr
