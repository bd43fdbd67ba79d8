"""Validation of parameters against the pinned SDK's types."""

import json
import re
from pathlib import Path
from typing import Any

from localstack.stripe.errors import StripeError, invalid

_TABLE = json.loads(Path(__file__).with_name("parameters.json").read_text(encoding="utf-8"))
API_VERSION: str = _TABLE["api_version"]
_SHAPES: dict[str, dict[str, str]] = _TABLE["shapes"]
_ENUMS: dict[str, frozenset[str]] = {name: frozenset(values) for name, values in _TABLE["enums"].items()}


def check(shape: str, form: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return the form with typed values. Raises a 400 if a parameter is unknown, missing or malformed."""
    fields = _SHAPES[shape.rpartition(".")[2]]
    if unknown := [name for name in form if name not in fields]:
        where = _join(path, unknown[0])
        raise invalid(f"Received unknown parameter: {where}", code="parameter_unknown", param=where)
    for name, kinds in fields.items():
        if kinds.startswith("!") and name not in form:
            where = _join(path, name)
            raise invalid(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return {
        name: _any_kind(fields[name].lstrip("!"), value, _join(path, name)) for name, value in form.items()
    }


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _any_kind(kinds: str, value: Any, path: str) -> Any:
    """Return the value as the first kind that accepts it. Raises the most specific error if none does."""
    choices = kinds.split("|")
    if value == "" and "unset" not in choices and "any" not in choices:
        raise invalid(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a"
            f" parameter; however '{path}' cannot be unset.",
            code="parameter_invalid_empty",
            param=path,
        )
    best_error: StripeError | None = None
    for kind in choices:
        try:
            return _kind(kind, value, path)
        except StripeError as error:
            # An error about a nested parameter is more specific than "not a list".
            if best_error is None or str(error.fields.get("param")) != path:
                best_error = error
    raise best_error or invalid(f"Invalid {path}", param=path)


def _kind(kind: str, value: Any, path: str) -> Any:
    if kind == "any":
        return value
    if kind.startswith("[]"):
        return _list(kind[2:], value, path)
    if kind == "map" or kind[0] in "@{":
        return _hash(kind, value, path)
    if isinstance(value, dict):
        raise invalid(f"Invalid {kind.lstrip('#@')}: {path} is a hash", param=path)
    return _leaf(kind, value, path)


def _list(kind: str, value: Any, path: str) -> list[Any]:
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise invalid("Invalid array", param=path)
    return [_any_kind(kind, value[key], _join(path, key)) for key in sorted(value, key=int)]


def _hash(kind: str, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=path)
    if kind.startswith("@"):
        return check(kind[1:], value, path)
    if kind.startswith("{}"):
        return {key: _any_kind(kind[2:], item, _join(path, key)) for key, item in value.items()}
    if any(isinstance(item, dict) for item in value.values()):
        raise invalid("Invalid string: a hash", param=path)
    return _bounded(value, path)


def _bounded(metadata: dict[str, str], path: str) -> dict[str, str]:
    """Return the metadata. Raises a 400 above Stripe's limits: 50 keys of 40 characters, values of 500."""
    if len(metadata) > 50:
        raise invalid("You may only specify up to 50 metadata keys.", param=path)
    for key, value in metadata.items():
        if len(key) > 40 or len(value) > 500:
            raise invalid("Metadata keys have up to 40 characters, values up to 500.", param=_join(path, key))
    return metadata


def _leaf(kind: str, value: str, path: str) -> Any:
    if kind == "unset" and value == "":
        return ""
    if kind == "integer":
        if re.fullmatch(r"-?\d{1,15}", value):
            return int(value)
        raise invalid(f"Invalid integer: {value[:40]}", code="parameter_invalid_integer", param=path)
    if kind in ("number", "decimal"):
        if re.fullmatch(r"-?\d{1,15}(\.\d{1,12})?", value):
            return value if kind == "decimal" else float(value)
        raise invalid(f"Invalid decimal: {value[:40]}", param=path)
    if kind == "boolean":
        if value in ("true", "false"):
            return value == "true"
        raise invalid(f"Invalid boolean: {value[:40]}", param=path)
    if kind.startswith("#"):
        if value in _ENUMS[kind[1:]]:
            return value
        known = ", ".join(sorted(_ENUMS[kind[1:]])[:12])
        raise invalid(f"Invalid {path}: must be one of {known}", param=path)
    if kind == "string":
        if len(value) <= 5000:
            return value
        raise invalid(
            f"Invalid string: longer than 5000 characters: {path}",
            code="parameter_invalid_string",
            param=path,
        )
    raise invalid(f"Invalid {path}", param=path)
