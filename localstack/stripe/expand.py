"""Replacement of ids by objects (`expand[]`). Source: https://docs.stripe.com/api/expanding_objects"""

from typing import Any

from localstack.stripe.errors import Object, StripeError, invalid
from localstack.stripe.paging import listing
from localstack.stripe.unit import Unit

# The expandable fields and the kinds of their objects; `None` marks lists that are included only on request.
_EXPANDABLE: dict[str, dict[str, str | None]] = {
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
        "review": "review",
    },
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
        "refunds": None,
        "review": "review",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "review": {"charge": "charge", "payment_intent": "payment_intent"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payment_method": {"customer": "customer"},
    "price": {"product": "product"},
    "checkout.session": {"customer": "customer", "payment_intent": "payment_intent", "line_items": None},
}
_MAX_DEPTH = 4
_MAX_REFUNDS = 10  # refunds in a charge


def expand(unit: Unit, answer: Object, paths: list[str]) -> Object:
    """Return the object with every path expanded. Raises a 400 if a path cannot be expanded."""
    for path in paths:
        names = path.split(".")
        if len(names) > _MAX_DEPTH:
            raise invalid(f"You cannot expand more than {_MAX_DEPTH} levels ({path}).", param="expand")
        _walk(unit, answer, names, path)
    return answer


def _walk(unit: Unit, here: Any, names: list[str], path: str) -> None:
    if isinstance(here, list):
        for item in here:
            _walk(unit, item, names, path)
        return
    if not names or not isinstance(here, dict):
        return
    name, rest = names[0], names[1:]
    if here.get("object") == "list" and name == "data":
        _walk(unit, here["data"], rest, path)
        return
    fields = _EXPANDABLE.get(str(here.get("object")), {})
    if name in fields:
        here[name] = _expanded(unit, here, name, fields[name])
    elif name not in here or not isinstance(here[name], dict | list):
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    _walk(unit, here[name], rest, path)


def _expanded(unit: Unit, here: Object, name: str, kind: str | None) -> Any:
    value = here.get(name)
    if kind is None:
        return _list_field(unit, here, name)
    if not isinstance(value, str):
        return value
    found = unit.store.get(kind, value)
    if found is None:
        raise StripeError(500, f"The {kind} {value} does not exist.", kind="api_error")
    return found


def _list_field(unit: Unit, here: Object, name: str) -> Object:
    if name == "line_items":
        stored = unit.store.get("checkout.session", here["id"]) or {}
        return listing(stored.get("_line_items", []), f"/v1/checkout/sessions/{here['id']}/line_items")
    conditions = [("json_extract(body, '$.charge') = ?", here["id"])]
    refunds = unit.store.select("refund", conditions, _MAX_REFUNDS + 1)
    url = f"/v1/charges/{here['id']}/refunds"
    return listing(refunds[:_MAX_REFUNDS], url, has_more=len(refunds) > _MAX_REFUNDS)
