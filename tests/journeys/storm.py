"""Shoppers who do not give up: what each of them does in bad weather, and what must come of it."""

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
from tests.journeys.conftest import expire

PATIENCE_SECONDS = 420  # a webhook that was dropped is caught up every five minutes
DECLINED = "pm_card_visa_chargeDeclined"
Order = dict[str, Any]


@dataclass
class Storm:
    """All that shoppers and staff share; `said` has each order with what must have become of it."""

    cloud: Cloud
    url: str
    staff: Client
    skus: list[str]
    coupon: str
    retries: Counter[str]
    ends: dict[str, set[str]] = field(default_factory=dict)
    buyers: dict[str, Client] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, orders: int, at_once: int) -> None:
        """So many orders, by so many shoppers at the same time. Raises the first LocalCloudError."""
        with ThreadPoolExecutor(at_once) as pool:
            acts = itertools.islice(itertools.cycle(ACTS), orders)
            jobs = [pool.submit(self._play, act) for act in acts]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _play(self, act: "Act") -> None:
        buyer = Buyer(self)
        order, ends = act(buyer)
        with self.lock:
            self.ends[order["order_id"]] = ends
            self.buyers[order["order_id"]] = buyer.client
            self.told[act.__name__] += 1


class Buyer:
    """One shopper with an account of their own."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.email = f"storm.{uuid4().hex[:12]}@example.com"
        stranger = Client(Shop(storm.url), storm.retries)
        password = f"{uuid4().hex} at sea"
        made = {"email": self.email, "password": password, "name": "Storm Petrel"}
        stranger.expect(201, "POST", "/users/register", made)
        tokens = stranger.expect(200, "POST", "/users/login", {"email": self.email, "password": password})
        self.client = Client(Shop(storm.url, tokens["access_token"]), storm.retries)

    def places(self, *, coupon: bool = False) -> Order:
        """Two different things, three pieces; the order, however often it was sent."""
        first, second = random.sample(self.storm.skus, 2)
        for sku, quantity in ((first, 2), (second, 1)):
            self.client.expect(200, "POST", "/cart/items", {"sku": sku, "quantity": quantity})
        if coupon:
            self.client.expect(200, "PUT", "/cart/coupon", {"code": self.storm.coupon})
        quote = self.client.expect(200, "POST", "/cart/quote", {"shipping_address": ADDRESS})
        body, key = {"quote_token": quote["quote_token"]}, str(uuid4())
        with ThreadPoolExecutor(2) as clicks:
            jobs = [clicks.submit(self.client.expect, 201, "POST", "/orders", body, key) for _ in range(2)]
            first_order, again = (job.result() for job in jobs)
        assert first_order["order_id"] == again["order_id"]
        return dict(first_order)

    def opens(self, order: Order) -> dict[str, Any]:
        body = {"order_id": order["order_id"]}
        return dict(self.client.expect(201, "POST", "/payments", body))

    def pays(self, order: Order, card: str = "pm_card_visa") -> dict[str, Any]:
        """Open the payment and confirm it with a card; Stripe's answer."""
        return cards.confirm(self.storm.cloud, self.opens(order), card)

    def sees(self, order: Order, *statuses: str) -> Order:
        """The order as soon as it has one of these."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found = self.client.expect(200, "GET", f"/orders/{order['order_id']}")
            if found["status"] in statuses:
                return dict(found)
            time.sleep(0.7)
        raise LocalCloudError(f"{order['order_id']} is {found['status']}, not {statuses}")

    def cancels(self, order: Order) -> None:
        path = f"/orders/{order['order_id']}/cancel"
        answer = self.client.call("POST", path)
        assert answer.status == 200, answer.body

    def ships(self, order: Order, lines: list[dict[str, Any]] | None = None) -> Order:
        body: dict[str, Any] = {"carrier": "Royal Mail", "tracking": uuid4().hex[:12]}
        body |= {"lines": lines} if lines else {}
        path = f"/orders/{order['order_id']}/fulfilments"
        return dict(self.storm.staff.expect(201, "POST", path, body))


Act = Callable[[Buyer], tuple[Order, set[str]]]


def buys(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places()
    buyer.pays(order)
    return order, {"paid"}


def buys_with_a_coupon(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places(coupon=True)
    buyer.pays(order)
    return order, {"paid"}


def is_declined_and_pays(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places()
    assert "error" in buyer.pays(order, DECLINED)
    buyer.pays(order)
    return order, {"paid"}


def pays_in_two_tabs(buyer: Buyer) -> tuple[Order, set[str]]:
    """Both open the payment at once; each tries its card."""
    order = buyer.places()
    with ThreadPoolExecutor(2) as tabs:
        opened = list(tabs.map(lambda _: buyer.opens(order), range(2)))
        list(tabs.map(lambda payment: cards.confirm(buyer.storm.cloud, payment), opened))
    assert len({payment["payment_id"] for payment in opened}) == 1
    return order, {"paid"}


def changes_their_mind(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places(coupon=True)
    buyer.opens(order)
    buyer.cancels(order)
    return order, {"cancelled"}


def pays_and_cancels(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places()
    buyer.pays(order)
    buyer.sees(order, "paid")
    buyer.cancels(order)
    return order, {"cancelled"}


def cancels_while_it_is_paid(buyer: Buyer) -> tuple[Order, set[str]]:
    """Money and cancellation cross; whichever comes first, nothing is kept."""
    order = buyer.places()
    buyer.pays(order)
    buyer.cancels(order)
    return order, {"cancelled"}


def never_pays(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places(coupon=True)
    buyer.opens(order)
    expires(buyer, order)
    return order, {"expired"}


def pays_too_late(buyer: Buyer) -> tuple[Order, set[str]]:
    """At the last moment: the order is paid, or it is over and the money goes back."""
    order = buyer.places()
    payment = buyer.opens(order)
    with ThreadPoolExecutor(2) as both:
        both.submit(cards.confirm, buyer.storm.cloud, payment)
        both.submit(expires, buyer, order).result()
    return order, {"paid", "expired"}


def expires(buyer: Buyer, order: Order) -> None:
    """Its time runs out, and the sweeper runs until the order is not waiting any more."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        expire(buyer.storm.cloud, order)
        found = buyer.client.expect(200, "GET", f"/orders/{order['order_id']}")
        if found["status"] != "awaiting_payment":
            return
        time.sleep(0.5)
    raise LocalCloudError(f"{order['order_id']} does not expire")


