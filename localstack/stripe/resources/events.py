"""Events.

Source: https://docs.stripe.com/api/events/list
"""

import json
from typing import Any

from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit
from localstack.stripe.webhooks import UNDELIVERED

_RETENTION = 30 * 24 * 3600  # seconds for which Stripe returns an event
_MAX_TYPES = 20


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    event = unit.get("event", id_)
    if event["created"] <= unit.now - _RETENTION:
        raise unit.missing("event", id_)
    return event


def list_all(unit: Unit, params: Params) -> Object:
    """Return the events of the last 30 days, newest first.

    A `type` may end in `.*`. `delivery_success=false` selects events that an endpoint has not accepted:
    pending, failed or dropped.
    """
    conditions: list[tuple[str, Any]] = [("created > ?", unit.now - _RETENTION)]
    types = params.get("types", [])
    if types and "type" in params:
        raise invalid("You may pass either `type` or `types`, but not both.", param="types")
    if len(types) > _MAX_TYPES:
        raise invalid(f"Array types exceeded maximum {_MAX_TYPES} allowed elements.", param="types")
    if types:
        conditions.append(
            ("json_extract(body, '$.type') IN (SELECT value FROM json_each(?))", json.dumps(types))
        )
    if "type" in params:
        conditions.append(("json_extract(body, '$.type') GLOB ?", params["type"]))
    if "delivery_success" in params:
        conditions.append((f"EXISTS ({UNDELIVERED}) IS NOT ?", int(params["delivery_success"])))
    return page(unit, "event", params, "/v1/events", more=conditions)


ROUTES = [
    Route("GET", "/v1/events", list_all, "EventListParams"),
    Route("GET", "/v1/events/{id}", retrieve, "EventRetrieveParams"),
]
