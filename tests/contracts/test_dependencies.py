"""The allowed dependencies between modules, read from the source files."""

import ast
from pathlib import Path

import pytest

from tests.support import ROOT, SERVICES

FUNCTIONS = ROOT / "functions"
ENTRY_POINTS = {"app", "routes", "consumers", "commands", "relay"}
# What a module of a service may import of its own service. Modules not named here are gateways to external
# systems, which may import the domain and the settings.
ALLOWED = {
    "settings": set(),
    "domain": set(),
    "schemas": {"domain"},
    "tables": {"domain", "settings"},
    "stripe_lists": {"domain", "settings", "stripe_gateway"},
    "batches": {"stripe_gateway"},
}
ALLOWED_FOR_GATEWAYS = {"domain", "settings"}
# The groups of `shared`: each may import those that are named here, and itself.
SHARED: dict[str, set[str]] = {
    "models": set(),
    "values": {"models"},
    "errors": set(),
    "runtime": {"models"},
    "contracts": {"models", "values", "errors", "runtime"},
    "dynamodb": {"models", "values", "errors", "runtime"},
    "http": {"models", "values", "errors", "runtime", "dynamodb"},
    "messaging": {"models", "values", "errors", "runtime", "contracts"},
}
IMPURE_LIBRARIES = {"boto3", "botocore", "pynamodb", "chalice", "stripe", "os", "time", "random", "requests"}
IMPURE_SHARED = {"runtime", "dynamodb", "http", "messaging"}


def modules(*packages: str) -> list[Path]:
    return sorted(path for name in packages for path in (FUNCTIONS / name).rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(FUNCTIONS).with_suffix("").parts


def name_of(path: Path) -> str:
    return str(path.relative_to(FUNCTIONS))


@pytest.mark.parametrize("path", modules(*SERVICES, "root", "shared"), ids=name_of)
def test_no_service_imports_another_and_shared_imports_none(path):
    package = parts_of(path)[0]
    imported = {name.split(".")[0] for name in imports_of(path)} & {*SERVICES, "root"}
    assert imported <= ({package} - {"shared"})


@pytest.mark.parametrize("path", modules("shared"), ids=name_of)
def test_the_groups_of_shared_import_one_way(path):
    group = parts_of(path)[1]
    imported = {name.split(".")[1] for name in imports_of(path) if name.startswith("shared.")}
    imported -= {"finish_init", group}
    if group != "__init__":
        assert imported <= SHARED[group], f"shared.{group} may import {sorted(SHARED[group])}"


def test_the_groups_of_shared_have_no_cycle():
    done: set[str] = set()
    while len(done) < len(SHARED):
        ready = {group for group, needed in SHARED.items() if group not in done and needed <= done}
        assert ready, f"a cycle among {sorted(set(SHARED) - done)}"
        done |= ready


@pytest.mark.parametrize("path", modules(*SERVICES), ids=name_of)
def test_imports_within_a_service_follow_the_layers(path):
    service, module, *rest = parts_of(path)
    # A sub-package may have the layout of a service (orders/invoicing): its entry points may import the same.
    if {module, *rest[-1:]} & ({"__init__", "service"} | ENTRY_POINTS):
        return
    allowed = ALLOWED.get(module, ALLOWED_FOR_GATEWAYS) | {module}
    imported = {name.split(".")[1] for name in imports_of(path) if name.startswith(f"{service}.")}
    assert imported <= allowed, f"{module} may import {sorted(allowed)}"


@pytest.mark.parametrize("service", SERVICES)
def test_only_entry_points_import_entry_points(service):
    for path in modules(service):
        imported = {name.split(".")[1] for name in imports_of(path) if name.startswith(f"{service}.")}
        if parts_of(path)[1] not in ENTRY_POINTS:
            assert not imported & ENTRY_POINTS, f"{path} imports an entry point"


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_is_pure(service):
    for path in modules(service):
        if parts_of(path)[1] != "domain":
            continue
        imported = imports_of(path)
        assert not {name.split(".")[0] for name in imported} & IMPURE_LIBRARIES
        # Domains use the roles; shared.http.identity defines them and imports no other HTTP code.
        shared = {name for name in imported if name.startswith("shared.") and "http.identity" not in name}
        assert not {name.split(".")[1] for name in shared} & IMPURE_SHARED
        assert "now(" not in path.read_text(), "time is passed to a rule"


@pytest.mark.parametrize("path", sorted((ROOT / "ops").rglob("*.py")), ids=lambda path: path.name)
def test_operators_tools_do_not_import_the_local_cloud(path):
    assert not {name for name in imports_of(path) if name.split(".")[0] == "localstack"}
