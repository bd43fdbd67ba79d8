"""Placing an order through the API: from a quote, from the cart, twice, at once, and when something dies."""

from typing import Any

import pytest
from pynamodb.exceptions import CancellationReason, TransactWriteError, VerboseClientError
from pynamodb.transactions import TransactWrite

from orders.app import api, sweep
from orders.tables import orders
from shared.contracts import quotes
from shared.dynamodb.idempotency import LEASE
from shared.errors import Unavailable
from shared.runtime import clock
from tests.orders.conftest import SHOPPER, declined, place, read, rows, token
from tests.orders.samples import ADDRESS, gbp, line, quote
from tests.support import Context, call, customer, guest, run_concurrently

WHERE = ADDRESS.model_dump(exclude_none=True)


class Died(BaseException):
    """The process ends here."""


def dies(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """The process dies instead of doing `at`, and does nothing more."""

    def die(*_: Any, **__: Any) -> None:
        raise Died

    monkeypatch.setattr(orders, "release", die)
    if at == "reserve":
        monkeypatch.setattr("shared.messaging.rpc.call", die)
    else:
        monkeypatch.setattr(orders, "save", die)


def test_a_quote_becomes_an_order(shop):
    made = quote(at=clock.now())
    reply = place({"quote_token": token(made)})
    assert reply.status == 201
    order = reply.json
    assert order["order_id"] == "ord_" + made.quote_id.removeprefix("quo_")
    assert (order["status"], order["version"], reply.header("ETag")) == ("awaiting_payment", 2, '"2"')
    assert order["email"] == "ada@example.com"
    assert order["shipping_address"]["city"] == "London"
    first = order["lines"][0]
    assert set(first) == {
        *("sku", "product_id", "title", "quantity", "unit_price"),
        *("line_total", "discount", "tax", "fulfilled", "returned"),
    }
    assert (first["sku"], first["fulfilled"], first["returned"]) == ("SKU-0000", 0, 0)
    assert order["total"] == made.total.model_dump()
    assert (order["fulfilments"], order["returns"], order["payment_id"]) == ([], [], None)
    assert order["expires_at"] > order["placed_at"]
    assert shop.held == {order["order_id"]: [("SKU-0000", 1), ("SKU-0001", 2), ("SKU-0002", 3)]}
    assert read(order["order_id"]).json == order


def test_what_is_in_the_cart_becomes_an_order(shop):
    reply = place({"shipping_address": WHERE, "shipping_method": "standard"})
    assert reply.status == 201
    assert reply.json["shipping_address"]["city"] == "London"
    assert shop.asked == ["tillstack-test-cart-commands", "tillstack-test-catalog-commands"]


def test_a_guest_says_where_the_confirmation_goes(shop):
    body = {"quote_token": token(user_id="gst_1")}
    missing = place(body, caller=guest())
    assert (missing.status, missing.json["errors"][0]["pointer"]) == (422, "/email")
    reply = place(body | {"email": "grace@example.com"}, caller=guest())
    assert (reply.status, reply.json["email"]) == (201, "grace@example.com")


EMAILS_THAT_ARE_NONE = [
    *("", "ada", "ada@example", "a b@example.com", "ada@example.com\n", "ada\x01@example.com"),
    "ada@example." + "c" * 300,
]


def test_an_email_that_is_none_is_refused(shop):
    for email in EMAILS_THAT_ARE_NONE:
        reply = place({"quote_token": token(), "email": email})
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/email"), email


BODIES_THAT_ARE_NONE: list[tuple[dict, str]] = [
    ({}, ""),
    ({"quote_token": 1}, "/quote_token"),
    ({"quote_token": "x", "shipping_method": "post"}, ""),
    ({"quote_token": "x", "price": 1}, "/price"),
    ({"shipping_address": WHERE | {"country": "gb"}}, "/shipping_address/country"),
]


def test_a_body_that_is_none_is_refused(shop):
    for body, pointer in BODIES_THAT_ARE_NONE:
        reply = place(body)
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, pointer)
    assert rows() == []


def test_a_quote_for_a_country_needs_an_address_there(shop):
    body = {"quote_token": token(shipping_address=None)}
    assert place(body).json["errors"][0]["pointer"] == "/shipping_address"
    abroad = place(body | {"shipping_address": WHERE | {"country": "FR"}})
    assert (abroad.status, abroad.json["errors"][0]["pointer"]) == (422, "/shipping_address/country")
    assert place(body | {"shipping_address": WHERE}).status == 201


