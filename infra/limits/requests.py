"""The limits of request fields: lengths, ranges, counts and patterns, from the models of the routes."""

from collections.abc import Iterator, Mapping
from typing import Any

MAX_PATTERN = 60  # characters; a longer pattern is in the API document only


def rows(models: Mapping[str, type[Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield (model, fields, limit) for the fields that have a limit; fields of one limit share a row."""
    schemas: dict[str, Any] = {}
    for name, model in sorted(models.items()):
        schema = model.model_json_schema()
        schemas |= {name: schema, **schema.get("$defs", {})}
    for name, schema in sorted(schemas.items()):
        fields: dict[str, list[str]] = {}
        for field, described in schema.get("properties", {}).items():
            if limit := describe(described):
                fields.setdefault(limit, []).append(f"`{field}`")
        yield from ((name, ", ".join(names), limit) for limit, names in fields.items())


def describe(schema: Mapping[str, Any]) -> str:
    """Return the limits of a field in words; empty if it has none."""
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    if options:
        return "; or ".join(dict.fromkeys(filter(None, map(describe, options))))
    parts = [
        _range(schema, "minLength", "maxLength", "characters"),
        _range(schema, "minimum", "maximum", ""),
        _range(schema, "exclusiveMinimum", "exclusiveMaximum", "exclusive"),
        _range(schema, "minItems", "maxItems", "items"),
        _range(schema, "minProperties", "maxProperties", "entries"),
    ]
    pattern = schema.get("pattern", "")
    if pattern and len(pattern) <= MAX_PATTERN:
        parts.append(f"`{pattern}`")
    inner = schema.get("items") or schema.get("additionalProperties")
    if isinstance(inner, dict) and (limit := describe(inner)):
        parts.append(f"each {limit}")
    if isinstance(schema.get("default"), int) and not isinstance(schema["default"], bool):
        parts.append(f"default {schema['default']}")
    return ", ".join(filter(None, parts))


def _range(schema: Mapping[str, Any], low: str, high: str, unit: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is None and most is None:
        return ""
    if most is None:
        return f"at least {least:,} {unit}".strip()
    if least is None:
        return f"at most {most:,} {unit}".strip()
    return f"{least:,} {unit}".strip() if least == most else f"{least:,}–{most:,} {unit}".strip()
