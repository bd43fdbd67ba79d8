"""Stock: counted, adjusted, and never lower than the reserved stock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from catalog.app.api import api
from shared.dynamodb.idempotency import LEASE, IdempotencyStore
from shared.runtime import clock
from tests.catalog.catalog_driver import create_product, levels, line, release, reserve, variant
from tests.support import call, customer, idempotency_headers, staff


def count(sku, on_hand, **request):
    return call(api, "PUT", f"/stock/{sku}", body={"on_hand": on_hand}, **{"caller": staff(), **request})


def adjust(sku, delta, key=None, **request):
    body = {"delta": delta, "reason": "a crate was dropped"}
    sent = {"caller": staff(), "headers": idempotency_headers(key), **request}
    return call(api, "POST", f"/stock/{sku}/adjustments", body=body, **sent)


def test_counted_stock_includes_reserved_pieces(cloud):
    product = create_product(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    response = count("RED", 30)
    assert (response.status, response.json) == (
        200,
        {"sku": "RED", "on_hand": 30, "reserved": 4, "available": 26},
    )
    assert levels("RED") == (26, 4)


def test_a_repeated_count_changes_nothing(cloud):
    create_product(variant("RED"))
    assert count("RED", 7).json == count("RED", 7).json
    assert levels("RED") == (7, 0)


def test_stock_on_hand_cannot_be_lower_than_the_reserved_stock(cloud):
    product = create_product(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    for response in (count("RED", 3), adjust("RED", -7)):
        assert response.status == 409
        assert response.json["type"] == "/problems/stock-reserved"
        assert response.json["reserved"] == 4
    assert levels("RED") == (6, 4)
    assert count("RED", 4).status == 200
    assert levels("RED") == (0, 4)


def test_a_repeated_adjustment_changes_the_stock_once(cloud):
    create_product(variant("RED"))
    first, again = adjust("RED", -3, "key-1"), adjust("RED", -3, "key-1")
    assert (first.status, first.json) == (again.status, again.json)
    assert again.header("Idempotent-Replayed") == "true"
    assert levels("RED") == (7, 0)
    assert adjust("RED", -3, "key-2").status == 200
    assert levels("RED") == (4, 0)


def test_an_adjustment_requires_a_key_and_a_reason(cloud):
    create_product(variant("RED"))
    assert adjust("RED", 1, headers={}).status == 400
    bare = call(
        api,
        "POST",
        "/stock/RED/adjustments",
        body={"delta": 1},
        caller=staff(),
        headers=idempotency_headers(),
    )
    assert bare.status == 422
    assert levels("RED") == (10, 0)


def test_concurrent_adjustments_all_count(cloud):
    create_product(variant("RED", stock=0))
    with ThreadPoolExecutor(8) as pool:
        assert {response.status for response in pool.map(lambda _: adjust("RED", 5), range(8))} == {200}
    assert levels("RED") == (40, 0)


def test_concurrent_adjustments_and_orders_lose_no_piece(cloud):
    product = create_product(variant("RED", stock=100))

    def act(number):
        if number % 3 == 0:
            return adjust("RED", 1).status
        reserve(f"ord_{number}", line(product, "RED", 2))
        return release(f"ord_{number}") if number % 3 == 1 else None

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(act, range(24)))
    assert levels("RED") == (108 - 16, 16)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_stock_of_an_unknown_sku_is_not_found(cloud, method):
    body = {"on_hand": 1} if method == "PUT" else None
    assert call(api, method, "/stock/NONE", body=body, caller=staff()).status == 404


def test_only_staff_can_read_and_change_stock(cloud):
    create_product(variant("RED"))
    assert call(api, "GET", "/stock/RED", caller=customer()).status == 403
    assert count("RED", 1, caller=customer()).status == 403
    assert adjust("RED", 1, caller=customer()).status == 403
    assert levels("RED") == (10, 0)


@pytest.mark.parametrize("on_hand", [-1, 1.5, "10", None, 10_000_001])
def test_stock_on_hand_is_a_whole_number_within_bounds(cloud, on_hand):
    create_product(variant("RED"))
    response = count("RED", on_hand)
    assert (response.status, response.json["errors"][0]["pointer"]) == (422, "/on_hand")
    assert levels("RED") == (10, 0)


def test_an_adjustment_that_crashed_before_its_response_is_applied_once(cloud, monkeypatch):
    create_product(variant("RED"))
    before, _ = levels("RED")

    def die(*_):
        raise SystemExit

    with monkeypatch.context() as death:
        death.setattr(IdempotencyStore, "complete", die)
        death.setattr(IdempotencyStore, "release", lambda *_: None)
        with pytest.raises(SystemExit):
            adjust("RED", 2, "key-1")
    later = clock.now() + LEASE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    again = adjust("RED", 2, "key-1")
    assert (again.status, again.json["available"]) == (200, before + 2)
    assert levels("RED") == (before + 2, 0)