def test_a_forged_quote_and_somebody_elses_are_refused_alike(shop):
    forged = place(
        {"quote_token": quotes.sign(quote(at=clock.now()), "another key, 32 bytes or longer than that")}
    )
    foreign = place({"quote_token": token(user_id="usr_2")})
    assert (forged.status, foreign.status) == (422, 422)
    assert forged.json["errors"] == foreign.json["errors"]
    assert forged.json["detail"] == foreign.json["detail"]
    assert rows() == []


def test_a_quote_runs_out(shop, time):
    body = {"quote_token": token()}
    time.goes_on(minutes=15)
    reply = place(body)
    assert (reply.status, reply.json["type"]) == (409, "/problems/quote-expired")


def test_the_first_answer_outlives_its_quote(shop, time):
    body = {"quote_token": token()}
    first = place(body, "k")
    time.goes_on(minutes=20)
    again = place(body, "k")
    assert (again.status, again.header("Idempotent-Replayed")) == (201, "true")
    assert again.text == first.text


def test_an_order_too_large_to_tell_of_is_refused(shop):
    lines = [line(f"SKU-{n:04}", 1, 100).model_copy(update={"title": "t" * 900}) for n in range(300)]
    sums = {"subtotal": gbp(30_000), "tax": gbp(300 * 17 + 66), "total": gbp(30_395)}
    made = quote(at=clock.now()).model_copy(update={"lines": lines, **sums})
    reply = place({"quote_token": token(made)})
    assert reply.status == 422
    assert rows() == []


def test_a_thousand_lines_are_one_order(shop):
    made = quote(1_000, at=clock.now())
    reply = place({"quote_token": token(made)})
    assert reply.status == 201
    assert len(reply.json["lines"]) == 1_000
    assert read(reply.json["order_id"]).json["total"] == made.total.model_dump()


def test_the_first_answer_comes_again_whatever_became_of_the_order(shop):
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


