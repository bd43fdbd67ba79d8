"""HTTP in: routes that parse by annotation, check the role, do once what must be done once, and present.

A view says by its annotations what it needs: `caller: Caller`, path variables by name, `query:` and `body:`
pydantic models, `if_match: int | None`, `once: Key` (the request's idempotency key, for a use case that
claims it itself), `key: Key` (the same, claimed already, for an effect that remembers it), `request: Raw`
(bytes and headers as they came). What it returns is presented: a model as JSON with an ETag where it has a
version, None as 204, an `Answer` as it is.
"""

from shared.http.api import EXPOSED, Api, refusal
from shared.http.reading import JSON
from shared.http.routing import Body, Html, Raw, Replayed, Routes, View

__all__ = ["EXPOSED", "JSON", "Api", "Body", "Html", "Raw", "Replayed", "Routes", "View", "refusal"]
