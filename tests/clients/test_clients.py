"""The API document, judged by tools of other makers: a linter and two generators of clients."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.generators import (
    HERE,
    check_python,
    compile_typescript,
    generate_python,
    generate_typescript,
    lint,
)
from tests.support import ROOT

DOCUMENT = ROOT / "functions" / "root" / "openapi.json"


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[..., Path]:
    """`faulty(change, …)` returns the path of a copy of the document with planted faults."""

    def plant(*changes: Callable[[Any], object]) -> Path:
        document = json.loads(DOCUMENT.read_text())
        for change in changes:
            change(document)
        path = tmp_path / "openapi.json"
        path.write_text(json.dumps(document))
        return path

    return plant


def refer_to_nothing(document: Any) -> None:
    document["components"]["schemas"]["Broken"] = {"$ref": "#/components/schemas/Nothing"}


def repeat_an_operation_id(document: Any) -> None:
    document["paths"]["/health"]["get"]["operationId"] = document["paths"]["/cart"]["get"]["operationId"]


def remove_a_success(document: Any) -> None:
    del document["paths"]["/cart"]["get"]["responses"]["200"]


def add_an_unsupported_schema(document: Any) -> None:
    document["components"]["schemas"]["Broken"] = {"type": "object", "properties": {"a": {"type": "array"}}}


def test_the_document_follows_redoclys_recommended_rules():
    problems = lint(DOCUMENT)
    assert not problems, "\n".join(problems)


def test_the_linter_reports_faults_of_references_names_and_responses(faulty):
    found = lint(faulty(refer_to_nothing, repeat_an_operation_id, remove_a_success))
    assert {problem.partition(" at ")[0] for problem in found} == {
        "no-unresolved-refs",
        "operation-operationId-unique",
        "rule/operation-2xx-or-3xx-response",
    }


def test_a_typescript_client_and_its_buyer_compile_strictly(tmp_path):
    problems = generate_typescript(DOCUMENT, tmp_path) or compile_typescript(tmp_path)
    assert not problems, problems


def test_the_typescript_generator_reports_a_dangling_reference(faulty, tmp_path):
    assert "Nothing" in generate_typescript(faulty(refer_to_nothing), tmp_path)


def test_a_python_client_and_its_buyer_type_check_strictly(tmp_path):
    problems = generate_python(DOCUMENT, tmp_path) or check_python(tmp_path)
    assert not problems, problems


def test_the_python_generator_reports_an_unsupported_schema(faulty, tmp_path):
    assert "Broken" in generate_python(faulty(add_an_unsupported_schema), tmp_path)


def test_the_lock_of_the_npm_packages_names_no_registry():
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