def is_sent_parcels(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places()
    buyer.pays(order)
    buyer.sees(order, "paid")
    buyer.ships(order, [{"sku": order["lines"][0]["sku"], "quantity": 1}])
    buyer.ships(order)
    return order, {"shipped"}


def sends_some_back(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places(coupon=True)
    buyer.pays(order)
    buyer.sees(order, "paid")
    buyer.ships(order)
    path = f"/orders/{order['order_id']}/returns"
    body = {"lines": [{"sku": order["lines"][0]["sku"], "quantity": 1}], "reason": "wet from the rain"}
    made = buyer.client.expect(201, "POST", path, body)
    for status in ("approved", "received"):
        answer = buyer.storm.staff.call("PUT", f"{path}/{made['return_id']}", {"status": status})
        # A PUT has no key: one whose answer was lost finds that it is so already.
        assert answer.status == 200 or answer.body["status_now"] == status, answer.body
    return order, {"shipped"}


def is_refunded_by_staff(buyer: Buyer) -> tuple[Order, set[str]]:
    order = buyer.places()
    buyer.pays(order)
    order = buyer.sees(order, "paid")
    path = f"/payments/{order['payment_id']}/refunds"
    buyer.storm.staff.expect(201, "POST", path, {"amount": {"amount": 100, "currency": "GBP"}})
    return order, {"paid"}


ACTS: tuple[Act, ...] = (
    buys,
    is_declined_and_pays,
    changes_their_mind,
    buys_with_a_coupon,
    is_sent_parcels,
    never_pays,
    pays_in_two_tabs,
    sends_some_back,
    pays_and_cancels,
    is_refunded_by_staff,
    cancels_while_it_is_paid,
    pays_too_late,
)
