"""The actions of shoppers and staff, one function per request."""

from collections.abc import Mapping
from typing import Any

from tests.simulator.simulator import Simulator
from tests.support import Identity, Reply, customer, guest, staff

ADA = customer("usr_ada", "ada@example.com")
BOB = customer("usr_bob", "bob@example.com")
GUEST = guest("gst_eve")
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
PRICE, DELIVERY = 500, 395
COUPON = "TEN"  # 10 % off, for up to three orders


def gbp(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def open_shop(simulator: Simulator, on_hand: Mapping[str, int]) -> None:
    """Create products with this stock per SKU, a shipping method and a coupon; deliver all events."""
    variants = [{"sku": sku, "title": sku, "price": gbp(PRICE), "stock": n} for sku, n in on_hand.items()]
    _ok(
        simulator.call(
            "catalog",
            "POST",
            "/products",
            {"title": "A mug", "status": "active", "variants": variants},
            staff(),
        )
    )
    rates = [{"min_subtotal": gbp(0), "price": gbp(DELIVERY)}]
    method = {"name": "Standard", "countries": ["GB"], "rates": rates}
    _ok(simulator.call("cart", "PUT", "/shipping-methods/standard", method, staff()))
    terms = {"code": COUPON, "kind": "percentage", "value": 10, "usage_limit": 3, "per_user_limit": 2}
    _ok(simulator.call("cart", "POST", "/coupons", terms, staff()))
    simulator.pump()
    assert not simulator.dead_letters, simulator.dead_letters


def add(simulator: Simulator, who: Identity, sku: str, quantity: int) -> Reply:
    return simulator.call("cart", "POST", "/cart/items", {"sku": sku, "quantity": quantity}, who)


def fill(simulator: Simulator, who: Identity, wanted: Mapping[str, int]) -> None:
    """Add so many pieces of each SKU to the cart."""
    for sku, quantity in wanted.items():
        _ok(add(simulator, who, sku, quantity))


def put_coupon(simulator: Simulator, who: Identity) -> Reply:
    return simulator.call("cart", "PUT", "/cart/coupon", {"code": COUPON}, who)


def quote(simulator: Simulator, who: Identity) -> Reply:
    return simulator.call("cart", "POST", "/cart/quote", {"shipping_address": ADDRESS}, who)


def place_quoted(simulator: Simulator, who: Identity, token: str, key: str) -> Reply:
    return simulator.call("orders", "POST", "/orders", {"quote_token": token} | _email(who), who, key)


def place_cart(simulator: Simulator, who: Identity, key: str) -> Reply:
    return simulator.call("orders", "POST", "/orders", {"shipping_address": ADDRESS} | _email(who), who, key)


def _email(who: Identity) -> dict[str, str]:
    return {} if who.email else {"email": f"{who.user_id}@example.com"}


def cancel(simulator: Simulator, who: Identity, order_id: str, key: str) -> Reply:
    return simulator.call("orders", "POST", f"/orders/{order_id}/cancel", None, who, key)


def read(simulator: Simulator, who: Identity, order_id: str) -> Reply:
    return simulator.call("orders", "GET", f"/orders/{order_id}", None, who)


def open_payment(simulator: Simulator, who: Identity, order_id: str, key: str) -> Reply:
    return simulator.call("payments", "POST", "/payments", {"order_id": order_id}, who, key)


def ship(simulator: Simulator, order_id: str, key: str, lines: Mapping[str, int] | None = None) -> Reply:
    """Ship so many pieces of each SKU, or everything that is not yet shipped."""
    body: dict[str, Any] = {"carrier": "Royal Mail", "tracking": "RM 1"}
    if lines:
        body["lines"] = _lines(lines)
    return simulator.call("orders", "POST", f"/orders/{order_id}/fulfilments", body, staff(), key)


def set_status(simulator: Simulator, order_id: str, status: str) -> Reply:
    return simulator.call("orders", "PUT", f"/orders/{order_id}/status", {"status": status}, staff())


def request_return(
    simulator: Simulator, who: Identity, order_id: str, lines: Mapping[str, int], key: str
) -> Reply:
    body = {"lines": _lines(lines), "reason": "too blue"}
    return simulator.call("orders", "POST", f"/orders/{order_id}/returns", body, who, key)


def decide_return(
    simulator: Simulator, order_id: str, return_id: str, status: str, restock: bool | None = None
) -> Reply:
    body = {"status": status} | ({} if restock is None else {"restock": restock})
    return simulator.call("orders", "PUT", f"/orders/{order_id}/returns/{return_id}", body, staff())


def _lines(lines: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]


def pay(simulator: Simulator, who: Identity, order_id: str, card: str = "pm_card_visa") -> bool:
    """Open the order's payment and confirm it with a card; return whether Stripe accepted it."""
    opened = open_payment(simulator, who, order_id, f"pay {order_id} {simulator.now} {card}")
    return opened.status == 201 and simulator.confirm_card(opened.json["provider_id"], card)


def placed_order(simulator: Simulator, who: Identity, sku: str, quantity: int, key: str = "first") -> str:
    """Place an order, deliver all events, and return its id."""
    fill(simulator, who, {sku: quantity})
    order_id: str = _ok(place_cart(simulator, who, key)).json["order_id"]
    simulator.pump()
    return order_id


def paid_order(simulator: Simulator, who: Identity, sku: str, quantity: int, key: str = "first") -> str:
    """Place and pay an order, deliver all events, and return its id."""
    order_id = placed_order(simulator, who, sku, quantity, key)
    assert pay(simulator, who, order_id)
    simulator.pump()
    assert read(simulator, who, order_id).json["status"] == "paid"
    return order_id


def dispute(simulator: Simulator, order_id: str, status: str) -> None:
    """Open a dispute of the order's payments with this status, or update the open dispute if possible."""
    for intent in _intents(simulator, order_id):
        simulator.control_stripe("dispute", payment_intent=intent, status=status)


def fail_refunds(simulator: Simulator, order_id: str) -> None:
    """Let the order's refunds fail at Stripe, so that the money returns to the shop."""
    for refund in simulator.stripe_objects("refund"):
        if refund["payment_intent"] in _intents(simulator, order_id):
            simulator.control_stripe("refund", refund=refund["id"], status="failed")


def _intents(simulator: Simulator, order_id: str) -> list[str]:
    intents = simulator.stripe_objects("payment_intent")
    return [intent["id"] for intent in intents if intent["metadata"]["order_id"] == order_id]


def _ok(reply: Reply) -> Reply:
    assert reply.status < 300, reply.text
    return reply
