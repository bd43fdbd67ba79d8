"""The changes between two API documents: operations, parameters, bodies, responses and schemas."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from infra.breaking.nodes import Node
from infra.breaking.rules import FORMS, LIMITS, ROLES, RULES

METHODS = ("get", "post", "put", "patch", "delete")
INFINITY = float("inf")
MISSING = Node(None, "", None)
Side = Literal["request", "response"]


class Change(NamedTuple):
    """A change that a rule reports, with the JSON pointer of what changed."""

    rule: str
    sentence: str
    pointer: str
    instead: str


def compare(old: Any, new: Any) -> list[Change]:
    """Return the breaks and warnings between two parsed documents; each place is reported once per rule."""
    diff = _Diff()
    diff.documents(Node(old, "", old), Node(new, "", new))
    return list(diff.changes.values())


@dataclass
class _Diff:
    changes: dict[tuple[str, str, str], Change] = field(default_factory=dict)
    seen: set[tuple[str, str, Side]] = field(default_factory=set)
    operation: str = ""

    def report(self, rule: str, pointer: str, what: str, **values: Any) -> None:
        """Record a change of `what` in the current operation."""
        place = ": ".join(part for part in (self.operation, what) if part)
        shown = {
            name: "none" if value in (None, INFINITY, -INFINITY) else value for name, value in values.items()
        }
        sentence, instead = (text.format(what=place, **shown) for text in RULES[rule][1:])
        self.changes.setdefault((rule, pointer, str(shown)), Change(rule, sentence, pointer, instead))

    def documents(self, old: Node, new: Node) -> None:
        current = {_anonymous(path): node for path, node in new.children("paths").items()}
        for path, item in old.children("paths").items():
            item_now = current.get(_anonymous(path), MISSING)
            for method in METHODS:
                if method in item.value:
                    self.operation = f"{method.upper()} {path}"
                    self._operation(item, item_now, method)
        self.operation = ""
        for name, schema in old.at("components").children("schemas").items():
            if new.at("components", "schemas", name).value is None:
                self.report("schema removed", schema.pointer, f"the schema {name}")

    def _operation(self, old_path: Node, new_path: Node, method: str) -> None:
        old, new = old_path.at(method), new_path.at(method)
        if new.value is None:
            self.report("operation removed", old.pointer, "")
            return
        names = (
            ("operation renamed", old.get("operationId"), new.get("operationId")),
            ("operation moved", _first(old.get("tags")), _first(new.get("tags"))),
        )
        for rule, was, now in names:
            if was not in (None, now):
                self.report(rule, new.pointer, "", old=was, new=now)
        was, now = old.get("x-role"), new.get("x-role")
        if was in ROLES and now in ROLES and ROLES.index(now) > ROLES.index(was):
            self.report("role raised", new.pointer, "", old=was, new=now)
        if _needs_token(new) and not _needs_token(old):
            self.report("token required", new.pointer, "")
        self._parameters(_parameters(old_path, old), _parameters(new_path, new))
        self._body(old.at("requestBody"), new.at("requestBody"), new)
        self._responses(old.at("responses"), new.at("responses"))

    def _parameters(self, old: dict[tuple[str, str], Node], new: dict[tuple[str, str], Node]) -> None:
        for key in old | new:
            what = f"the {key[0]} parameter {key[1]}"
            was, now = old.get(key, MISSING), new.get(key, MISSING)
            if now.value is None:
                self.report("parameter removed", was.place, what)
            elif now.get("required") and not was.get("required"):
                self.report("parameter required", now.place, what)
            elif was.value is not None:
                self._schema(was.at("schema"), now.at("schema"), "request", what)

    def _body(self, old: Node, new: Node, operation: Node) -> None:
        what = "the request body"
        if old.value is not None and new.value is None:
            self.report("body removed", operation.pointer, what)
        if new.get("required") and not old.get("required"):
            self.report("body required", new.place, what)
        if old.value is not None and new.value is not None:
            self._content(old, new, "request", what)

    def _responses(self, old: Node, new: Node) -> None:
        for status, was in old.children().items():
            now, what = new.at(status), f"the response {status}"
            if now.value is None:
                rule = "success status removed" if status.startswith("2") else "error status removed"
                self.report(rule, was.place, what)
                continue
            self._content(was, now, "response", what)
            headers = {name.lower(): header for name, header in now.children("headers").items()}
            for name, header in was.children("headers").items():
                if name.lower() not in headers:
                    self.report("header removed", header.place, f"the header {name} of {what}")
                else:
                    schemas = header.at("schema"), headers[name.lower()].at("schema")
                    self._schema(*schemas, "response", f"the header {name} of {what}")

    def _content(self, old: Node, new: Node, side: Side, what: str) -> None:
        for media_type, was in old.children("content").items():
            now = new.at("content", media_type)
            if now.value is None:
                self.report("media type removed", was.pointer, what, old=media_type)
            else:
                self._schema(was.at("schema"), now.at("schema"), side, what)

    def _schema(self, old: Node, new: Node, side: Side, what: str) -> None:
        if (old.pointer, new.pointer, side) in self.seen:
            return
        self.seen.add((old.pointer, new.pointer, side))
        was, now = old.variants(), new.variants()
        wide = was if side == "response" else now  # the side that must include the other
        for name in was if side == "request" else now:
            if not {name, "any", "number" if name == "integer" else name} & wide.keys():
                rule = "type rejected" if side == "request" else "type returned"
                self.report(rule, new.pointer, what, old=name, new=name)
        for name in was.keys() & now.keys():
            pairs, left, added = _pair(was[name], now[name])
            for one, other in pairs:
                self._alternative(one, other, side, what)
            for one in left if side == "request" else []:
                self.report("variant rejected", one.place, what)
            for one in added if side == "response" else []:
                self.report("variant returned", one.place, what)
        if side == "request" and old.get("default") not in (None, new.get("default")):
            self.report("default changed", new.pointer, what, old=old.get("default"), new=new.get("default"))

    def _alternative(self, old: Node, new: Node, side: Side, what: str) -> None:
        self._values(_values(old), _values(new), new, side, what)
        for keyword, (sign, absent) in LIMITS.items():
            was, now = (absent if node.get(keyword) is None else node.get(keyword) for node in (old, new))
            if sign * (now - was) > 0 and side == "request":
                self.report("limit narrowed", new.pointer, what, keyword=keyword, old=was, new=now)
            if sign * (now - was) < 0 and side == "response":
                self.report("limit widened", new.pointer, what, keyword=keyword, old=was, new=now)
        for keyword in FORMS:
            was, now = old.get(keyword), new.get(keyword)
            if now not in (None, False, was) and side == "request":
                self.report("form narrowed", new.pointer, what, keyword=keyword, old=was, new=now)
        if side == "response" and old.get("format") != new.get("format"):
            self.report("format changed", new.pointer, what, old=old.get("format"), new=new.get("format"))
        if old.get("items") is not None and new.get("items") is not None:
            self._schema(old.at("items"), new.at("items"), side, f"an item of {what}")
        self._fields(old, new, side, what)

    def _values(self, old: Any, new: Any, node: Node, side: Side, what: str) -> None:
        if side == "request" and old is None and new is not None:
            self.report("values restricted", node.pointer, what, new=", ".join(map(str, new)))
        elif side == "response" and old is not None and new is None:
            self.report("values opened", node.pointer, what)
        elif old is not None and new is not None:
            for value in [value for value in old if value not in new] if side == "request" else []:
                self.report("value rejected", node.pointer, what, old=value)
            for value in [value for value in new if value not in old] if side == "response" else []:
                self.report("value returned", node.pointer, what, new=value)

    def _fields(self, old: Node, new: Node, side: Side, what: str) -> None:
        was, now = old.children("properties"), new.children("properties")
        for name in was | now:
            field_ = f"the {side} field {name}"
            if name not in now:
                self.report(f"{side} field removed", was[name].place, field_)
            elif side == "request" and name in new.required() - old.required():
                self.report("request field required", now[name].place, field_)
            elif side == "response" and name in old.required() - new.required():
                self.report("response field optional", now[name].place, field_)
            if name in was and name in now:
                self._schema(was[name], now[name], side, field_)
        others = old.at("additionalProperties"), new.at("additionalProperties")
        if side == "request" and others[1].value is False and others[0].value is not False:
            self.report("other fields rejected", new.pointer, what)
        if all(isinstance(other.value, dict) for other in others):
            self._schema(*others, side, f"a member of {what}")


def _anonymous(path: str) -> str:
    """Return a path without the names of its variables."""
    return re.sub(r"{[^}]+}", "{}", path)


def _first(values: list[str] | None) -> str | None:
    return values[0] if values else None


def _needs_token(operation: Node) -> bool:
    security = operation.get("security")
    if security is None:
        security = operation.root.get("security", [])
    return bool(security) and {} not in security


def _parameters(path: Node, operation: Node) -> dict[tuple[str, str], Node]:
    """Return the parameters of a path and its operation by place and name."""
    found = {}
    for node in (path, operation):
        for index in range(len(node.get("parameters") or [])):
            parameter = node.at("parameters", index)
            found[parameter.get("in"), parameter.get("name")] = parameter
    return found


def _values(schema: Node) -> list[Any] | None:
    """Return the only values that a schema allows, or None if it does not list them."""
    if "const" in (schema.value or {}):
        return [schema.get("const")]
    values: list[Any] | None = schema.get("enum")
    return values


def _pair(old: list[Node], new: list[Node]) -> tuple[list[tuple[Node, Node]], list[Node], list[Node]]:
    """Return alternatives that belong together: by their pointer, otherwise by their order; and the rest."""
    by_pointer = {node.pointer: node for node in new}
    pairs = [(node, by_pointer[node.pointer]) for node in old if node.pointer in by_pointer]
    left = [node for node in old if node.pointer not in by_pointer]
    added = [node for node in new if node.pointer not in {node.pointer for node in old}]
    rest = list(zip(left, added, strict=False))
    return [*pairs, *rest], left[len(rest) :], added[len(rest) :]
