"""The schemas of the public document: one pass over all models of requests, queries and responses."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import CoreRef, GenerateJsonSchema

from infra.openapi.examples import FORMATS, VALUES
from infra.openapi.texts import FIELDS

REF = "#/components/schemas/"

# A schema has the name of its class without `View`: resources are nouns (`Order`), requests are imperatives
# (`PlaceOrder`), pages end in `Page`. `Input` marks the form in requests of what responses contain too.
# These names of classes are unclear outside their module; the keys are import paths.
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
        always = self.mode == "serialization" and field["type"] == "model-field"
        return always or super().field_is_required(field, total)


class Schemas:
    """The components of all models of the routes, and references to them.

    A mode is `validation` for what a request contains, `serialization` for what a response contains.
    """

    def __init__(self, declared: list[Any]) -> None:
        inputs = [(model, mode, TypeAdapter(model)) for model, mode in _models(declared)]
        references, document = TypeAdapter.json_schemas(
            inputs, ref_template=REF + "{model}", schema_generator=PublicSchemas
        )
        names = {name: _public_name(name) for name in document["$defs"]}
        if len({*names.values()}) < len(names):
            raise ValueError(f"Two schemas have one name; add one to NAMES: {sorted(names)}.")
        renamed = {REF + name: REF + public for name, public in names.items()}
        self.components: dict[str, Any] = {
            public: _described(public, _renamed(document["$defs"][name], renamed))
            for name, public in sorted(names.items(), key=lambda pair: pair[1])
        }
        self._references: dict[Any, dict[str, Any]] = {
            key: _renamed(schema, renamed) for key, schema in references.items()
        }

    def request(self, model: Any) -> dict[str, Any]:
        """Return the reference to a request's component."""
        return self._references[model, "validation"]

    def response(self, model: Any) -> dict[str, Any]:
        """Return the reference to a response's component."""
        return self._references[model, "serialization"]

    def resolved(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Return the component that a reference names."""
        component: dict[str, Any] = self.components[name_of(reference)]
        return component


def response_model(route: Any) -> type[BaseModel] | None:
    """Return the model of the route's successful response; None if it returns no JSON of a model."""
    from shared.dynamodb.idempotency import HttpResponse

    options = get_args(route.result) if get_origin(route.result) else (route.result,)
    models = (option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
    return next((model for model in models if not issubclass(model, HttpResponse)), None)


def _models(declared: list[Any]) -> list[tuple[Any, Any]]:
    """Return the (model, mode) pairs that the routes use, in a stable order."""
    found = {(model, "validation") for route in declared for model in (route.body, route.query) if model}
    found |= {(model, "serialization") for route in declared if (model := response_model(route))}
    found |= {
        (kind.members, "serialization") for route in declared for kind in route.problems if kind.members
    }
    return sorted(found, key=lambda pair: (pair[0].__module__, pair[0].__qualname__, pair[1]))


def used(components: dict[str, Any], *roots: Any) -> dict[str, Any]:
    """Return the components that the roots refer to, directly or through other components."""
    found: set[str] = set()
    open_names = {name_of(each) for root in roots for each in references(root)}
    while open_names:
        found |= open_names
        following = {name_of(each) for name in open_names for each in references(components[name])}
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


def name_of(reference: dict[str, Any]) -> str:
    """Return the name of the component that a reference names."""
    return str(reference["$ref"]).removeprefix(REF)


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a component with its title, and with the descriptions and examples that its fields lack."""
    for field, property_ in schema.get("properties", {}).items():
        text = FIELDS.get(f"{name}.{field}", FIELDS.get(field))
        if text:
            property_.setdefault("description", text)
        example = _example(name, field, property_)
        if example is not None:
            property_["examples"] = [example]
    if name.endswith("Page"):
        schema.setdefault("description", "A page of a list.")
    return schema | {"title": name}


def _example(name: str, field: str, property_: dict[str, Any]) -> Any:
    """Return an example of a field; None for constants, other components, and fields without one."""
    options = [option for option in property_.get("anyOf", [property_]) if option != {"type": "null"}]
    if len(options) > 1 or {"$ref", "const", "enum"} & {*options[0]}:
        return None
    if options[0].get("format") in FORMATS:
        return FORMATS[options[0]["format"]]
    return VALUES.get(f"{name}.{field}", VALUES.get(field))


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
