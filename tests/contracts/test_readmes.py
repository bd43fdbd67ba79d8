"""The services' READMEs and the code agree: sections, routes, events, commands and settings."""

import ast
import importlib
import re
from collections.abc import Iterable
from fnmatch import fnmatch

import pytest

from infra.cloudformation import read
from infra.openapi.declared import routes
from shared.contracts.events.published import PUBLISHED_BY
from tests.support import ROOT, SERVICES

FUNCTIONS = ROOT / "functions"
SECTIONS = [
    "Owns",
    "Routes",
    "Publishes",
    "Subscribes to",
    "Serves",
    "How it works",
    "Tables",
    "Settings",
    "If the process dies",
]
PACKAGES = (*SERVICES, "root", "orders/invoicing")
WITH_COMMANDS = [name for name in PACKAGES if (FUNCTIONS / name / "commands.py").exists()]


def sections(text: str) -> dict[str, str]:
    """Return the text of each section by its heading, in their order."""
    return dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))


def section(package: str, heading: str) -> str:
    return sections((FUNCTIONS / package / "README.md").read_text())[heading]


def missing(words: Iterable[str], text: str) -> set[str]:
    """Return the words that are in no code span of the text; a span such as `payment.*` covers many."""
    spans = [word for span in re.findall(r"`([^`]+)`", text) for word in re.split(r"[\s,?(]+", span)]
    return {word for word in words if not any(fnmatch(word, span) for span in spans)}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_sections_are_the_same_in_every_service(package):
    assert list(sections((FUNCTIONS / package / "README.md").read_text())) == SECTIONS


@pytest.mark.parametrize("service", (*SERVICES, "root"))
def test_every_route_of_a_service_is_listed(service):
    paths = {route.path for function, route in routes() if function.startswith(service.capitalize())}
    assert paths
    assert missing(paths, section(service, "Routes")) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_published_event_is_listed(service):
    published = {kind.event_type() for kind in PUBLISHED_BY.get(service, ())}
    assert missing(published, section(service, "Publishes")) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_subscribed_event_is_listed(service):
    subscribed = {
        kind
        for resource in read(ROOT / "template.yaml")["Resources"].values()
        if resource["Type"] == "AWS::SNS::Subscription"
        and f"{service.capitalize()}.Outputs" in str(resource["Properties"]["Endpoint"])
        for kind in resource["Properties"]["FilterPolicy"]["type"]
    }
    assert missing(subscribed, section(service, "Subscribes to")) == set()


@pytest.mark.parametrize("package", WITH_COMMANDS)
def test_every_command_is_listed(package):
    module = importlib.import_module(f"{package.replace('/', '.')}.commands")
    assert missing(module.commands.handlers, section(package, "Serves")) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_setting_is_listed(package):
    tree = ast.parse((FUNCTIONS / package / "settings.py").read_text())
    fields = {
        node.target.id.upper()
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert fields
    assert missing(fields, section(package, "Settings")) == set()


def test_planted_words_without_a_span_are_found():
    text = "`GET`, `PUT /orders/{id}` and `payment.*`; order.paid"
    assert missing({"/orders/{id}", "payment.failed", "order.paid", "/orders"}, text) == {
        "order.paid",
        "/orders",
    }
