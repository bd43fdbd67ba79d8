"""Events: what happened, as webhooks told it."""

from localstack.stripe.errors import Object
from localstack.stripe.paging import page
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("event", id_)


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "event", params, "/v1/events", ("type",))


ROUTES = [
    Route("GET", "/v1/events", list_all, "EventListParams"),
    Route("GET", "/v1/events/{id}", retrieve, "EventRetrieveParams"),
]
