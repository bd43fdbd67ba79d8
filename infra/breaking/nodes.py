"""A part of an OpenAPI document that knows its JSON pointer and follows references."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Node:
    """A part of a document. Its value is None if the document has no such part.

    `place` is the JSON pointer that led to it; `pointer` is the same or, behind a reference, its target.
    """

    root: Any
    pointer: str
    value: Any
    place: str = ""

    def at(self, *keys: str | int) -> "Node":
        """Return the part under the keys, behind any references."""
        node = self
        for key in keys:
            step = str(key).replace("~", "~0").replace("/", "~1")
            place = f"{node.pointer}/{step}"
            node = Node(self.root, place, _inner(node.value, key), place)._followed()
        return node

    def get(self, key: str) -> Any:
        """Return the value under a key, or None; a schema's `allOf` counts as part of the schema."""
        return next((part.value[key] for part in self._parts() if key in part.value), None)

    def children(self, key: str = "") -> dict[str, "Node"]:
        """Return the members of an object, or of the object under a key, by name."""
        if not key:
            return {name: self.at(name) for name in self.value or {}}
        parts = reversed(self._parts())
        return {name: child for part in parts for name, child in part.at(key).children().items()}

    def required(self) -> set[str]:
        """Return the names of a schema's required fields."""
        return {name for part in self._parts() for name in part.value.get("required", [])}

    def variants(self) -> dict[str, list["Node"]]:
        """Return a schema's alternatives by JSON type; a schema that names no type has the type `any`."""
        found: dict[str, list[Node]] = {}
        for keyword in ("anyOf", "oneOf"):
            for index in range(len(self.get(keyword) or [])):
                for name, nodes in self.at(keyword, index).variants().items():
                    found.setdefault(name, []).extend(nodes)
        names = self.get("type") or "any"
        return found or {name: [self] for name in ([names] if isinstance(names, str) else names)}

    def _parts(self) -> list["Node"]:
        if not isinstance(self.value, dict):
            return []
        members = range(len(self.value.get("allOf", [])))
        return [self, *(part for index in members for part in self.at("allOf", index)._parts())]

    def _followed(self) -> "Node":
        if not isinstance(self.value, dict) or "$ref" not in self.value:
            return self
        steps = self.value["$ref"].removeprefix("#/").split("/")
        keys = [step.replace("~1", "/").replace("~0", "~") for step in steps]
        return replace(Node(self.root, "", self.root).at(*keys), place=self.place)


def _inner(value: Any, key: str | int) -> Any:
    if isinstance(value, list):
        return value[int(key)]
    return value.get(key) if isinstance(value, dict) else None
