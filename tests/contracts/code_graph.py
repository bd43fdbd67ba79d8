"""The functions of a service: the functions that each calls, the names it mentions, the problems it raises.

Every mention of a function counts as a call, and every construction of a problem as its raise. Names are
resolved with the loaded modules. A method of an unknown object counts as each method of that name in the
service and in `shared`, so the result may be larger than what really runs.
"""

import ast
import builtins
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias, get_type_hints

from shared.contracts.commands.base import Command
from shared.errors import Problem
from shared.http.routing import Routes
from shared.messaging.consumers import Consumers
from shared.messaging.rpc import Commands

Token: TypeAlias = Any  # the class of a problem, or of a command: it stands for its rejection
Place = tuple[str, str]  # module, qualified name
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Node = FunctionNode | ast.Assign | ast.AnnAssign


@dataclass
class Block:
    """What a piece of code mentions, raises and calls itself, and its inner `try` statements."""

    names: set[str] = field(default_factory=set)
    raises: set[Token] = field(default_factory=set)
    calls: set[Place] = field(default_factory=set)
    tries: list["Try"] = field(default_factory=list)


@dataclass
class Try:
    body: Block
    handlers: list[tuple[tuple[type[BaseException], ...], Block, bool]]  # caught, body, raises it again
    rest: Block
    commands: set[Token]  # that the surrounding function sends


class CodeGraph:
    """The code of one service and of `shared`: `blocks` has its functions, and the objects of its modules."""

    def __init__(self, name: str) -> None:
        self.modules = {module.__name__: module for package in (name, "shared") for module in load(package)}
        self.methods: dict[str, set[Place]] = {}
        self.assigned: dict[int, Place] = {}  # by the id of the object
        nodes: dict[Place, Node] = {}
        for module in self.modules.values():
            tree = ast.parse(inspect.getsource(module) or "")
            for qualified, node in _functions(tree):
                nodes[module.__name__, qualified] = node
                if "." in qualified:
                    method = qualified.rpartition(".")[2]
                    self.methods.setdefault(method, set()).add((module.__name__, qualified))
            for target, statement in _assignments(tree):
                nodes[module.__name__, target] = statement
                value = getattr(module, target, None)
                if value and not isinstance(
                    value, type | int | str
                ):  # those may be the same object elsewhere
                    self.assigned[id(value)] = (module.__name__, target)
        self.blocks = {place: Analysis(self, place, node).block for place, node in nodes.items()}

    def reachable(self, start: Place) -> set[str]:
        """Return every name that is mentioned in code which runs from this function or object."""
        seen: set[Place] = set()
        names: set[str] = set()
        pending = [start]
        while pending:
            place = pending.pop()
            if place not in seen and place in self.blocks:
                seen.add(place)
                for block in _parts(self.blocks[place]):
                    names |= block.names
                    pending += block.calls
        return names


@cache
def code_graph(service: str) -> CodeGraph:
    return CodeGraph(service)


def _parts(block: Block) -> Iterator[Block]:
    yield block
    for attempt in block.tries:
        for part in (attempt.body, attempt.rest, *(body for _, body, _ in attempt.handlers)):
            yield from _parts(part)


class Analysis:
    """Reads one function, or the assignment of one object."""

    def __init__(self, graph: CodeGraph, place: Place, node: Node) -> None:
        self.graph, self.node = graph, node
        self.module = graph.modules[place[0]]
        self.types: dict[str, Any] = {}
        self.block = Block()
        if isinstance(node, FunctionNode):
            self.types = self._types_of_arguments(place[1], node)
        sent = [self._resolve(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)]
        self.commands = {kind for kind in sent if isinstance(kind, type) and issubclass(kind, Command)}
        for part in self._code(place[1]):
            self._read(part, self.block)

    def _code(self, name: str) -> list[ast.AST]:
        if isinstance(self.node, FunctionNode):
            # Decorators with arguments only register the function; a route's name the problems it declares.
            decorators = [part for part in self.node.decorator_list if not isinstance(part, ast.Call)]
            return [*decorators, *self.node.args.defaults, *self.node.body]
        for function in _registered(getattr(self.module, name, None)):
            self._mention(function, self.block)
        return [self.node.value or ast.Pass()]

    def _types_of_arguments(self, qualified: str, node: FunctionNode) -> dict[str, Any]:
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
        if "." in qualified and node.args.args:
            hints[node.args.args[0].arg] = found  # self or cls
        return hints

    def _read(self, node: ast.AST, block: Block) -> None:
        if isinstance(node, ast.Try):
            self._read_try(node, block)
        elif isinstance(node, ast.Name):
            block.names.add(node.id)
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
        block.names.add(node.attr)
        found = self._resolve(node)
        if found is not None:
            self._mention(found, block)
            return
        self._read(node.value, block)
        if isinstance(node.value, ast.Subscript) and isinstance(node.value.slice, ast.Constant):
            return  # a part of a JSON document or of a response from AWS
        kind = self._type_of(node.value)
        if kind is None:
            block.calls |= self.graph.methods.get(node.attr, set())
        else:
            self._mention(inspect.getattr_static(kind, node.attr, None), block)
            for derived in _subclasses(kind):
                self._mention(vars(derived).get(node.attr), block)

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
        if id(found) in self.graph.assigned:
            block.calls.add(self.graph.assigned[id(found)])
        found = getattr(found, "__func__", getattr(found, "fget", found))
        if callable(found):
            found = inspect.unwrap(found)
            block.calls.add((getattr(found, "__module__", ""), getattr(found, "__qualname__", "")))


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    found: list[type[Any]] = type.__subclasses__(kind)
    for derived in found:
        yield derived
        yield from _subclasses(derived)


def _is_validator(kind: type, name: str) -> bool:
    decorators: Any = getattr(kind, "__pydantic_decorators__", None)
    return decorators and (name in decorators.field_validators or name in decorators.model_validators)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    raised = [node.exc for part in handler.body for node in ast.walk(part) if isinstance(node, ast.Raise)]
    return any(exc is None or (isinstance(exc, ast.Name) and exc.id == handler.name) for exc in raised)


def _registered(found: Any) -> list[Callable[..., Any]]:
    """Return the functions that decorators have registered with this object."""
    if isinstance(found, Routes):
        return [route.view for route in found.declared]
    table = found.handlers if isinstance(found, Commands | Consumers) else {}
    return [function for _, function in table.values()]


@cache
def load(package: str) -> tuple[ModuleType, ...]:
    """Return all modules of the package."""
    root = importlib.import_module(package)
    names = [module.name for module in pkgutil.walk_packages(root.__path__, f"{package}.")]
    return (root, *(importlib.import_module(name) for name in names))


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, FunctionNode]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FunctionNode):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, node
