"""Routing, parsing, presenting and problems, tested with a small API."""

import json
from typing import Annotated

import pytest
from pydantic import Field
from typing_extensions import TypedDict

from shared.errors import Conflict, Malformed, NotFound
from shared.http.api import Api
from shared.http.identity import CUSTOMER, GUEST, PUBLIC, STAFF, Caller
from shared.http.paging import MAX_CURSOR, Cursors, PageQuery
from shared.http.routing import Body, Routes, View
from tests.support import call, created_path, customer, guest, staff

routes = Routes()


class SoldMembers(TypedDict):
    """The things that were sold."""

    items: list[dict[str, str]]


class Sold(Conflict):
    """The thing was sold."""

    members = SoldMembers


class Order(Body):
    count: Annotated[int, Field(ge=1, le=9)]
    note: str | None = None


class Preference(Body):
    count: int = 1
    note: str | None = None


class OrderView(View):
    owner: str
    count: int
    version: int = 3


@routes.post("/things", role=GUEST, status=201)
def order_thing(caller: Caller, body: Order) -> OrderView:
    return OrderView(owner=caller.user_id, count=body.count)


@routes.post("/preferences", role=GUEST)
def set_preference(caller: Caller, body: Preference) -> OrderView:
    return OrderView(owner=caller.user_id, count=body.count)


@routes.get("/things/{thing}", role=CUSTOMER, raises=(Sold, NotFound))
def read_thing(caller: Caller, thing: str, if_match: int | None) -> OrderView:
    if thing == "gone":
        raise Sold("The thing was sold to another customer.", items=[{"thing": thing}])
    if thing == "broken":
        raise RuntimeError("the database password is hunter2")
    if thing == "absent":
        raise NotFound("The thing does not exist.")
    return OrderView(owner=caller.user_id, count=if_match or 0)


@routes.get("/things", role=PUBLIC)
def list_things(query: PageQuery) -> OrderView:
    return OrderView(owner=query.cursor or "", count=query.limit)


@routes.delete("/things/{thing}", role=STAFF)
def delete_thing(thing: str) -> None:
    return None


class PartView(View):
    part_id: str


@routes.post("/things/{thing}/parts", role=GUEST, status=201, location="/things/{thing}/parts/{part_id}")
def add_part(thing: str) -> PartView:
    return PartView(part_id="a/b?c")


@routes.post("/things/{thing}/copies", role=GUEST, status=201, location="/copies/{part_id}")
def copy_thing(thing: str) -> PartView:
    return PartView(part_id="cpy_1")


api = Api(routes)


def test_a_response_carries_the_version_as_etag_and_the_request_id():
    reply = call(api, "POST", "/things", body={"count": 2}, caller=guest("gst_7"))
    assert (reply.status, reply.json) == (201, {"owner": "gst_7", "count": 2, "version": 3})
    assert reply.header("etag") == '"3"'
    assert reply.header("x-request-id")


@pytest.mark.parametrize(
    ("raw", "status", "pointers"),
    [
        ("{", 400, None),
        ('{"count": 1} x', 400, None),
        ("", 400, None),
        ('{"count": "2"}', 422, ["/count"]),
        ('{"count": true}', 422, ["/count"]),
        ('{"count": 1.5}', 422, ["/count"]),
        ('{"count": -1}', 422, ["/count"]),
        ('{"count": 1e400}', 422, ["/count"]),
        ('{"count": 1, "price": 0}', 422, ["/price"]),
        ("[]", 422, [""]),
        ("null", 422, [""]),
        ('{"note": 5}', 422, ["/count", "/note"]),
    ],
)
def test_an_invalid_body_is_reported_by_pointer(raw, status, pointers):
    reply = call(api, "POST", "/things", raw=raw, caller=guest())
    assert reply.status == status
    assert reply.header("content-type") == "application/problem+json"
    assert reply.json["request_id"] == reply.header("x-request-id")
    assert [entry["pointer"] for entry in reply.json.get("errors", [])] == (pointers or [])


