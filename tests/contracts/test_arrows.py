"""The house's arrows: who may import whom, read from the files."""

import ast
from pathlib import Path

import pytest

from tests.support import ROOT, SERVICES

FUNCTIONS = ROOT / "functions"
DOORS = {"app", "routes", "consumers", "commands", "relay"}
# What a room may import of its own service; what is not named here is a gateway, which sees the domain alone.
MAY_IMPORT = {
    "settings": set(),
    "domain": set(),
    "schemas": {"domain"},
    "tables": {"domain", "settings"},
    "stripe_lists": {"domain", "settings", "stripe_gateway"},
}
GATEWAY_MAY = {"domain", "settings"}


def _modules() -> list[Path]:
    return sorted(path for name in (*SERVICES, "shared") for path in (FUNCTIONS / name).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(FUNCTIONS)))
def test_imports_follow_the_arrows(path):
    service, *rest = path.relative_to(FUNCTIONS).with_suffix("").parts
    room = rest[0]
    imported = [name.split(".") for name in _imports(path)]
    of_services = {parts[0] for parts in imported if parts[0] in SERVICES}
    assert of_services <= ({service} - {"shared"}), "no service imports another; shared imports none"
    # A room may be furnished like a service (orders/invoicing): then its doors and use cases may the same.
    if service == "shared" or {room, rest[-1]} & ({"__init__", "service"} | DOORS):
        return
    allowed = MAY_IMPORT.get(room, GATEWAY_MAY) | {room}
    rooms = {parts[1] for parts in imported if parts[0] == service}
    assert rooms <= allowed, f"{room} may import {sorted(allowed)}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_inner_rooms_know_no_door(service):
    for path in (FUNCTIONS / service).rglob("*.py"):
        room = path.relative_to(FUNCTIONS / service).with_suffix("").parts[0]
        rooms = {name.split(".")[1] for name in _imports(path) if name.startswith(f"{service}.")}
        if room not in DOORS:
            assert not rooms & DOORS, f"{path} imports a door"


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_is_pure(service):
    for path in (FUNCTIONS / service).rglob("*.py"):
        if path.relative_to(FUNCTIONS / service).with_suffix("").parts[0] != "domain":
            continue
        names = _imports(path)
        outside = {"boto3", "botocore", "pynamodb", "chalice", "stripe", "os", "time", "random", "requests"}
        assert not {name.split(".")[0] for name in names} & outside
        inside = {
            f"shared.{room}" for room in ("aws", "http", "rows", "clock", "observe", "invoke", "secrets")
        }
        assert not {".".join(name.split(".")[:2]) for name in names} & inside
        assert "now(" not in path.read_text(), "time is handed to a rule"
