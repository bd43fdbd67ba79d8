"""Decoding of Stripe's bracket notation: `card[number]=…&expand[0]=…`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from localstack.stripe.errors import invalid

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_MAX_DEPTH = 8

Form = dict[str, Any]


def decode(text: str) -> Form:
    """Decode `a[b]=1&c[]=2` to `{"a": {"b": "1"}, "c": {"0": "2"}}`; list items are keyed by index."""
    form: Form = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        _place(form, key, value)
    return form


def _place(form: Form, key: str, value: str) -> None:
    match = _KEY.fullmatch(key)
    path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
    if not path or len(path) > _MAX_DEPTH:
        raise invalid(f"Invalid parameter name: {key[:80]}", param=key[:80])
    here = form
    for part in path[:-1]:
        here = here.setdefault(part or str(len(here)), {})
        if not isinstance(here, dict):
            raise invalid(f"Parameter {key[:80]} is both a value and a hash.", param=path[0])
    last = path[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise invalid(f"Parameter {key[:80]} is both a value and a hash.", param=path[0])
    here[last] = value
