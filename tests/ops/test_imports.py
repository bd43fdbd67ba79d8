"""Imports of ops: the tools import no service, and no function imports the tools."""

import ast

import pytest

from tests.support import ROOT, SERVICES

FILES = sorted((ROOT / "ops").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tools_import_no_service(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & {*SERVICES, "shared", "tests", "infra"}


def test_functions_import_no_tool():
    assert FILES
    for path in (ROOT / "functions").rglob("*.py"):
        assert "from ops" not in path.read_text(), path
