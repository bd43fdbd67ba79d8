"""A shopper, over HTTP: an account, a cart, a quote, an order, a payment, a parcel that goes back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from localstack.cloud.local_cloud import Cloud, LocalCloudError
from localstack.cloud.shop import Shop
from localstack.demo import cards

PATIENCE_SECONDS = 60
ADDRESS = {
    "name": "Grace Hopper",
    "line1": "1 Harbour Street",
    "city": "Bristol",
    "postal_code": "BS1 4RN",
    "country": "GB",
}


@dataclass(frozen=True)
class Shopper:
    cloud: Cloud
    shop: Shop
    email: str

    @classmethod
    def register(cls, cloud: Cloud, base_url: str, email: str, name: str) -> "Shopper":
        """A new account, signed in; an account that exists already is signed in to."""
        stranger = Shop(base_url)
        password = f"demo {email} 8Kq"[:128][::-1]
        answer = stranger.call(
            "POST", "/users/register", {"email": email, "password": password, "name": name}
        )
        if answer.status not in {201, 409}:
            raise LocalCloudError(f"POST /users/register answered {answer.status}: {answer.body}")
        tokens = stranger.expect(200, "POST", "/users/login", {"email": email, "password": password})
        return cls(cloud, Shop(base_url, tokens["access_token"]), email)

    def add(self, sku: str, quantity: int) -> Any:
        return self.shop.expect(200, "POST", "/cart/items", {"sku": sku, "quantity": quantity})

    def quote(self, address: dict[str, str] | None = None, method: str | None = None) -> Any:
        asked: dict[str, Any] = {"shipping_address": address or ADDRESS}
        if method:
            asked["shipping_method"] = method
        return self.shop.expect(200, "POST", "/cart/quote", asked)

    def order(self, quote: dict[str, Any]) -> Any:
        body = {"quote_token": quote["quote_token"]}
        return self.shop.expect(201, "POST", "/orders", body, Idempotency_Key=str(uuid4()))

    def payment(self, order: dict[str, Any]) -> Any:
        body = {"order_id": order["order_id"]}
        return self.shop.expect(201, "POST", "/payments", body, Idempotency_Key=str(uuid4()))

    def pay(self, order: dict[str, Any], card: str = "pm_card_visa") -> Any:
        """Open the order's payment and confirm it with a test card; what Stripe answers."""
        return cards.confirm(self.cloud, self.payment(order), card)

    def send_back(self, order: dict[str, Any], pieces: dict[str, int], reason: str) -> Any:
        """Ask to return so many pieces of each SKU; the return, `requested`."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in pieces.items()]
        path = f"/orders/{order['order_id']}/returns"
        return self.shop.expect(
            201, "POST", path, {"lines": lines, "reason": reason}, Idempotency_Key=str(uuid4())
        )

    def order_when(self, order_id: str, status: str, patience: float = PATIENCE_SECONDS) -> Any:
        """The order, as soon as it has the status."""

        def look() -> Any:
            order = self.shop.expect(200, "GET", f"/orders/{order_id}")
            return order if order["status"] == status else None

        return until(look, f"order {order_id} to become {status}", patience)


def staff_ships(staff: Shop, order: dict[str, Any], pieces: dict[str, int] | None = None) -> Any:
    """A parcel leaves with so many pieces of each SKU, or with all that is left; the order after it."""
    body: dict[str, Any] = {"carrier": "Royal Mail", "tracking": f"TS{uuid4().hex[:9].upper()}GB"}
    if pieces is not None:
        body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in pieces.items()]
    path = f"/orders/{order['order_id']}/fulfilments"
    return staff.expect(201, "POST", path, body, Idempotency_Key=str(uuid4()))


def until(look: Callable[[], Any], what: str, patience: float = PATIENCE_SECONDS) -> Any:
    """What `look` finds, as soon as it finds something. Raises LocalCloudError after `patience` seconds."""
    end = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > end:
            raise LocalCloudError(
                f"waited {patience:.0f} s in vain for {what}; `make logs` shows what happened"
            )
        time.sleep(0.3)
    return found
