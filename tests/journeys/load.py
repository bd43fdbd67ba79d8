"""Load for the test under faults: shoppers who retry, their actions, and the expected order statuses."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from localstack.cloud.local_cloud import Cloud, LocalCloudError
from localstack.cloud.shop import Shop
from localstack.demo import cards
from localstack.demo.shopper import ADDRESS
from tests.journeys.client import Client
from tests.journeys.conftest import expire_order

TIMEOUT_SECONDS = 420  # a dropped webhook is replaced by the catch-up, which runs every five minutes
DECLINED = "pm_card_visa_chargeDeclined"
Order = dict[str, Any]


@dataclass
class Load:
    """The state that all shoppers share. `expected` has the allowed final statuses of each order."""

    cloud: Cloud
    url: str
    staff: Client
    skus: list[str]
    coupon: str
    retries: Counter[str]
    expected: dict[str, set[str]] = field(default_factory=dict)
    buyers: dict[str, Client] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, orders: int, at_once: int) -> None:
        """Run actions for so many orders, `at_once` at a time. Raises the first error of an action."""
        with ThreadPoolExecutor(at_once) as pool:
            actions = itertools.islice(itertools.cycle(ACTIONS), orders)
            jobs = [pool.submit(self._play, action) for action in actions]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _play(self, action: "Action") -> None:
        buyer = Buyer(self)
        order, expected = action(buyer)
        with self.lock:
            self.expected[order["order_id"]] = expected
            self.buyers[order["order_id"]] = buyer.client
            self.counts[action.__name__] += 1


class Buyer:
    """A shopper with a new account."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.email = f"load.{uuid4().hex[:12]}@example.com"
        anonymous = Client(Shop(load.url), load.retries)
        password = f"{uuid4().hex} at sea"
        made = {"email": self.email, "password": password, "name": "Load Shopper"}
        anonymous.expect(201, "POST", "/users/register", made)
        tokens = anonymous.expect(200, "POST", "/users/login", {"email": self.email, "password": password})
        self.client = Client(Shop(load.url, tokens["access_token"]), load.retries)

    def place(self, *, coupon: bool = False) -> Order:
        """Place an order of three pieces of two SKUs, sent twice with one key, and return it."""
        first, second = random.sample(self.load.skus, 2)
        for sku, quantity in ((first, 2), (second, 1)):
            self.client.expect(200, "POST", "/cart/items", {"sku": sku, "quantity": quantity})
        if coupon:
            self.client.expect(200, "PUT", "/cart/coupon", {"code": self.load.coupon})
        quote = self.client.expect(200, "POST", "/cart/quote", {"shipping_address": ADDRESS})
        body, key = {"quote_token": quote["quote_token"]}, str(uuid4())
        with ThreadPoolExecutor(2) as clicks:
            jobs = [clicks.submit(self.client.expect, 201, "POST", "/orders", body, key) for _ in range(2)]
            first_order, again = (job.result() for job in jobs)
        assert first_order["order_id"] == again["order_id"]
        return dict(first_order)

    def open_payment(self, order: Order) -> dict[str, Any]:
        body = {"order_id": order["order_id"]}
        return dict(self.client.expect(201, "POST", "/payments", body))

    def pay(self, order: Order, card: str = "pm_card_visa") -> dict[str, Any]:
        """Open the payment, confirm it with a card, and return Stripe's response."""
        return cards.confirm(self.load.cloud, self.open_payment(order), card)

    def wait_for(self, order: Order, *statuses: str) -> Order:
        """Wait until the order has one of the statuses and return it."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end:
            found = self.client.expect(200, "GET", f"/orders/{order['order_id']}")
            if found["status"] in statuses:
                return dict(found)
            time.sleep(0.7)
        raise LocalCloudError(f"{order['order_id']} is {found['status']}, not {statuses}")

    def cancel(self, order: Order) -> None:
        path = f"/orders/{order['order_id']}/cancel"
        answer = self.client.call("POST", path)
        assert answer.status == 200, answer.body

    def ship(self, order: Order, lines: list[dict[str, Any]] | None = None) -> Order:
        body: dict[str, Any] = {"carrier": "Royal Mail", "tracking": uuid4().hex[:12]}
        body |= {"lines": lines} if lines else {}
        path = f"/orders/{order['order_id']}/fulfilments"
        return dict(self.load.staff.expect(201, "POST", path, body))


Action = Callable[[Buyer], tuple[Order, set[str]]]


def buy(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place()
    buyer.pay(order)
    return order, {"paid"}


def buy_with_coupon(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place(coupon=True)
    buyer.pay(order)
    return order, {"paid"}


def pay_after_decline(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place()
    assert "error" in buyer.pay(order, DECLINED)
    buyer.pay(order)
    return order, {"paid"}


def pay_in_two_tabs(buyer: Buyer) -> tuple[Order, set[str]]:
    """Open the payment in two tabs at once and confirm it in both."""
    order = buyer.place()
    with ThreadPoolExecutor(2) as tabs:
        payments = list(tabs.map(lambda _: buyer.open_payment(order), range(2)))
        list(tabs.map(lambda payment: cards.confirm(buyer.load.cloud, payment), payments))
    assert len({payment["payment_id"] for payment in payments}) == 1
    return order, {"paid"}


def cancel_before_payment(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place(coupon=True)
    buyer.open_payment(order)
    buyer.cancel(order)
    return order, {"cancelled"}


def cancel_after_payment(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place()
    buyer.pay(order)
    buyer.wait_for(order, "paid")
    buyer.cancel(order)
    return order, {"cancelled"}


def cancel_during_payment(buyer: Buyer) -> tuple[Order, set[str]]:
    """Cancel while the payment is processed: the order is cancelled and refunded in any case."""
    order = buyer.place()
    buyer.pay(order)
    buyer.cancel(order)
    return order, {"cancelled"}


def let_expire(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place(coupon=True)
    buyer.open_payment(order)
    expire_until_done(buyer, order)
    return order, {"expired"}


def pay_at_the_deadline(buyer: Buyer) -> tuple[Order, set[str]]:
    """Pay while the order expires: it becomes paid, or expired and refunded."""
    order = buyer.place()
    payment = buyer.open_payment(order)
    with ThreadPoolExecutor(2) as both:
        both.submit(cards.confirm, buyer.load.cloud, payment)
        both.submit(expire_until_done, buyer, order).result()
    return order, {"paid", "expired"}


def expire_until_done(buyer: Buyer, order: Order) -> None:
    """Expire the order and run the sweeper until it no longer awaits payment."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < end:
        expire_order(buyer.load.cloud, order)
        found = buyer.client.expect(200, "GET", f"/orders/{order['order_id']}")
        if found["status"] != "awaiting_payment":
            return
        time.sleep(0.5)
    raise LocalCloudError(f"{order['order_id']} did not expire")


