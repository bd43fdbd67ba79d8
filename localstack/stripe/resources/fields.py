"""Fields that several resources share: metadata, addresses, shipping, card options."""

from typing import Any

from localstack.stripe.errors import Object
from localstack.stripe.routing import Params

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def metadata(old: dict[str, str], given: Any) -> dict[str, str]:
    """Return the merged metadata. An empty value unsets its key; an empty string unsets all keys."""
    if given == "":
        return {}
    return {key: value for key, value in {**old, **(given or {})}.items() if value != ""}


def address(given: Params | None) -> Object | None:
    return {name: given.get(name) for name in _ADDRESS} if given else None


def shipping(given: Any) -> Object | None:
    if not given:
        return None
    return {
        "address": address(given.get("address")),
        "carrier": given.get("carrier"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tracking_number": given.get("tracking_number"),
    }


def person(given: Params | None) -> Object:
    """Return the billing details."""
    given = given or {}
    return {
        "address": address(given.get("address") or {"city": None}),
        "email": given.get("email"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tax_id": given.get("tax_id"),
    }


def change(obj: Object, params: Params, names: tuple[str, ...]) -> None:
    """Set the given fields among `names`, metadata and shipping; an empty string unsets a field."""
    for name in names:
        if name in params:
            obj[name] = None if params[name] == "" else params[name]
    if "metadata" in params:
        obj["metadata"] = metadata(obj["metadata"], params["metadata"])
    if "shipping" in params and "shipping" in obj:
        obj["shipping"] = shipping(params["shipping"])


def card_options(intent: Object, params: Params) -> None:
    """Set the card options that the parameters have; others keep their value."""
    given = (params.get("payment_method_options") or {}).get("card") or {}
    options = intent["payment_method_options"]["card"]
    for name in ("capture_method", "request_multicapture", "request_three_d_secure"):
        if given.get(name):
            options[name] = given[name]
        elif name in given:
            options.pop(name, None)