def test_a_key_is_for_one_body(shop):
    assert place({"quote_token": token()}, "k").status == 201
    for other in ({"quote_token": token()}, {"quote_token": "x"}, {"shipping_address": WHERE}):
        reply = place(other, "k")
        assert (reply.status, reply.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(rows()) == 1


def test_two_keys_with_one_quote_are_one_order(shop):
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
def test_a_double_click_is_one_order(shop, keys, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": WHERE}
    answers = run_concurrently(*[lambda key=key: place(body, key) for key in keys])
    made = {answer.json["order_id"] for answer in answers if answer.status == 201}
    assert {answer.status for answer in answers} <= {201, 409}
    if source == "cart" and keys[0] != keys[1]:
        assert len(made) == len(rows()) == 2, "two requests, each for what is in the cart"
    else:
        assert len(made) == len(rows()) == 1
        assert set(shop.held) == made
        assert place(body, keys[0]).json["order_id"] in made


def test_a_twin_in_the_middle_of_its_writes_is_waited_for(shop, monkeypatch):
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
def test_a_refusal_says_exactly_what_lacks_and_is_said_again(shop, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": WHERE}
    shop.reject = declined("out-of-stock")
    reply = place(body, "k")
    assert (reply.status, reply.json["type"]) == (409, "/problems/out-of-stock")
    assert reply.json["items"] == [{"sku": "SKU-0000", "requested": 1, "available": 0}]
    (row,) = rows()
    assert (row.status, row.reason) == ("cancelled", "rejected")
    assert row.expires_at is None
    assert read(row.order_id).status == 404, "it was never an order to its owner"
    shop.reject = None
    again = place(body, "k")
    assert again.status == 409
    assert again.json | {"request_id": ""} == reply.json | {"request_id": ""}
    assert again.header("Idempotent-Replayed") == "true"
    assert shop.held == {}


def test_what_the_cart_refuses_is_passed_on_as_it_is(shop):
    def reject(_):
        raise declined(slug)

    shop.cart = reject
    for slug, status in (("cart-empty", 409), ("out-of-stock", 409), ("invalid", 422)):
        reply = place({"shipping_address": WHERE})
        assert (reply.status, reply.json["type"]) == (status, f"/problems/{slug}")
    assert reply.json["errors"][0]["pointer"] == "/shipping_address/country"
    assert rows() == []


@pytest.mark.parametrize("fault", ["down", "lost"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_a_catalog_that_does_not_answer_may_be_asked_again_at_once(shop, fault, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": WHERE}
    good_cart, shop.cart = shop.cart, lambda asked: good_cart(asked)
    if source == "quote":
        setattr(shop, fault, True)
    else:
        answer = shop.reserve
        shop.catalog_commands.handlers["reserve"] = (shop.catalog_commands.handlers["reserve"][0], broken)
    reply = place(body, "k")
    assert (reply.status, reply.header("Retry-After") is not None) == (503, True)
    assert [row.status for row in rows()] == ["pending"]
    shop.down = shop.lost = False
    if source == "cart":
        shop.catalog_commands.handlers["reserve"] = (shop.catalog_commands.handlers["reserve"][0], answer)
        shop.cart = None  # what is in the cart may be another thing by now: it is not asked again
    again = place(body, "k")
    assert again.status == 201
    assert list(shop.held) == [again.json["order_id"]] == [row.order_id for row in rows()]


def broken(_):
    raise Unavailable("The shop is busy; ask again.")


def test_a_write_that_fails_may_be_tried_again_at_once(shop, monkeypatch):
    body = {"quote_token": token()}
    with monkeypatch.context() as patch:

        def fail(_):
            raise RuntimeError("no network")

        patch.setattr(orders, "save", fail)
        assert place(body, "k").status == 500
    again = place(body, "k")
    assert (again.status, again.json["version"]) == (201, 2)
    assert len(shop.held) == len(rows()) == 1


@pytest.mark.parametrize("at", ["reserve", "save"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_a_retry_continues_what_a_dead_process_began(shop, time, monkeypatch, at, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": WHERE}
    with monkeypatch.context() as patch, pytest.raises(Died):
        dies(patch, at)
        if source == "cart" and at == "reserve":
            patch.undo()
            dies_in_catalog(patch, shop)
        place(body, "k")
    (begun,) = rows()
    assert begun.status == "pending"
    running = place(body, "k")
    assert (running.status, running.json["type"]) == (409, "/problems/request-in-progress")
    time.goes_on(seconds=int(LEASE.total_seconds()) + 1)
    again = place(body, "k")
    assert (again.status, again.json["order_id"]) == (201, begun.order_id)
    assert list(shop.held) == [begun.order_id]
    assert len(rows()) == 1


def dies_in_catalog(patch, shop):
    def die(*_: Any, **__: Any) -> None:
        raise Died

    patch.setattr(orders, "release", die)
    patch.setattr("orders.service.placing._reserve_and_place", die)


@pytest.mark.parametrize("at", ["reserve", "save"])
@pytest.mark.parametrize("source", ["quote", "cart"])
def test_the_sweeper_ends_what_a_dead_process_began(shop, time, monkeypatch, at, source):
    body = {"quote_token": token()} if source == "quote" else {"shipping_address": WHERE}
    with monkeypatch.context() as patch, pytest.raises(Died):
        dies_in_catalog(patch, shop) if at == "reserve" else dies(patch, at)
        place(body, "k")
    assert sweep({}, Context()) == {"expired": 0}
    time.goes_on(minutes=2)
    assert sweep({}, Context()) == {"expired": 1}
    (row,) = rows()
    assert row.status == "expired"
    assert row.expires_at is None
    assert read(row.order_id).status == 404
    late = place(body, "k")
    assert late.status == 409, "it was never placed, so there is no first answer to give"
    assert [row.status for row in rows()] == ["expired"]


def test_a_sweeper_that_is_faster_than_the_placing_wins(shop, time):
    reserve = shop.reserve

    def slow(question):
        time.goes_on(minutes=2)
        assert sweep({}, Context()) == {"expired": 1}
        return reserve(question)

    shop.catalog_commands.handlers["reserve"] = (shop.catalog_commands.handlers["reserve"][0], slow)
    assert place({"quote_token": token()}).status == 409
    assert [row.status for row in rows()] == ["expired"]


def test_orders_are_their_owners(shop):
    body = {"quote_token": token()}
    order_id = place(body).json["order_id"]
    assert place(body, caller=customer("usr_2")).status == 422
    assert read(order_id, caller=customer("usr_2")).status == 404


@pytest.mark.parametrize("email", ["a@b,c.com", "a@<b>.com", "a@-.--", "a..b@b.com", "\u202ea@b.com", "a@b"])
def test_the_confirmation_goes_where_mail_can_go(shop, email):
    made = quote(user_id="gst_1", at=clock.now())
    reply = place({"quote_token": token(made), "email": email}, caller=guest("gst_1"))
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/email")


@pytest.mark.parametrize("part", ["name", "line1", "city", "postal_code"])
def test_what_is_printed_on_a_label_is_one_plain_line(shop, part):
    reply = place({"shipping_address": WHERE | {part: "A\r\nB\x00"}})
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, f"/shipping_address/{part}")
