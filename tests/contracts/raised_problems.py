"""The problems that a function can raise, found by following the code from name to name.

Every mention of a function counts as a call, and every construction of a problem as its raise. A method of an
unknown object counts as each method of that name in the service and in `shared`. The result may therefore be
larger than what really runs, but problems that an `except` clause catches are subtracted. A rejected command
has the problems of its handler in the other service.
"""

import ast
import builtins
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias, get_type_hints

from shared.contracts.commands import Command
from shared.contracts.problems import ForwardedProblem
from shared.errors import Problem
from shared.messaging.rpc import CommandRejected, Commands
from tests.support import SERVICES

Token: TypeAlias = Any  # the class of a problem, or of a command: it stands for its rejection
Place = tuple[str, str]  # module, qualified name
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Block:
    """What a piece of code raises itself, which functions it calls, and its inner `try` statements."""

    raises: set[Token] = field(default_factory=set)
    calls: set[Place] = field(default_factory=set)
    tries: list["Try"] = field(default_factory=list)


@dataclass
class Try:
    body: Block
    handlers: list[tuple[tuple[type[BaseException], ...], Block, bool]]  # caught, body, raises it again
    rest: Block
    commands: set[Token]  # that the surrounding function sends


class Service:
    """The functions of one service and of `shared`."""

    def __init__(self, name: str) -> None:
        self.modules = {module.__name__: module for package in (name, "shared") for module in _load(package)}
        self.methods: dict[str, set[Place]] = {}
        self.nodes: dict[Place, FunctionNode] = {}
        for module in self.modules.values():
            for qualified, node in _functions(_tree(module)):
                self.nodes[module.__name__, qualified] = node
                if "." in qualified:
                    name = qualified.rpartition(".")[2]
                    self.methods.setdefault(name, set()).add((module.__name__, qualified))
        self.blocks = {place: Analysis(self, place, node).block for place, node in self.nodes.items()}
        self.raised = self._solve()

    def of(self, function: Any) -> set[Token]:
        """Return the problems that the function can raise."""
        return self.raised[function.__module__, function.__qualname__]

    def _solve(self) -> dict[Place, set[Token]]:
        raised: dict[Place, set[Token]] = {place: set() for place in self.blocks}
        changed = True
        while changed:
            changed = False
            for place, block in self.blocks.items():
                found = _evaluate(block, raised)
                if found != raised[place]:
                    raised[place], changed = found, True
        return raised


def _evaluate(block: Block, raised: dict[Place, set[Token]]) -> set[Token]:
    found = block.raises.union(*(raised.get(place, set()) for place in block.calls))
    for attempt in block.tries:
        pending = _evaluate(attempt.body, raised)
        for kinds, body, again in attempt.handlers:
            caught = {token for token in pending if _catches(kinds, token)}
            pending -= caught
            found |= _evaluate(body, raised) | (caught if again else set())
            if ForwardedProblem in body.raises and CommandRejected in kinds:
                for command in attempt.commands:
                    found |= rejections(command)
        found |= pending | _evaluate(attempt.rest, raised)
    return found


def _catches(kinds: tuple[type[BaseException], ...], token: Token) -> bool:
    return issubclass(CommandRejected if issubclass(token, Command) else token, kinds)


@cache
def service(name: str) -> Service:
    return Service(name)


@cache
def rejections(command: Token) -> frozenset[Token]:
    """Return the problems with which the service that handles the command rejects it."""
    for name in SERVICES:
        for registry in _registries(name):
            kind, function = registry.handlers.get(command.command, (None, None))
            if kind is command:
                raised = service(name).of(function)
                return frozenset(each for each in raised if issubclass(each, Problem) and each.status < 500)
    raise LookupError(f"no service handles {command.__name__}")


def _registries(name: str) -> list[Commands]:
    return [value for module in _load(name) for value in vars(module).values() if isinstance(value, Commands)]


