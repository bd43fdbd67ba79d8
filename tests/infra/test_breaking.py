"""The comparison of two API documents: each rule on a planted change, and changes that break no client."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.breaking.__main__ import DOCUMENT, main
from infra.breaking.diff import compare
from infra.breaking.rules import RULES
from tests.support import ROOT

RELEASED: dict[str, Any] = json.loads((Path(__file__).parent / "released.json").read_text())
PATH = "/paths/~1orders~1{order_id}"
PUT, OK = f"{PATH}/put", f"{PATH}/put/responses/200"
BODY, VIEW = "/components/schemas/PlaceOrder", "/components/schemas/OrderView"
LIMIT = "/components/parameters/limit"
STREET, BOX = ({"$ref": f"#/components/schemas/{name}"} for name in ("Street", "Box"))
GONE = object()

# (rule, pointer of the change, new value, pointer in the report)
BREAKS = [
    ("operation removed", PATH, GONE, PUT),
    ("operation removed", PUT, GONE, PUT),
    ("operation renamed", f"{PUT}/operationId", "set_order", PUT),
    ("operation moved", f"{PUT}/tags", ["sales"], PUT),
    ("role raised", f"{PUT}/x-role", "customer", PUT),
    ("token required", f"{PUT}/security", [{"token": []}], PUT),
    ("parameter removed", f"{PUT}/parameters/1", GONE, f"{PUT}/parameters/1"),
    ("parameter removed", f"{PUT}/parameters/0", GONE, f"{PUT}/parameters/0"),
    ("parameter required", f"{PUT}/parameters/1/required", True, f"{PUT}/parameters/1"),
    ("body removed", f"{PUT}/requestBody", GONE, PUT),
    ("body required", f"{PUT}/requestBody/required", True, f"{PUT}/requestBody"),
    ("media type removed", f"{OK}/content", {"text/csv": {}}, f"{OK}/content/application~1json"),
    ("success status removed", OK, GONE, OK),
    ("error status removed", f"{PUT}/responses/409", GONE, f"{PUT}/responses/409"),
    ("header removed", f"{OK}/headers", GONE, f"{OK}/headers/ETag"),
    ("request field removed", f"{BODY}/properties/note", GONE, f"{BODY}/properties/note"),
    ("request field required", f"{BODY}/required", ["sku", "kind"], f"{BODY}/properties/kind"),
    ("request field required", f"{BODY}/allOf", [{"required": ["kind"]}], f"{BODY}/properties/kind"),
    ("response field removed", f"{VIEW}/properties/total", GONE, f"{VIEW}/properties/total"),
    ("response field removed", f"{VIEW}/allOf", GONE, "/components/schemas/Versioned/properties/version"),
    ("response field removed", f"{VIEW}/properties/street", GONE, f"{VIEW}/properties/street"),
    ("response field optional", f"{VIEW}/required", ["status"], f"{VIEW}/properties/total"),
    ("type rejected", f"{BODY}/properties/note", {"type": "string"}, f"{BODY}/properties/note"),
    ("type rejected", f"{BODY}/properties/price/type", "integer", f"{BODY}/properties/price"),
    ("type returned", f"{VIEW}/properties/total/type", ["integer", "null"], f"{VIEW}/properties/total"),
    ("type returned", f"{VIEW}/properties/total/type", "number", f"{VIEW}/properties/total"),
    ("type returned", f"{VIEW}/properties/total/type", GONE, f"{VIEW}/properties/total"),
    ("variant rejected", f"{BODY}/properties/address/oneOf/1", GONE, f"{BODY}/properties/address/oneOf/1"),
    ("variant returned", f"{VIEW}/properties/address/oneOf/1", BOX, f"{VIEW}/properties/address/oneOf/1"),
    ("value rejected", f"{BODY}/properties/kind", {"const": "gift"}, f"{BODY}/properties/kind"),
    ("values restricted", f"{BODY}/properties/sku/enum", ["A"], f"{BODY}/properties/sku"),
    ("value returned", f"{VIEW}/properties/status/enum", ["paid", "lost"], f"{VIEW}/properties/status"),
    ("values opened", f"{VIEW}/properties/status/enum", GONE, f"{VIEW}/properties/status"),
    ("limit narrowed", f"{BODY}/properties/sku/maxLength", 63, f"{BODY}/properties/sku"),
    ("limit narrowed", f"{BODY}/properties/sku/minLength", 1, f"{BODY}/properties/sku"),
    ("limit narrowed", f"{LIMIT}/schema/maximum", 50, f"{LIMIT}/schema"),
    ("limit widened", f"{VIEW}/properties/placed_at/maxLength", GONE, f"{VIEW}/properties/placed_at"),
    ("form narrowed", f"{BODY}/properties/sku/pattern", "^A", f"{BODY}/properties/sku"),
    ("format changed", f"{VIEW}/properties/placed_at/format", GONE, f"{VIEW}/properties/placed_at"),
    ("other fields rejected", f"{BODY}/additionalProperties", False, BODY),
    ("default changed", f"{LIMIT}/schema/default", 10, f"{LIMIT}/schema"),
    ("schema removed", "/components/schemas/Unused", GONE, "/components/schemas/Unused"),
]

COMPATIBLE: dict[str, tuple[str, Any]] = {
    "a new path": ("/paths/~1carts", {"get": {"responses": {}}}),
    "a new method": (f"{PATH}/get", {"responses": {}}),
    "a lower role": (f"{PUT}/x-role", "public"),
    "a new optional parameter": (f"{PUT}/parameters/2", {"name": "q", "in": "query"}),
    "another order of parameters": (
        f"{PUT}/parameters",
        RELEASED["paths"]["/orders/{order_id}"]["put"]["parameters"][::-1],
    ),
    "a new error": (f"{PUT}/responses/404", {"description": "Unknown."}),
    "a new header": (f"{OK}/headers/Age", {"schema": {"type": "string"}}),
    "a header in other case": (f"{OK}/headers", {"etag": {"schema": {"type": "string"}}}),
    "a new media type": (f"{OK}/content/text~1csv", {}),
    "a new optional request field": (f"{BODY}/properties/colour", {"type": "string"}),
    "a request field no longer required": (f"{BODY}/required", []),
    "a new response field": (f"{VIEW}/properties/colour", {"type": "string"}),
    "a response field now required": (f"{VIEW}/required", ["status", "total", "lines"]),
    "a wider type in requests": (f"{BODY}/properties/sku/type", ["string", "integer"]),
    "any type in requests": (f"{BODY}/properties/sku", {}),
    "a narrower type in responses": (f"{VIEW}/properties/placed_at/type", "string"),
    "a new variant in requests": (f"{BODY}/properties/address/oneOf/2", {"type": "object"}),
    "a new value in requests": (f"{BODY}/properties/kind/enum", ["gift", "plain", "sample"]),
    "a removed value in responses": (f"{VIEW}/properties/status/enum", ["paid"]),
    "a wider limit in requests": (f"{BODY}/properties/sku/maxLength", 65),
    "a stricter limit in responses": (f"{VIEW}/properties/placed_at/maxLength", 20),
    "a limit that says nothing": (f"{BODY}/properties/sku/minLength", 0),
    "a description": (f"{BODY}/properties/sku/description", "The product."),
}


def changed(pointer, value):
    """Return the released document with another value at a pointer."""
    document = copy.deepcopy(RELEASED)
    *steps, last = [step.replace("~1", "/") for step in pointer.split("/")[1:]]
    place: Any = document
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if isinstance(place, list):
        place[int(last) : int(last) + 1] = [] if value is GONE else [value]
    elif value is GONE:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(("rule", "pointer", "value", "reported"), BREAKS)
def test_a_break_or_warning_is_reported_with_its_pointer(rule, pointer, value, reported):
    changes = compare(RELEASED, changed(pointer, value))
    assert [(change.rule, change.pointer) for change in changes] == [(rule, reported)]


def test_each_rule_has_a_planted_change():
    assert {rule for rule, *_ in BREAKS} == set(RULES)


@pytest.mark.parametrize(("pointer", "value"), COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_compatible_change_is_not_reported(pointer, value):
    assert compare(RELEASED, changed(pointer, value)) == []


def test_a_renamed_path_variable_is_a_renamed_parameter():
    new = json.loads(json.dumps(RELEASED).replace("order_id", "id"))
    changes = [change.sentence for change in compare(RELEASED, new)]
    assert changes == [
        "PUT /orders/{order_id}: the path parameter order_id was removed.",
        "PUT /orders/{order_id}: the path parameter id is now required.",
    ]


def test_a_schema_that_several_operations_use_is_reported_once():
    documents = copy.deepcopy(RELEASED), changed(f"{VIEW}/properties/total", GONE)
    for document in documents:
        responses = document["paths"]["/orders/{order_id}"]["put"]["responses"]
        document["paths"]["/orders"] = {"get": {"responses": responses}}
    assert len(compare(*documents)) == 1


@pytest.fixture
def repository(tmp_path):
    """A git repository whose release v1.0.0 has the document RELEASED; and the path of its document."""
    document = tmp_path / DOCUMENT
    document.parent.mkdir(parents=True)
    document.write_text(json.dumps(RELEASED))
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "Release"], ["tag", "v1.0.0"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path, document


def test_a_break_since_the_last_release_is_printed_and_fails(repository, capsys):
    root, document = repository
    document.write_text(json.dumps(changed(f"{VIEW}/properties/total", GONE)))
    assert main(root) == 1
    assert capsys.readouterr().out.splitlines() == [
        "break: PUT /orders/{order_id}: the response field total was removed.",
        f"  at {VIEW}/properties/total",
        "  instead: Keep it and mark it as deprecated.",
        "API document since v1.0.0: 1 breaking, 0 warnings.",
    ]


def test_a_warning_is_printed_and_passes(repository, capsys):
    root, document = repository
    document.write_text(json.dumps(changed(f"{VIEW}/properties/status/enum", GONE)))
    assert main(root) == 0
    assert capsys.readouterr().out.startswith("warning: PUT /orders/{order_id}: the response field status")


def test_a_break_passes_with_a_new_version_of_the_api(repository):
    root, document = repository
    new = changed(f"{VIEW}/properties/total", GONE)
    document.write_text(json.dumps(new | {"info": {"title": "Shop", "version": "2"}}))
    assert main(root) == 0


def test_without_a_release_there_is_nothing_to_compare(repository, capsys):
    root, _ = repository
    subprocess.run(["git", "tag", "-d", "v1.0.0"], cwd=root, check=True, capture_output=True)
    assert main(root) == 0
    assert "no release to compare with" in capsys.readouterr().out


def test_the_documents_own_references_can_be_followed():
    document = json.loads((ROOT / DOCUMENT).read_text())
    assert compare(document, document) == []
