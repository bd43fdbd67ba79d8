"""The parameters of the public document: path variables, queries and request headers."""

from typing import Any

from infra.openapi.schemas import Schemas
from infra.openapi.texts import SIGNED

SKU = r"^[A-Za-z0-9._-]{1,64}$"


def _id(prefix: str, resource: str) -> dict[str, Any]:
    pattern = f"^{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$"  # a ULID in Crockford's alphabet
    return {"description": f"The id of the {resource}.", "schema": {"type": "string", "pattern": pattern}}


# Path variable → its parameter. A value that does not match is not found (404): ids are opaque to clients.
PATH: dict[str, dict[str, Any]] = {
    "category_id": {
        "description": "The id of the category, such as `coffee-mugs`.",
        "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
    },
    "code": {
        "description": "The coupon's code; not case-sensitive.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{3,40}$"},
    },
    "country": {
        "description": "The country (ISO 3166-1 alpha-2).",
        "schema": {"type": "string", "pattern": "^[A-Z]{2}$"},
    },
    "event_id": {
        "description": "Stripe's id of the event.",
        "schema": {"type": "string", "pattern": "^evt_[A-Za-z0-9_]{1,251}$"},
    },
    "file": {
        "description": "The name of the file.",
        "schema": {"type": "string", "pattern": "^[a-z.]{1,64}$"},
    },
    "method": {
        "description": "The shipping method, such as `standard`.",
        "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    },
    "order_id": _id("ord", "order"),
    "payment_id": _id("pay", "payment"),
    "product_id": _id("prd", "product"),
    "reconciliation_id": _id("rec", "reconciliation"),
    "return_id": _id("ret", "return"),
    "sku": {"description": "The SKU of the variant.", "schema": {"type": "string", "pattern": SKU}},
}

_KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}
_KEY_TEXT = (
    "Identifies the request, so that repeating it has no second effect: any text, new for each new request, "
    "such as a UUID."
)

# Request headers, as components.
HEADERS: dict[str, dict[str, Any]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": _KEY_TEXT,
        "schema": _KEY,
    },
    "OptionalIdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": _KEY_TEXT,
        "schema": _KEY,
    },
    "StripeSignature": {
        "name": "Stripe-Signature",
        "in": "header",
        "required": True,
        "description": "Stripe's signature of the body (https://docs.stripe.com/webhooks/signature).",
        "schema": {"type": "string", "minLength": 1, "maxLength": 2_048},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the content that you have.",
        "schema": {"type": "string", "maxLength": 1_024},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the version that you read. Another current version is 412.",
        "schema": {
            "type": "string",
            "maxLength": 22,
            "pattern": r'^(\*|(W/)?"[0-9]{1,18}")$',
        },
    },
}


def parameters(route: Any, schemas: Schemas) -> list[dict[str, Any]]:
    """Return the parameters of a route's operation."""
    from shared.http.responses import Asset

    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, **PATH[name]} for name in route.variables
    ]
    if route.query:
        found += _query(schemas.resolved(schemas.request(route.query)))
    if route.method == "POST":
        found.append(_header("IdempotencyKey" if route.required else "OptionalIdempotencyKey"))
    if "if_match" in route.hints:
        found.append(_header("IfMatch"))
    if isinstance(route.result, type) and issubclass(route.result, Asset):
        found.append(_header("IfNoneMatch"))
    if route.view.__name__ in SIGNED:
        found.append(_header("StripeSignature"))
    return found


def _query(component: dict[str, Any]) -> list[dict[str, Any]]:
    required = component.get("required", [])
    found = []
    for name, described in component["properties"].items():
        schema = {key: value for key, value in _not_null(described).items() if key != "description"}
        texts = {"description": described["description"]} if "description" in described else {}
        found.append({"name": name, "in": "query", "required": name in required, **texts, "schema": schema})
    return found


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional parameter without null, which a query string cannot express."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if not options:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**options[0], **rest} if len(options) == 1 else {"anyOf": options, **rest}


def _header(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{name}"}
