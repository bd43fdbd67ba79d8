"""Pagination of lists, newest first. Source: https://docs.stripe.com/api/pagination"""

from typing import Any

from localstack.stripe.errors import Object, invalid
from localstack.stripe.routing import Params
from localstack.stripe.unit import Unit

_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    unit: Unit,
    kind: str,
    params: Params,
    url: str,
    equal: tuple[str, ...] = (),
    more: list[tuple[str, Any]] | None = None,
) -> Object:
    """Return a page of the objects of this kind as a list object.

    `equal` names the parameters that filter by the field of the same name; `more` are the store's conditions.
    """
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid integer: limit is 1 to 100", code="parameter_invalid_integer", param="limit")
    conditions: list[tuple[str, Any]] = [
        (f"json_extract(body, '$.{name}') = ?", params[name]) for name in equal if name in params
    ]
    conditions += _created(params.get("created")) + (more or [])
    forward = "ending_before" in params
    if cursor := params.get("ending_before") or params.get("starting_after"):
        place = unit.store.position(kind, cursor)
        if place is None:
            name = "ending_before" if forward else "starting_after"
            raise invalid(f"No such {kind}: '{cursor[:80]}'", code="resource_missing", param=name)
        conditions.append((f"seq {'>' if forward else '<'} ?", place))
    conditions.append(("json_extract(body, '$.deleted') IS NOT ?", 1))
    found = unit.store.select(kind, conditions, limit + 1, newest=not forward)
    data = found[:limit]
    return listing(data[::-1] if forward else data, url, has_more=len(found) > limit)


def listing(data: list[Object], url: str, *, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _created(created: Any) -> list[tuple[str, Any]]:
    if created is None:
        return []
    if isinstance(created, int):
        return [("created = ?", created)]
    return [(f"created {_COMPARE[name]} ?", value) for name, value in created.items()]