def test_a_body_that_is_too_large_or_of_another_media_type_is_rejected():
    large = json.dumps({"count": 1, "note": "x" * 1024 * 1024})
    assert call(api, "POST", "/things", raw=large, caller=guest()).status == 413
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call(api, "POST", "/things", raw="count=1", caller=guest(), headers=form).status == 415


def test_a_missing_body_counts_as_empty_if_no_field_is_required():
    assert call(api, "POST", "/preferences", raw="", caller=guest()).json["count"] == 1
    assert call(api, "POST", "/preferences", raw="{", caller=guest()).status == 400
    assert call(api, "POST", "/preferences", raw="null", caller=guest()).status == 422


def test_the_caller_comes_from_the_authorizer_and_needs_the_role():
    assert call(api, "POST", "/things", body={"count": 1}).status == 401
    assert call(api, "GET", "/things/a", caller=guest()).status == 403
    assert call(api, "GET", "/things/a", caller=customer()).status == 200
    assert call(api, "DELETE", "/things/a", caller=customer()).status == 403
    assert call(api, "DELETE", "/things/a", caller=staff()).status == 204


def test_a_problem_carries_its_members_and_an_internal_error_no_details():
    gone = call(api, "GET", "/things/gone", caller=customer())
    assert gone.status == 409
    assert gone.json["type"] == "/problems/sold"
    assert gone.json["items"] == [{"thing": "gone"}]
    assert call(api, "GET", "/things/absent", caller=customer()).json["title"] == "Not found"
    broken = call(api, "GET", "/things/broken", caller=customer())
    assert broken.status == 500
    assert "hunter2" not in broken.text
    assert "RuntimeError" not in broken.text


def test_if_match_and_query_parameters_are_validated():
    assert call(api, "GET", "/things/a", caller=customer(), headers={"If-Match": '"7"'}).json["count"] == 7
    assert call(api, "GET", "/things/a", caller=customer(), headers={"If-Match": "7"}).status == 400
    for long in ("9" * 19, "9" * 5_000):
        assert (
            call(api, "GET", "/things/a", caller=customer(), headers={"If-Match": f'"{long}"'}).status == 400
        )
    assert call(api, "GET", "/things?limit=5").json["count"] == 5
    for query in ("limit=0", "limit=101", "limit=x", "color=red"):
        assert call(api, "GET", f"/things?{query}").status == 422


def test_an_allowed_origin_gets_cors_headers():
    reply = call(api, "GET", "/things", headers={"Origin": "https://shop.example"})
    assert reply.header("access-control-allow-origin") == "https://shop.example"
    assert call(api, "GET", "/things").header("access-control-allow-origin") is None


def test_an_idempotency_key_must_be_printable():
    for key in ("", "x" * 256, "naïve"):
        reply = call(
            api, "POST", "/things", body={"count": 1}, caller=guest(), headers={"Idempotency-Key": key}
        )
        assert reply.status == 400


@pytest.mark.parametrize(
    ("requested", "location", "path"),
    [
        ("/things/x%20y/parts", "parts/a%2Fb%3Fc", "/things/x%20y/parts/a%2Fb%3Fc"),
        ("/things/x/copies", "../../copies/cpy_1", "/copies/cpy_1"),
    ],
)
def test_a_location_is_relative_to_the_request_and_encoded(requested, location, path):
    reply = call(api, "POST", requested, caller=guest())
    assert (reply.header("Location"), created_path(requested, reply)) == (location, path)


@pytest.mark.parametrize("length", [0, 1, MAX_CURSOR, MAX_CURSOR + 1, 100_000])
def test_an_invalid_cursor_is_malformed_whatever_its_length(length):
    with pytest.raises(Malformed) as raised:
        Cursors(lambda: "a key of 32 bytes, or of more bytes").read("x" * length, "things")
    assert ("too long" in raised.value.detail) == (length > MAX_CURSOR)


def test_an_unauthorized_request_names_the_scheme():
    assert call(api, "POST", "/things", body={"count": 1}).header("WWW-Authenticate") == "Bearer"
