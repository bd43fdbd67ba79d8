"""A shopper who uses the API: registers, fills a cart, orders, pays and returns goods."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from localstack.cloud.local_cloud import Cloud, LocalCloudError
from localstack.cloud.shop import Shop
from localstack.demo import cards

TIMEOUT_SECONDS = 60
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
        """Return a signed-in shopper; the account is created unless it exists."""
        stranger = Shop(base_url)
        password = f"demo {email} 8Kq"[:128][::-1]
        response = stranger.call(
            "POST", "/users/register", {"email": email, "password": password, "name": name}
        )
        if response.status not in {201, 409}:
            raise LocalCloudError(f"POST /users/register returned {response.status}: {response.body}")
        tokens = stranger.expect(200, "POST", "/users/login", {"email": email, "password": password})
        return cls(cloud, Shop(base_url, tokens["access_token"]), email)

    def add(self, sku: str, quantity: int) -> Any:
        return self.shop.expect(200, "POST", "/cart/items", {"sku": sku, "quantity": quantity})

    def quote(self, address: dict[str, str] | None = None, method: str | None = None) -> Any:
        body: dict[str, Any] = {"shipping_address": address or ADDRESS}
        if method:
            body["shipping_method"] = method
        return self.shop.expect(200, "POST", "/cart/quote", body)

    def order(self, quote: dict[str, Any]) -> Any:
        body = {"quote_token": quote["quote_token"]}
        return self.shop.expect(201, "POST", "/orders", body, Idempotency_Key=str(uuid4()))

    def payment(self, order: dict[str, Any]) -> Any:
        body = {"order_id": order["order_id"]}
        return self.shop.expect(201, "POST", "/payments", body, Idempotency_Key=str(uuid4()))

    def pay(self, order: dict[str, Any], card: str = "pm_card_visa") -> Any:
        """Open a payment for the order, confirm it with a test card and return Stripe's response."""
        return cards.confirm(self.cloud, self.payment(order), card)

    def request_return(self, order: dict[str, Any], quantities: dict[str, int], reason: str) -> Any:
        """Request a return of these quantities by SKU; the return is `requested`."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        path = f"/orders/{order['order_id']}/returns"
        return self.shop.expect(
            201, "POST", path, {"lines": lines, "reason": reason}, Idempotency_Key=str(uuid4())
        )

    def wait_for_order(self, order_id: str, status: str, timeout: float = TIMEOUT_SECONDS) -> Any:
        """Return the order once it has the status. Raises LocalCloudError after `timeout` seconds."""

        def look() -> Any:
            order = self.shop.expect(200, "GET", f"/orders/{order_id}")
            return order if order["status"] == status else None

        return until(look, f"order {order_id} to become {status}", timeout)


def ship_order(staff: Shop, order: dict[str, Any], quantities: dict[str, int] | None = None) -> Any:
    """Create a fulfilment of these quantities by SKU, or of all unfulfilled lines, and return the order."""
    body: dict[str, Any] = {"carrier": "Royal Mail", "tracking": f"TS{uuid4().hex[:9].upper()}GB"}
    if quantities is not None:
        body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
    path = f"/orders/{order['order_id']}/fulfilments"
    return staff.expect(201, "POST", path, body, Idempotency_Key=str(uuid4()))


def until(look: Callable[[], Any], what: str, timeout: float = TIMEOUT_SECONDS) -> Any:
    """Return the first true value of `look`. Raises LocalCloudError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (found := look()):
        if time.monotonic() > end:
            raise LocalCloudError(f"timed out after {timeout:.0f} s waiting for {what}; see `make logs`")
        time.sleep(0.3)
    return found
