"""Concurrent orders: nothing is oversold and nothing is ordered twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from localstack.cloud.shop import Shop
from localstack.demo.shopper import Shopper, until
from tests.journeys.client import Client

SHOPPERS, PIECES = 50, 10


def test_a_double_click_creates_one_order(staff, shopper, create_product):
    buyer, sku = shopper(), create_product(stock=10)
    buyer.add(sku, 2)
    body, key = {"quote_token": buyer.quote()["quote_token"]}, str(uuid4())

    def click(_):
        return buyer.shop.call("POST", "/orders", body, Idempotency_Key=key)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(click, range(2)))
    assert Counter(answer.status for answer in answers)[201] >= 1
    assert {answer.status for answer in answers} <= {201, 409}
    again = until(lambda: (a := click(0)).status == 201 and a, "the first response again")
    assert again.headers["idempotent-replayed"] == "true"
    made = {answer.body["order_id"] for answer in [*answers, again] if answer.status == 201}
    assert len(made) == 1
    assert len(buyer.shop.expect(200, "GET", "/orders")["items"]) == 1
    assert staff.expect(200, "GET", f"/stock/{sku}")["reserved"] == 2
    other = buyer.shop.call("POST", "/orders", {"quote_token": "x"}, Idempotency_Key=key)
    assert (other.status, other.body["type"]) == (422, "/problems/idempotency-key-reused")


def test_two_keys_with_one_quote_create_one_order(shopper, create_product):
    buyer = shopper()
    buyer.add(create_product(), 1)
    body = {"quote_token": buyer.quote()["quote_token"]}
    first, second = (buyer.shop.call("POST", "/orders", body, Idempotency_Key=str(uuid4())) for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.body["order_id"] == second.body["order_id"]


def test_ten_pieces_are_sold_to_ten_of_fifty_shoppers(local, url, anonymous, staff, create_product):
    sku = create_product(stock=PIECES)

    def prepare(_):
        token = anonymous.expect(201, "POST", "/users/guest")["access_token"]
        buyer = Shopper(local, Shop(url, token), f"guest.{uuid4().hex[:10]}@example.com")
        buyer.add(sku, 1)
        return buyer, buyer.quote()["quote_token"]

    with ThreadPoolExecutor(4) as pool:
        ready = list(pool.map(prepare, range(SHOPPERS)))

    def order(job):
        buyer, token = job
        client = Client(buyer.shop, retries)
        return buyer, client.call("POST", "/orders", {"quote_token": token, "email": buyer.email})

    retries: Counter[str] = Counter()
    with ThreadPoolExecutor(SHOPPERS) as pool:
        answers = list(pool.map(order, ready))
    assert not retries["500"], retries
    statuses = Counter(answer.status for _, answer in answers)
    assert statuses == {201: PIECES, 409: SHOPPERS - PIECES}
    for _, answer in answers:
        if answer.status == 409:
            assert answer.body["type"] == "/problems/out-of-stock"
            assert answer.body["items"] == [{"sku": sku, "requested": 1, "available": 0}]
    stock = staff.expect(200, "GET", f"/stock/{sku}")
    assert (stock["on_hand"], stock["reserved"], stock["available"]) == (PIECES, PIECES, 0)

    winners = [(buyer, answer.body) for buyer, answer in answers if answer.status == 201]
    for buyer, placed in winners:
        buyer.pay(placed)
    for buyer, placed in winners:
        buyer.wait_for_order(placed["order_id"], "paid")
    stock = until(
        lambda: (s := staff.expect(200, "GET", f"/stock/{sku}"))["reserved"] == 0 and s, "nothing reserved"
    )
    assert (stock["on_hand"], stock["available"]) == (0, 0)