class Analysis:
    """Reads one function. Names are resolved with the real module, so imports cost no work of their own."""

    def __init__(self, service: Service, place: Place, node: FunctionNode) -> None:
        self.service, self.node = service, node
        self.module = service.modules[place[0]]
        self.owner = place[1].rpartition(".")[0]
        self.types = self._types_of_arguments(place[1])
        self.block = Block()
        sent = [self._resolve(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)]
        self.commands = {kind for kind in sent if isinstance(kind, type) and issubclass(kind, Command)}
        # Without the arguments of decorators: those of a route name the problems that it declares.
        decorators = [part.func if isinstance(part, ast.Call) else part for part in node.decorator_list]
        for part in [*decorators, *node.args.defaults, *node.body]:
            self._read(part, self.block)

    def _types_of_arguments(self, qualified: str) -> dict[str, Any]:
        owner: Any = self.module
        for part in qualified.split("."):
            owner, found = getattr(owner, part, None), owner
        owner = inspect.unwrap(owner) if callable(owner) else owner
        owner = getattr(owner, "__func__", getattr(owner, "fget", owner))
        try:
            hints = get_type_hints(owner)
        except (TypeError, NameError):
            hints = {}
        hints = {name: hint for name, hint in hints.items() if isinstance(hint, type)}
        if self.owner and self.node.args.args:
            hints[self.node.args.args[0].arg] = found  # self or cls
        return hints

    def _read(self, node: ast.AST, block: Block) -> None:
        if isinstance(node, ast.Try):
            self._read_try(node, block)
        elif isinstance(node, ast.Name):
            self._mention(self._resolve(node), block)
        elif isinstance(node, ast.Attribute):
            self._read_attribute(node, block)
        elif isinstance(node, ast.AnnAssign):
            self._read(node.value or ast.Pass(), block)
        elif isinstance(node, ast.Call) and self._is_type_check(node):
            self._read(node.args[0], block)
        else:
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, ast.arguments | ast.expr_context):
                    self._read(child, block)

    def _is_type_check(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass")

    def _read_try(self, node: ast.Try, block: Block) -> None:
        attempt = Try(Block(), [], Block(), self.commands)
        for part in node.body:
            self._read(part, attempt.body)
        for handler in node.handlers:
            body = Block()
            for part in handler.body:
                self._read(part, body)
            attempt.handlers.append((self._caught(handler.type), body, _raises_again(handler)))
        for part in [*node.orelse, *node.finalbody]:
            self._read(part, attempt.rest)
        block.tries.append(attempt)

    def _caught(self, node: ast.expr | None) -> tuple[type[BaseException], ...]:
        parts = node.elts if isinstance(node, ast.Tuple) else [node] if node else []
        found = [self._resolve(part) for part in parts]
        kinds = tuple(kind for kind in found if isinstance(kind, type))
        return kinds if parts else (BaseException,)

    def _read_attribute(self, node: ast.Attribute, block: Block) -> None:
        found = self._resolve(node)
        if found is not None:
            self._mention(found, block)
            return
        self._read(node.value, block)
        if isinstance(node.value, ast.Subscript) and isinstance(node.value.slice, ast.Constant):
            return  # a part of a JSON document or of a response from AWS
        kind = self._type_of(node.value)
        if kind is None:
            block.calls |= self.service.methods.get(node.attr, set())
        else:
            self._mention(inspect.getattr_static(kind, node.attr, None), block)

    def _type_of(self, node: ast.expr) -> Any:
        """Return the class of an argument or of a module's object; None if it is not known."""
        if isinstance(node, ast.Name):
            if node.id in self.types:
                return self.types[node.id]
            if not hasattr(self.module, node.id):
                return None
        if isinstance(node, ast.Call) and isinstance(found := self._resolve(node.func), type):
            return found
        value = self._resolve(node)
        if value is None or isinstance(value, ModuleType):
            return None
        return value if isinstance(value, type) else type(value)

    def _resolve(self, node: ast.expr) -> Any:
        """Return the object that a dotted name of the module denotes; None for local names."""
        if isinstance(node, ast.Name):
            if node.id in self.types:
                return None
            return getattr(self.module, node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            owner = self._resolve(node.value)
            if isinstance(owner, ModuleType | type):
                return getattr(owner, node.attr, None)
        return None

    def _mention(self, found: Any, block: Block) -> None:
        if isinstance(found, type):
            if issubclass(found, Problem | Command):
                block.raises.add(found)
            for name in vars(found):
                if name in ("__init__", "__post_init__") or _is_validator(found, name):
                    block.calls.add((found.__module__, f"{found.__qualname__}.{name}"))
            return
        found = getattr(found, "__func__", getattr(found, "fget", found))
        if callable(found):
            found = inspect.unwrap(found)
            block.calls.add((getattr(found, "__module__", ""), getattr(found, "__qualname__", "")))


def _is_validator(kind: type, name: str) -> bool:
    decorators: Any = getattr(kind, "__pydantic_decorators__", None)
    return decorators and (name in decorators.field_validators or name in decorators.model_validators)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    raised = [node.exc for part in handler.body for node in ast.walk(part) if isinstance(node, ast.Raise)]
    return any(exc is None or (isinstance(exc, ast.Name) and exc.id == handler.name) for exc in raised)


@cache
def _load(package: str) -> tuple[ModuleType, ...]:
    root = importlib.import_module(package)
    names = [module.name for module in pkgutil.walk_packages(root.__path__, f"{package}.")]
    return (root, *(importlib.import_module(name) for name in names))


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module) or "")


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, FunctionNode]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FunctionNode):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
