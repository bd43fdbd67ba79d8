"""Kinds of attributes besides those of PynamoDB."""

import json
from typing import Any

from pynamodb.attributes import JSONAttribute


class JsonAttribute(JSONAttribute):
    """Compact JSON in UTF-8. PynamoDB's own escapes every character beyond ASCII as six bytes, which makes
    rows larger, and a row can have only 400 KB."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
