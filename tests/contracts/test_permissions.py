"""A function's role grants only what the code behind its handler can call.

The test follows the code from the handler by name: everything that a reachable function mentions is reachable
too. This finds more than what really runs (the `get` of a dict looks like that of a row), never less. The
simulator tests the other direction: it rejects calls that a role does not allow.
"""

import ast
import re
from functools import cache

import pytest

from infra.cloudformation import functions, read
from tests.support import ROOT

FUNCTIONS = functions(read(ROOT / "template.yaml"))
# Action → the methods that use it; one of them must be reachable from the handler.
CALLED_BY = {
    "dynamodb:GetItem": {"get"},
    "dynamodb:BatchGetItem": {"batch_get", "batch_get_item"},
    "dynamodb:Query": {"query"},
    "dynamodb:Scan": {"scan"},
    "dynamodb:PutItem": {"save"},
    "dynamodb:UpdateItem": {"update"},
    "dynamodb:DeleteItem": {"delete"},
    "dynamodb:ConditionCheckItem": {"condition_check"},
    "sns:Publish": {"publish_batch", "publish"},
    "sns:CheckIfPhoneNumberIsOptedOut": {"check_if_phone_number_is_opted_out"},
    "sqs:SendMessage": {"send_message", "send_message_batch"},
    "lambda:InvokeFunction": {"invoke"},
    "kms:Sign": {"sign"},
    "kms:Verify": {"verify"},
    "kms:GetPublicKey": {"get_public_key"},
    "secretsmanager:GetSecretValue": {"get_secret_value"},
    "ses:SendRawEmail": {"send_raw_email"},
    "s3:GetObject": {"get_object"},
    "s3:PutObject": {"put_object"},
}


class Module:
    """A source file: its definitions, its imports and the names that each definition mentions."""

    def __init__(self, name: str) -> None:
        path = ROOT / "functions" / name.replace(".", "/")
        file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        self.name = name
        self.tree = ast.parse(file.read_text())
        self.definitions: dict[str, set[str]] = {}
        self.imports: dict[str, str] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.definitions[node.name] = _mentions(node)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.definitions[target.id] = _mentions(node)
        for name, mentioned in [*self.definitions.items()]:
            if name.islower() and any(kind in mentioned for kind in ("Routes", "Consumers", "Commands")):
                # Decorators register the functions of the file with this object.
                self.definitions[name] = mentioned | set(self.definitions)


@cache
def _module(name: str) -> Module:
    return Module(name)


def _is_module(name: str) -> bool:
    path = ROOT / "functions" / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _mentions(node: ast.AST) -> set[str]:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {_dotted(part) for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def _dotted(node: ast.Attribute) -> str:
    return f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else f".{node.attr}"


def reachable(handler: str) -> set[str]:
    """Return the last part of every name that is mentioned in code reachable from the handler."""
    module, _, attribute = handler.rpartition(".")
    seen: set[tuple[str, str]] = set()
    called: set[str] = set()
    pending = [(module, attribute)]
    while pending:
        place = pending.pop()
        if place in seen:
            continue
        seen.add(place)
        here = _module(place[0])
        for mention in here.definitions.get(place[1], set()):
            first, _, last = mention.partition(".")
            called.add(last or first)
            pending += _targets(here, first, last)
    return called


def _targets(here: Module, first: str, last: str) -> list[tuple[str, str]]:
    if first in here.definitions:
        return [(here.name, first)]
    full = here.imports.get(first, "")
    if _is_module(full):
        inner = _module(full)
        if last not in inner.definitions:
            return [(full, name) for name in inner.definitions]
        return [(full, last)]
    module, _, name = full.rpartition(".")
    if not _is_module(module):
        return []
    return [(module, name)]


def _actions(name: str) -> set[str]:
    found: set[str] = set()
    for policy in FUNCTIONS[name].get("Policies", []):
        for statement in policy["Statement"]:
            action = statement["Action"]
            found |= {action} if isinstance(action, str) else set(action)
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_grants_only_what_its_code_calls(name):
    called = reachable(FUNCTIONS[name]["Handler"])
    for action in _actions(name):
        assert action in CALLED_BY, f"{name}: add the methods that use {action} to CALLED_BY"
        assert CALLED_BY[action] & called, f"{name} may {action}, but no reachable code does"


def test_the_code_is_followed_from_the_handler():
    assert "save" in reachable("cart.app.consume")
    assert "invoke" in reachable("cart.app.api")
    assert "publish_batch" not in reachable("cart.app.consume")
    assert re.search(r"\w", " ".join(reachable("root.app.api")))