def ship_in_two_fulfilments(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place()
    buyer.pay(order)
    buyer.wait_for(order, "paid")
    buyer.ship(order, [{"sku": order["lines"][0]["sku"], "quantity": 1}])
    buyer.ship(order)
    return order, {"shipped"}


def return_one_item(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place(coupon=True)
    buyer.pay(order)
    buyer.wait_for(order, "paid")
    buyer.ship(order)
    path = f"/orders/{order['order_id']}/returns"
    body = {"lines": [{"sku": order["lines"][0]["sku"], "quantity": 1}], "reason": "wet from the rain"}
    made = buyer.client.expect(201, "POST", path, body)
    for status in ("approved", "received"):
        answer = buyer.load.staff.call("PUT", f"{path}/{made['return_id']}", {"status": status})
        # A PUT has no key: if its response was lost, the retry returns 409 with the new status.
        assert answer.status == 200 or answer.body["status_now"] == status, answer.body
    return order, {"shipped"}


def refund_by_staff(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.place()
    buyer.pay(order)
    order = buyer.wait_for(order, "paid")
    path = f"/payments/{order['payment_id']}/refunds"
    buyer.load.staff.expect(201, "POST", path, {"amount": {"amount": 100, "currency": "GBP"}})
    return order, {"paid"}


ACTIONS: tuple[Action, ...] = (
    buy,
    pay_after_decline,
    cancel_before_payment,
    buy_with_coupon,
    ship_in_two_fulfilments,
    let_expire,
    pay_in_two_tabs,
    return_one_item,
    cancel_after_payment,
    refund_by_staff,
    cancel_during_payment,
    pay_at_the_deadline,
)
