"""The placement of orders: from quotes and carts, repeated, concurrent, and interrupted by crashes."""

from typing import Any

import pytest
from pynamodb.exceptions import CancellationReason, TransactWriteError, VerboseClientError
from pynamodb.transactions import TransactWrite

from orders.app.api import api
from orders.app.sweep import sweep
from orders.tables import orders
from shared.contracts import quotes
from shared.dynamodb.idempotency import LEASE
from shared.errors import Unavailable
from shared.runtime import clock
from tests.orders.conftest import SHOPPER, place, problem_of, read, rows, token
from tests.orders.samples import ADDRESS, gbp, line, quote
from tests.support import Context, call, created_path, customer, guest, run_concurrently

ADDRESS_BODY = ADDRESS.model_dump(exclude_none=True)


class Died(BaseException):
    """The process was killed."""


def test_the_location_of_an_order_is_the_order_also_if_it_is_replayed(shop):
    quoted = {"quote_token": token(quote(at=clock.now()))}
    for _ in range(2):
        placed = place(quoted, key="k")
        path = created_path("/orders", placed)
        assert call(api, "GET", path, caller=SHOPPER).json == placed.json


def die_at(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Kill the process before the step."""

    def die(*_: Any, **__: Any) -> None:
        raise Died

    monkeypatch.setattr(orders, "release", die)
    if step == "reserve":
        monkeypatch.setattr("shared.messaging.rpc.call", die)
    else:
        monkeypatch.setattr(orders, "save", die)


def test_a_quote_becomes_an_order(shop):
    quoted = quote(at=clock.now())
    reply = place({"quote_token": token(quoted)})
    assert reply.status == 201
    order = reply.json
    assert order["order_id"] == "ord_" + quoted.quote_id.removeprefix("quo_")
    assert (order["status"], order["version"], reply.header("ETag")) == ("awaiting_payment", 2, '"2"')
    assert order["email"] == "ada@example.com"
    assert order["shipping_address"]["city"] == "London"
    first = order["lines"][0]
    assert set(first) == {
        *("sku", "product_id", "title", "quantity", "unit_price"),
        *("line_total", "discount", "tax", "fulfilled", "returned"),
    }
    assert (first["sku"], first["fulfilled"], first["returned"]) == ("SKU-0000", 0, 0)
    assert order["total"] == quoted.total.model_dump()
    assert (order["fulfilments"], order["returns"], order["payment_id"]) == ([], [], None)
    assert order["expires_at"] > order["placed_at"]
    assert shop.reserved == {order["order_id"]: [("SKU-0000", 1), ("SKU-0001", 2), ("SKU-0002", 3)]}
    assert read(order["order_id"]).json == order


def test_a_cart_becomes_an_order(shop):
    reply = place({"shipping_address": ADDRESS_BODY, "shipping_method": "standard"})
    assert reply.status == 201
    assert reply.json["shipping_address"]["city"] == "London"
    assert shop.invoked == ["tillstack-test-cart-commands", "tillstack-test-catalog-commands"]


def test_a_guest_must_send_an_email(shop):
    body = {"quote_token": token(user_id="gst_1")}
    missing = place(body, caller=guest())
    assert (missing.status, missing.json["errors"][0]["pointer"]) == (422, "/email")
    reply = place(body | {"email": "grace@example.com"}, caller=guest())
    assert (reply.status, reply.json["email"]) == (201, "grace@example.com")


INVALID_EMAILS = [
    *("", "ada", "ada@example", "a b@example.com", "ada@example.com\n", "ada\x01@example.com"),
    "ada@example." + "c" * 300,
]


def test_an_invalid_email_is_rejected(shop):
    for email in INVALID_EMAILS:
        reply = place({"quote_token": token(), "email": email})
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/email"), email


INVALID_BODIES: list[tuple[dict, str]] = [
    ({}, ""),
    ({"quote_token": 1}, "/quote_token"),
    ({"quote_token": "x", "shipping_method": "post"}, ""),
    ({"quote_token": "x", "price": 1}, "/price"),
    ({"shipping_address": ADDRESS_BODY | {"country": "gb"}}, "/shipping_address/country"),
]


def test_an_invalid_body_is_rejected(shop):
    for body, pointer in INVALID_BODIES:
        reply = place(body)
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, pointer)
    assert rows() == []


def test_a_quote_for_a_country_needs_an_address_there(shop):
    body = {"quote_token": token(shipping_address=None)}
    assert place(body).json["errors"][0]["pointer"] == "/shipping_address"
    abroad = place(body | {"shipping_address": ADDRESS_BODY | {"country": "FR"}})
    assert (abroad.status, abroad.json["errors"][0]["pointer"]) == (422, "/shipping_address/country")
    assert place(body | {"shipping_address": ADDRESS_BODY}).status == 201


def test_a_forged_quote_and_another_shoppers_get_the_same_response(shop):
    forged = place(
        {"quote_token": quotes.sign(quote(at=clock.now()), "another key, 32 bytes or longer than that")}
    )
    foreign = place({"quote_token": token(user_id="usr_2")})
    assert (forged.status, foreign.status) == (422, 422)
    assert forged.json["errors"] == foreign.json["errors"]
    assert forged.json["detail"] == foreign.json["detail"]
    assert rows() == []


def test_an_expired_quote_is_rejected(shop, time):
    body = {"quote_token": token()}
    time.advance(minutes=15)
    reply = place(body)
    assert (reply.status, reply.json["type"]) == (409, "/problems/quote-expired")


def test_a_repeated_request_succeeds_after_the_quote_expired(shop, time):
    body = {"quote_token": token()}
    first = place(body, "k")
    time.advance(minutes=20)
    again = place(body, "k")
    assert (again.status, again.header("Idempotent-Replayed")) == (201, "true")
    assert again.text == first.text


def test_an_order_too_large_for_an_event_is_rejected(shop):
    lines = [line(f"SKU-{n:04}", 1, 100).model_copy(update={"title": "t" * 900}) for n in range(300)]
    sums = {"subtotal": gbp(30_000), "tax": gbp(300 * 17 + 66), "total": gbp(30_395)}
    quoted = quote(at=clock.now()).model_copy(update={"lines": lines, **sums})
    reply = place({"quote_token": token(quoted)})
    assert reply.status == 422
    assert rows() == []


def test_an_order_can_have_a_thousand_lines(shop):
    quoted = quote(1_000, at=clock.now())
    reply = place({"quote_token": token(quoted)})
    assert reply.status == 201
    assert len(reply.json["lines"]) == 1_000
    assert read(reply.json["order_id"]).json["total"] == quoted.total.model_dump()


def test_a_repeated_request_gets_the_first_response_after_later_changes(shop):
    body = {"quote_token": token()}
    first = place(body, "k")
    path = f"/orders/{first.json['order_id']}/cancel"
    assert call_cancel(path).json["status"] == "cancelled"
    again = place(body, "k")
    assert (again.status, again.text) == (201, first.text)
    assert again.header("Idempotent-Replayed") == "true"
    assert first.header("Idempotent-Replayed") is None


def call_cancel(path):
    return call(api, "POST", path, caller=SHOPPER, headers={"Idempotency-Key": "cancel"})


def test_a_key_with_another_body_is_rejected(shop):
    assert place({"quote_token": token()}, "k").status == 201
    for other in ({"quote_token": token()}, {"quote_token": "x"}, {"shipping_address": ADDRESS_BODY}):
        reply = place(other, "k")
        assert (reply.status, reply.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(rows()) == 1


def test_two_keys_with_one_quote_create_one_order(shop):
    body = {"quote_token": token()}
    first, second = place(body, "k1"), place(body, "k2")
    assert (first.status, second.status) == (201, 201)
    assert first.json["order_id"] == second.json["order_id"]
    assert second.header("Idempotent-Replayed") is None
    assert place(body, "k2").header("Idempotent-Replayed") == "true"
    other = place({"quote_token": token()}, "k2")
    assert (other.status, other.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(rows()) == 1


@pytest.mark.parametrize("keys", [("k", "k"), ("k1", "k2")], ids=["one key", "two keys"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_two_concurrent_requests_create_one_order(shop, keys, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": ADDRESS_BODY}
    replies = run_concurrently(*[lambda key=key: place(body, key) for key in keys])
    order_ids = {reply.json["order_id"] for reply in replies if reply.status == 201}
    assert {reply.status for reply in replies} <= {201, 409}
    if source == "cart" and keys[0] != keys[1]:
        assert len(order_ids) == len(rows()) == 2, "two requests, each for the whole cart"
    else:
        assert len(order_ids) == len(rows()) == 1
        assert set(shop.reserved) == order_ids
        assert place(body, keys[0]).json["order_id"] in order_ids


def test_a_request_during_the_first_ones_transaction_must_retry(shop, monkeypatch):
    def conflict(self: TransactWrite) -> None:
        raise transaction_conflict()

    monkeypatch.setattr(TransactWrite, "_commit", conflict)
    reply = place({"quote_token": token()})
    assert (reply.status, reply.json["type"]) == (409, "/problems/request-in-progress")
    assert reply.header("Retry-After") == "2"


def transaction_conflict() -> TransactWriteError:
    cause = VerboseClientError(
        {"Error": {"Code": "TransactionCanceledException", "Message": "cancelled"}},
        "TransactWriteItems",
        cancellation_reasons=[CancellationReason("TransactionConflict"), None],
    )
    return TransactWriteError("cancelled", cause=cause)


@pytest.mark.parametrize("source", ["quote", "cart"])
def test_a_rejection_names_the_shortages_and_is_replayed(shop, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": ADDRESS_BODY}
    shop.rejection = problem_of("out-of-stock")
    reply = place(body, "k")
    assert (reply.status, reply.json["type"]) == (409, "/problems/out-of-stock")
    assert reply.json["items"] == [{"sku": "SKU-0000", "requested": 1, "available": 0}]
    (row,) = rows()
    assert (row.status, row.reason) == ("cancelled", "rejected")
    assert row.expires_at is None
    assert read(row.order_id).status == 404, "the owner never sees it"
    shop.rejection = None
    again = place(body, "k")
    assert again.status == 409
    assert again.json | {"request_id": ""} == reply.json | {"request_id": ""}
    assert again.header("Idempotent-Replayed") == "true"
    assert shop.reserved == {}


def test_rejections_by_cart_are_forwarded(shop):
    def reject(_):
        raise problem_of(slug)

    shop.cart = reject
    for slug, status in (("cart-empty", 409), ("out-of-stock", 409), ("invalid", 422)):
        reply = place({"shipping_address": ADDRESS_BODY})
        assert (reply.status, reply.json["type"]) == (status, f"/problems/{slug}")
    assert reply.json["errors"][0]["pointer"] == "/shipping_address/country"
    assert rows() == []


@pytest.mark.parametrize("fault", ["unreachable", "response_lost"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_a_request_can_be_retried_at_once_if_catalog_does_not_respond(shop, fault, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": ADDRESS_BODY}
    good_cart, shop.cart = shop.cart, lambda command: good_cart(command)
    if source == "quote":
        setattr(shop, fault, True)
    else:
        reserve = shop.reserve
        shop.catalog_commands.handlers["reserve"] = (shop.catalog_commands.handlers["reserve"][0], broken)
    reply = place(body, "k")
    assert (reply.status, reply.header("Retry-After") is not None) == (503, True)
    assert [row.status for row in rows()] == ["pending"]
    shop.unreachable = shop.response_lost = False
    if source == "cart":
        shop.catalog_commands.handlers["reserve"] = (shop.catalog_commands.handlers["reserve"][0], reserve)
        shop.cart = None  # the cart may have changed, so it must not be quoted again
    again = place(body, "k")
    assert again.status == 201
    assert list(shop.reserved) == [again.json["order_id"]] == [row.order_id for row in rows()]


def broken(_):
    raise Unavailable("The shop is busy; retry.")


def test_a_request_can_be_retried_at_once_if_a_write_fails(shop, monkeypatch):
    body = {"quote_token": token()}
    with monkeypatch.context() as patch:

        def fail(_):
            raise RuntimeError("no network")

        patch.setattr(orders, "save", fail)
        assert place(body, "k").status == 500
    again = place(body, "k")
    assert (again.status, again.json["version"]) == (201, 2)
    assert len(shop.reserved) == len(rows()) == 1


@pytest.mark.parametrize("at", ["reserve", "save"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_a_retry_continues_a_request_that_died(shop, time, monkeypatch, at, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": ADDRESS_BODY}
    with monkeypatch.context() as patch, pytest.raises(Died):
        die_at(patch, at)
        if source == "cart" and at == "reserve":
            patch.undo()
            die_before_reserving(patch, shop)
        place(body, "k")
    (begun,) = rows()
    assert begun.status == "pending"
    running = place(body, "k")
    assert (running.status, running.json["type"]) == (409, "/problems/request-in-progress")
    time.advance(seconds=int(LEASE.total_seconds()) + 1)
    again = place(body, "k")
    assert (again.status, again.json["order_id"]) == (201, begun.order_id)
    assert list(shop.reserved) == [begun.order_id]
    assert len(rows()) == 1


def die_before_reserving(patch, shop):
    def die(*_: Any, **__: Any) -> None:
        raise Died

    patch.setattr(orders, "release", die)
    patch.setattr("orders.service.placing._reserve_and_place", die)


@pytest.mark.parametrize("at", ["reserve", "save"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_the_sweeper_expires_the_order_of_a_request_that_died(shop, time, monkeypatch, at, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": ADDRESS_BODY}
    with monkeypatch.context() as patch, pytest.raises(Died):
        die_before_reserving(patch, shop) if at == "reserve" else die_at(patch, at)
        place(body, "k")
    assert sweep({}, Context()) == {"expired": 0}
    time.advance(minutes=2)
    assert sweep({}, Context()) == {"expired": 1}
    (row,) = rows()
    assert row.status == "expired"
    assert row.expires_at is None
    assert read(row.order_id).status == 404
    late = place(body, "k")
    assert late.status == 409, "it was never placed, so there is no first response"
    assert [row.status for row in rows()] == ["expired"]


def test_an_order_that_expires_while_it_is_placed_is_not_placed(shop, time):
    reserve = shop.reserve

    def slow(command):
        time.advance(minutes=2)
        assert sweep({}, Context()) == {"expired": 1}
        return reserve(command)

    shop.catalog_commands.handlers["reserve"] = (shop.catalog_commands.handlers["reserve"][0], slow)
    assert place({"quote_token": token()}).status == 409
    assert [row.status for row in rows()] == ["expired"]


def test_an_order_belongs_to_its_owner(shop):
    body = {"quote_token": token()}
    order_id = place(body).json["order_id"]
    assert place(body, caller=customer("usr_2")).status == 422
    assert read(order_id, caller=customer("usr_2")).status == 404


@pytest.mark.parametrize("email", ["a@b,c.com", "a@<b>.com", "a@-.--", "a..b@b.com", "\u202ea@b.com", "a@b"])
def test_an_undeliverable_email_address_is_rejected(shop, email):
    quoted = quote(user_id="gst_1", at=clock.now())
    reply = place({"quote_token": token(quoted), "email": email}, caller=guest("gst_1"))
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/email")


@pytest.mark.parametrize("part", ["name", "line1", "city", "postal_code"])
def test_address_fields_are_single_lines(shop, part):
    reply = place({"shipping_address": ADDRESS_BODY | {part: "A\r\nB\x00"}})
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, f"/shipping_address/{part}")
