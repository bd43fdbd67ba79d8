"""Generator of parameters.json, the parameters of each operation, from the pinned SDK's types.

A kind is one of `integer`, `number`, `decimal`, `boolean`, `string`, `map` (text to text), `any`, `unset` (an
empty string), `#E` (a value of enum E), `@S` (a hash of shape S), `[]K` (a list of K) and `{}K` (a hash of
K). `A|B` allows both kinds; a leading `!` means required.
"""

import json
import sys
import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import stripe
import stripe.params
import stripe.params.checkout
from stripe import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from localstack.stripe.routing import Route

TABLE = Path(__file__).with_name("parameters.json")
_PLAIN = {int: "integer", float: "number", bool: "boolean", str: "string", type(None): "unset"}
# Payment methods other than cards: their names are accepted, their contents are not checked.
_METHOD_HASHES = ("PaymentMethodData", "PaymentMethodOptions", "PaymentMethodCreateParams")
_NOT_METHODS = {
    "allow_redisplay",
    "billing_details",
    "card",
    "customer",
    "metadata",
    "payment_method",
    "type",
}
_OTHER_METHODS = (
    set(stripe.params.PaymentMethodCreateParams.__annotations__)
    - set(stripe.params.PaymentMethodListParams.__annotations__)
    - _NOT_METHODS
    - {"radar_options"}
)
# Browsers, and servers that hold a token, send cards like this; the SDK's types omit it.
_ADDED = {
    f"PaymentIntent{verb}ParamsPaymentMethodData": {
        "card": "@PaymentMethodCreateParamsCard",
        "type": "!string",
    }
    for verb in ("Create", "Confirm", "Update")
}


class Table:
    """Collects shapes and enums, each once."""

    def __init__(self) -> None:
        self.shapes: dict[str, dict[str, str]] = {}
        self.enums: dict[str, list[str]] = {}

    def shape(self, cls: type) -> str:
        name = cls.__name__
        if name in self.shapes:
            return name
        fields = self.shapes[name] = {}
        scope = vars(sys.modules[cls.__module__])
        # An operation's type contains the request options next to its parameters.
        options = set(RequestOptions.__annotations__)
        skipped = options if options <= set(cls.__annotations__) else set()
        for field, annotation in cls.__annotations__.items():
            if field not in skipped:
                fields[field] = self._field(name, field, resolve(annotation, scope), scope)
        fields.update(_ADDED.get(name, {}))
        return name

    def _field(self, owner: str, field: str, annotation: Any, scope: dict[str, Any]) -> str:
        required = "!"
        if get_origin(annotation) is typing.NotRequired or "NotRequired" in str(get_origin(annotation)):
            required, annotation = "", get_args(annotation)[0]
        if owner.endswith(_METHOD_HASHES) and field in _OTHER_METHODS:
            return f"{required}any"
        return required + "|".join(dict.fromkeys(self._kinds(resolve(annotation, scope), scope)))

    def _kinds(self, annotation: Any, scope: dict[str, Any]) -> list[str]:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            named = [part for part in inner if get_origin(part) is Literal and part != Literal[""]]
            # `Literal[…] | str` is an open enum in the SDK; one version of the server has a fixed set.
            parts = [part for part in inner if not (named and part is str)]
            return [kind for part in parts for kind in self._kinds(resolve(part, scope), scope)]
        if origin is Literal:
            values = [str(value) for value in inner if value != ""]
            return ["unset"] * ("" in inner) + ([f"#{self._enum(values)}"] if values else [])
        if origin in (list, typing.Sequence):
            return [f"[]{kind}" for kind in self._kinds(resolve(inner[0], scope), scope)]
        if origin is dict:
            kinds = self._kinds(resolve(inner[1], scope), scope)
            return ["map"] if kinds == ["string"] else [f"{{}}{kind}" for kind in kinds]
        if origin is UntypedStripeObject or annotation is UntypedStripeObject:
            return []
        if annotation in _PLAIN:
            return [_PLAIN[annotation]]
        if isinstance(annotation, type) and is_typeddict(annotation):
            return [f"@{self.shape(annotation)}"]
        return ["decimal"] if getattr(annotation, "__name__", "") == "Decimal" else ["any"]

    def _enum(self, values: list[str]) -> str:
        for name, known in self.enums.items():
            if known == values:
                return name
        name = f"E{len(self.enums)}"
        self.enums[name] = values
        return name


def resolve(annotation: Any, scope: dict[str, Any]) -> Any:
    """Resolve the SDK's annotations, which are types, names or quoted expressions."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        # The text comes from the installed SDK's source.
        return eval(annotation, {**vars(typing), **scope})  # noqa: S307
    return annotation


def generate(routes: list[Route]) -> str:
    """Return the table for these routes as JSON text."""
    table = Table()
    for name in sorted({route.params for route in routes}):
        module: Any = stripe.params
        for part in name.split("."):
            module = getattr(module, part)
        table.shape(module)
    return (
        json.dumps(
            {
                "sdk": stripe.VERSION,
                "api_version": stripe.api_version,
                "enums": table.enums,
                "shapes": dict(sorted(table.shapes.items())),
            },
            separators=(",", ":"),
            ensure_ascii=True,
        )
        .replace('},"', '},\n"')
        .replace('],"', '],\n"')
        + "\n"
    )


def main() -> None:
    from localstack.stripe.api import ROUTES  # imports the table, so it is imported late

    TABLE.write_text(generate(ROUTES), encoding="utf-8")


if __name__ == "__main__":
    main()
