"""The problems that a route can return, derived from its declaration."""

import pytest

from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import Conflict, Problem
from shared.http.identity import CUSTOMER, GUEST, STAFF, Caller
from shared.http.paging import PageQuery
from shared.http.routing import Body, Raw, Routes

routes = Routes()
EVERYWHERE = {"too-many-requests", "internal", "unavailable", "no-response"}
WRITES = {"concurrent-update"}
BODY = {"malformed", "too-large", "unsupported-media-type", "invalid"}
POST = {"malformed", "too-large"}
KEY = {"idempotency-key-reused", "request-in-progress"}


class Sold(Conflict):
    """The thing was sold."""


class Order(Body):
    count: int


class Filter(Body):
    color: str


@routes.get("/public")
def read_public() -> None: ...


@routes.get("/guest", role=GUEST)
def read_as_guest(caller: Caller) -> None: ...


@routes.get("/staff", role=STAFF)
def read_as_staff(caller: Caller) -> None: ...


@routes.get("/path")
def read_path(request: Raw) -> None: ...


@routes.get("/list")
def list_things(query: PageQuery) -> None: ...


@routes.get("/filtered")
def filter_things(query: Filter) -> None: ...


@routes.put("/thing", role=CUSTOMER, raises=(Sold,))
def replace_thing(body: Order, if_match: int | None) -> None: ...


@routes.delete("/thing", role=GUEST)
def delete_thing() -> None: ...


@routes.post("/stored", role=GUEST, idempotent=True)
def create_stored(body: Order) -> None: ...


@routes.post("/claimed", role=GUEST, idempotent=True)
def create_claimed(claim: IdempotencyKey) -> None: ...


@routes.post("/signed", role=GUEST, repeatable=True)
def receive_signed(request: Raw) -> None: ...


EXPECTED = {
    "read_public": set(),
    "read_as_guest": {"unauthorized"},
    "read_as_staff": {"unauthorized", "forbidden"},
    "read_path": set(),
    "list_things": {"invalid", "malformed"},
    "filter_things": {"invalid"},
    "replace_thing": WRITES | BODY | {"unauthorized", "forbidden", "stale", "sold"},
    "delete_thing": WRITES | {"unauthorized"},
    "create_stored": WRITES | POST | BODY | KEY | {"unauthorized"},
    "create_claimed": WRITES | POST | {"unauthorized"},
    "receive_signed": WRITES | POST | {"unauthorized"},
}


@pytest.mark.parametrize("route", routes.declared, ids=lambda route: route.view.__name__)
def test_a_route_has_the_problems_of_its_declaration(route):
    assert {kind.slug for kind in route.problems} == EXPECTED[route.view.__name__] | EVERYWHERE


def test_problems_are_listed_by_status():
    replace = next(route for route in routes.declared if route.view is replace_thing)
    statuses = [kind.status for kind in replace.problems]
    assert statuses == sorted(statuses)


def test_a_problem_has_the_status_of_its_kind():
    assert (Sold.status, Sold("It is sold.").status) == (409, 409)
    assert all(kind.status for kind in Problem.__subclasses__() if kind.__module__ == "shared.errors")
