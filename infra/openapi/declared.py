"""The routes of the API, read from the handlers of template.yaml.

Every function whose handler is an `Api` contributes its own routes, so none can be forgotten.
"""

import importlib
import os
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra.cloudformation import environment, functions, read

ROOT = Path(__file__).parent.parent.parent
METHODS = ("get", "post", "put", "patch", "delete")


@cache
def routes() -> list[tuple[str, Any]]:
    """Return (logical id, Route) for every route of every API function."""
    from shared.http.api import Api
    from shared.runtime.settings import Settings

    template = read(ROOT / "template.yaml")
    found = []
    with patch.dict(os.environ):  # the defaults that replace a deployment are set for this block only
        for name, properties in functions(template).items():
            for variable, value in environment(template, properties).items():
                os.environ.setdefault(variable, value)
            module, _, attribute = properties["Handler"].rpartition(".")
            handler = getattr(importlib.import_module(module), attribute)
            if isinstance(handler, Api):
                found += [(name, route) for route in handler.declared]
    Settings.load.cache_clear()  # some modules read their settings on import
    return sorted(found, key=lambda pair: (pair[1].path, METHODS.index(pair[1].method.lower())))
