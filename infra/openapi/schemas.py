"""The schemas of the public document: one pass over all models of requests, queries and responses."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import CoreRef, GenerateJsonSchema, models_json_schema

REF = "#/components/schemas/"
REF_TEMPLATE = REF + "{model}"

# Names that are unclear outside their module. The keys are import paths.
NAMES = {
    "cart.domain.carts.Change": "CartItemChange",
    "cart.domain.promotions.Kind": "CouponKind",
    "cart.domain.promotions.Reason": "CouponReason",
    "cart.domain.shipping.Rate": "ShippingRate",
    "cart.schemas.OfferView": "ShippingOffer",
    "catalog.schemas.ImageView": "ProductImage",
    "notify.domain.messages.Category": "NotificationCategory",
    "notify.domain.messages.Channel": "NotificationChannel",
    "notify.domain.outcomes.Status": "NotificationStatus",
    "notify.schemas.ChoiceView": "ChannelPreferences",
    "notify.schemas.PreferencesView": "NotificationPreferences",
    "notify.schemas.QueuedView": "QueuedNotification",
    "notify.schemas.StatusChangeView": "NotificationStatusChange",
    "orders.domain.transitions.ReturnStatus": "ReturnStatus",
    "orders.domain.transitions.Status": "OrderStatus",
    "orders.schemas.responses.EntryView": "TimelineEntry",
    "payments.domain.inbox.EventStatus": "StripeEventStatus",
    "payments.domain.ledger.Account": "LedgerAccount",
    "payments.domain.payments.Status": "PaymentStatus",
    "payments.domain.reconciliation.differences.Kind": "DifferenceKind",
    "payments.domain.reconciliation.differences.Repair": "DifferenceRepair",
    "payments.domain.reconciliation.runs.RunStatus": "ReconciliationStatus",
    "payments.domain.stripe_objects.Method": "PaymentMethod",
    "payments.schemas.responses.FindingView": "Difference",
    "payments.schemas.responses.WebhookView": "StripeEvent",
    "shared.contracts.quotes.QuotedLine": "QuoteLine",
    "users.schemas.KeyView": "PublicKey",
    "users.schemas.KeysView": "PublicKeys",
}


class PublicSchemas(GenerateJsonSchema):
    """Schemas with public names, without titles of fields; every field of a response is required, because
    responses contain fields that have their default."""

    def get_defs_ref(self, core_mode_ref: Any) -> Any:
        reference, mode = core_mode_ref
        return super().get_defs_ref((CoreRef(_public_reference(reference)), mode))

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


class Schemas:
    """The components of the models of these (model, mode) pairs, and references to them."""

    def __init__(self, modes: list[tuple[type[BaseModel], Any]]) -> None:
        references, document = models_json_schema(
            modes, ref_template=REF_TEMPLATE, schema_generator=PublicSchemas
        )
        names = {name: _public_name(name) for name in document.get("$defs", {})}
        if len({*names.values()}) < len(names):
            raise ValueError(f"Two schemas have one name; add one to NAMES: {sorted(names)}.")
        renamed = {REF + name: REF + public for name, public in names.items()}
        self.components: dict[str, Any] = {
            names[name]: _renamed(schema, renamed) | {"title": names[name]}
            for name, schema in sorted(document.get("$defs", {}).items())
        }
        self._references = {key: _renamed(schema, renamed) for key, schema in references.items()}

    def reference(self, model: type[BaseModel], mode: str) -> dict[str, Any]:
        """Return the reference to a model's component."""
        found: dict[str, Any] = self._references[model, mode]  # type: ignore[index]
        return found

    def properties(self, query: type[BaseModel]) -> dict[str, tuple[dict[str, Any], bool]]:
        """Return a query's parameters: name → schema, and whether it is required."""
        component = self.components[_name_of(self.reference(query, "validation"))]
        required = component.get("required", [])
        return {
            name: (_not_null(schema), name in required) for name, schema in component["properties"].items()
        }


def response_model(route: Any) -> type[BaseModel] | None:
    """Return the model of the route's successful response; None if it returns no JSON of a model."""
    from shared.dynamodb.idempotency import HttpResponse

    options = get_args(route.result) if get_origin(route.result) else (route.result,)
    models = (option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
    return next((model for model in models if not issubclass(model, HttpResponse)), None)


def models(routes: list[Any]) -> list[tuple[type[BaseModel], Any]]:
    """Return the (model, mode) pairs that the routes use, in a stable order."""
    found = {(model, "validation") for route in routes for model in (route.body, route.query) if model}
    found |= {(model, "serialization") for route in routes if (model := response_model(route))}
    return sorted(found, key=lambda pair: (pair[0].__module__, pair[0].__qualname__, pair[1]))


def used(components: dict[str, Any], *roots: Any) -> dict[str, Any]:
    """Return the components that the roots refer to, directly or through other components."""
    found: set[str] = set()
    open_names = {_name_of(each) for root in roots for each in references(root)}
    while open_names:
        found |= open_names
        following = {_name_of(each) for name in open_names for each in references(components[name])}
        open_names = following - found
    return {name: schema for name, schema in components.items() if name in found}


def references(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a document that refers to a schema component."""
    if isinstance(node, dict):
        if str(node.get("$ref", "")).startswith(REF):
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def _name_of(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).removeprefix(REF)


def _public_reference(reference: str) -> str:
    """Return pydantic's reference (`module.Class:id`, `module.Page:id[Class:id]`) with the class's public
    name."""
    path, _, rest = reference.partition(":")
    module, _, name = path.rpartition(".")
    if item := re.fullmatch(r"\d+\[(\w+):(\d+)]", rest):
        named = (public for path, public in NAMES.items() if path.endswith(f".{item[1]}"))
        return f"{module}.{next(named, item[1].removesuffix('View'))}Page:{item[2]}"
    return f"{module}.{NAMES.get(path) or name.removesuffix('View')}:{rest}"


def _public_name(name: str) -> str:
    return name.removesuffix("-Output").replace("-Input", "Input")


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names.get(value, value) if key == "$ref" else _renamed(value, names)
            for key, value in node.items()
        }
    return [_renamed(value, names) for value in node] if isinstance(node, list) else node


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional parameter without null, which a query string cannot express."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if not options:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**options[0], **rest} if len(options) == 1 else {"anyOf": options, **rest}
