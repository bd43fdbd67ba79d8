"""Merging a guest's cart into a customer's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cart.app.api import api
from cart.domain.carts import MAX_PIECES, MAX_QUANTITY, Cart, CurrencyMismatch
from cart.domain.promotions import Kind, Terms
from cart.service import carts, coupons, merging
from cart.tables import reads
from shared.contracts.quotes import MAX_LINES
from shared.runtime import clock
from tests.cart.conftest import product_data, receive
from tests.support import Reply, call, customer, guest, idempotency_headers, run_concurrently

SHOPPER = customer()
GUEST_CART, OWN_CART = Cart("gst_1", "GBP"), Cart("usr_1", "GBP")
line_quantities = st.integers(1, 5) | st.integers(MAX_QUANTITY - 5, MAX_QUANTITY)


def merge(token: str = "token of gst_1", **request: Any) -> Reply:
    body = {"guest_token": token}
    return call(api, "POST", "/cart/merge", body=body, **({"caller": SHOPPER} | request))


def cart(who=SHOPPER) -> Any:
    return call(api, "GET", "/cart", caller=who).json


def quantities(who=SHOPPER) -> dict[str, int]:
    return {item["sku"]: item["quantity"] for item in cart(who)["items"]}


def filled(cart: Cart, quantities: dict[str, int]) -> Cart:
    for sku, quantity in quantities.items():
        cart = cart.put(product_data(sku), quantity)
    return cart


def counts(cart: Cart) -> dict[str, int]:
    return {line.sku: line.quantity for line in cart.lines.values()}


@pytest.fixture
def shop(catalog):
    receive(product_data("A"), product_data("B"), product_data("C"))
    carts.add_item("usr_1", "A", 1)
    carts.add_item("usr_1", "B", 2)
    carts.add_item("gst_1", "C", 3)
    carts.add_item("gst_1", "B", 4)
    return catalog


def test_the_customer_gets_both_carts_and_the_guest_cart_is_emptied(shop):
    reply = merge()
    assert (reply.status, reply.header("ETag")) == (200, '"3"')
    assert [(item["sku"], item["quantity"]) for item in reply.json["items"]] == [("A", 1), ("B", 6), ("C", 3)]
    assert cart() == reply.json
    assert quantities(guest()) == {}


def test_merging_twice_changes_nothing(shop):
    first = merge().json
    assert merge().json == first
    assert merge(headers=idempotency_headers()).json == first


def test_later_additions_of_the_guest_can_be_merged_again(shop):
    merge()
    carts.add_item("gst_1", "A", 1)
    assert merge().json["item_count"] == 1 + 6 + 3 + 1


def test_a_customer_with_an_empty_cart_gets_the_guests_items(shop):
    carts.clear_cart("usr_1", None)
    merge()
    assert quantities() == {"C": 3, "B": 4}


def test_the_guests_coupon_moves_only_if_the_customer_has_none(shop):
    for code in ("GUESTS", "MINE"):
        coupons.create(code, Terms(kind=Kind.PERCENTAGE, value=10), None)
    coupons.put_on_cart("gst_1", "GUESTS", None)
    assert merge().json["coupon"] == "GUESTS"
    assert cart(guest())["coupon"] is None
    coupons.put_on_cart("usr_1", "MINE", None)
    carts.add_item("gst_1", "A", 1)
    coupons.put_on_cart("gst_1", "GUESTS", None)
    assert merge().json["coupon"] == "MINE"
    assert cart(guest())["coupon"] is None


@pytest.mark.parametrize("token", ["token of usr_2", "nonsense"])
def test_only_a_guests_token_is_accepted(shop, token: str):
    refused = merge(token)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/guest_token")
    assert token not in refused.text
    assert quantities() == {"A": 1, "B": 2}


def test_only_customers_can_merge(shop):
    assert merge(caller=guest("gst_2")).status == 403
    assert merge(caller=None).status == 401
    assert merge("").status == 422


def test_an_unavailable_users_service_is_a_503_and_changes_nothing(shop, users):
    users.down = True
    assert merge().status == 503
    assert quantities() == {"A": 1, "B": 2}


def test_different_currencies_are_a_conflict_and_change_nothing(shop):
    carts.clear_cart("gst_1", None)
    receive(product_data("E", currency="EUR"))
    carts.add_item("gst_1", "E", 1)
    refused = merge()
    assert (refused.status, refused.json["type"]) == (409, "/problems/currency-mismatch")
    assert (quantities(), quantities(guest())) == ({"A": 1, "B": 2}, {"E": 1})
    carts.clear_cart("usr_1", None)
    assert merge().json["subtotal"]["currency"] == "EUR"


def test_an_expired_guest_cart_adds_nothing(shop, monkeypatch):
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert merge().json["item_count"] == 1 + 2


def test_a_retry_after_a_crash_after_the_write_changes_nothing(shop):
    # The client got no response and repeats the request, with its key and without.
    merging.move("usr_1", "gst_1")
    before = cart()
    assert merge(headers=idempotency_headers("k")).json == before
    assert merge().json == before


@pytest.mark.parametrize("other", ["the customer adds", "the guest adds", "another merge"])
def test_a_change_between_a_merges_read_and_write_is_applied_exactly_once(shop, monkeypatch, other: str):
    read = reads.both_carts
    changes: list[str] = []

    def read_before_a_change(owner: str, guest_id: str) -> tuple[Cart, Cart]:
        found = read(owner, guest_id)
        if not changes:
            changes.append(other)
            if other == "another merge":
                merging.move("usr_1", "gst_1")
            else:
                carts.add_item("usr_1" if other == "the customer adds" else "gst_1", "A", 5)
        return found

    monkeypatch.setattr(reads, "both_carts", read_before_a_change)
    merging.move("usr_1", "gst_1")
    assert quantities() == {"A": 1 if other == "another merge" else 6, "B": 6, "C": 3}
    assert quantities(guest()) == {}
    assert cart()["version"] == {"the customer adds": 4}.get(other, 3)


def test_concurrent_merges_and_changes_are_each_applied_once(shop):
    coupons.create("MINE", Terms(kind=Kind.PERCENTAGE, value=10), None)

    def each(*actions: Callable[[], object]) -> None:
        for action in actions:
            action()

    def move() -> None:
        merging.move("usr_1", "gst_1")

    def add(owner: str, sku: str) -> None:
        carts.add_item(owner, sku, 1)

    run_concurrently(
        lambda: each(move, move),
        lambda: each(move),
        lambda: each(lambda: add("usr_1", "A"), lambda: add("usr_1", "A")),
        lambda: each(lambda: add("gst_1", "A"), lambda: add("gst_1", "C")),
        lambda: each(lambda: coupons.put_on_cart("usr_1", "MINE", None)),
    )
    move()
    assert quantities() == {"A": 1 + 2 + 1, "B": 6, "C": 4}
    assert cart()["coupon"] == "MINE"
    assert quantities(guest()) == {}


@given(
    st.dictionaries(st.sampled_from("ABCDEFGHIJKL"), line_quantities),
    st.dictionaries(st.sampled_from("ABCDEFGHIJKL"), line_quantities),
    st.sampled_from([None, "MINE"]),
    st.sampled_from([None, "GUESTS"]),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_merging_respects_limits_and_never_reduces_the_customers_lines(
    mine: dict[str, int], theirs: dict[str, int], my_coupon: str | None, their_coupon: str | None
):
    own = filled(OWN_CART, dict(list(mine.items())[:9])).with_coupon(my_coupon)
    guest_cart = filled(GUEST_CART, dict(list(theirs.items())[:9])).with_coupon(their_coupon)
    merged = own.merged_with(guest_cart)
    had, brought, now = counts(own), counts(guest_cart), counts(merged)
    for sku in {*had, *brought}:
        wanted = min(had.get(sku, 0) + brought.get(sku, 0), MAX_QUANTITY)
        assert had.get(sku, 0) <= now.get(sku, 0) <= wanted
        if merged.item_count < MAX_PIECES:
            assert now[sku] == wanted
    assert merged.item_count <= MAX_PIECES
    assert list(now)[: len(had)] == list(had)
    assert merged.coupon == (my_coupon or their_coupon)
    assert merged.merged_with(guest_cart.clear()) is merged


def test_a_merged_cart_has_at_most_1000_lines_and_100000_pieces():
    own = filled(OWN_CART, {f"O{number}": 1 for number in range(MAX_LINES - 1)})
    guest_cart = filled(GUEST_CART, {"G1": 7, "G2": 7, "O0": 1})
    merged = own.merged_with(guest_cart)
    assert len(merged.lines) == MAX_LINES
    assert (merged.lines["G1"].quantity, merged.lines["O0"].quantity, "G2" in merged.lines) == (7, 2, False)
    heavy = filled(OWN_CART, {f"O{number}": 9_999 for number in range(10)})  # 99,990
    topped = heavy.merged_with(filled(GUEST_CART, {"G1": 8, "G2": 8}))
    assert (topped.lines["G1"].quantity, topped.lines["G2"].quantity) == (8, 2)


def test_a_line_in_both_carts_takes_the_guests_product_data():
    own, guest_cart = OWN_CART.put(product_data("A", 100), 1), GUEST_CART.put(product_data("A", 150), 1)
    assert own.merged_with(guest_cart).lines["A"].unit_price.amount == 150


def test_carts_in_two_currencies_merge_only_if_one_is_empty():
    euros = GUEST_CART.put(product_data("E", currency="EUR"), 1)
    with pytest.raises(CurrencyMismatch):
        OWN_CART.put(product_data("A"), 1).merged_with(euros)
    assert OWN_CART.merged_with(euros).currency == "EUR"
    pounds = OWN_CART.put(product_data("A"), 1)
    assert pounds.merged_with(Cart("gst_1", "EUR")) is pounds
