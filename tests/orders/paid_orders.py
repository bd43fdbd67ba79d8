"""Orders that are paid, and the later changes to them, through the API and events."""

from typing import Any

from orders.app.api import api
from orders.app.consume import consume
from orders.domain.orders import Order, RefundDue
from orders.tables import orders
from shared.contracts.events.envelope import Event
from shared.contracts.events.payments import PaymentAuthorized, PaymentData, PaymentRefunded, PaymentSucceeded
from shared.runtime import clock
from shared.values.money import Money
from tests.orders.conftest import SHOPPER, place, read, token
from tests.orders.samples import gbp
from tests.support import Identity, Reply, call, deliver, idempotency_headers, staff

STAFF = staff()


def placed(**changes: Any) -> dict[str, Any]:
    reply = place({"quote_token": token(**changes)})
    assert reply.status == 201, reply.text
    order: dict[str, Any] = reply.json
    return order


def payment_data(order: dict[str, Any], payment_id: str = "pay_1", **changes: Any) -> PaymentData:
    total = Money(**order["total"])
    values: dict[str, Any] = {
        "payment_id": payment_id,
        "order_id": order["order_id"],
        "number": order["number"],
        "user_id": "usr_1",
        "email": "ada@example.com",
        "amount": total,
        "secured": changes.get("amount", total),
        "captured": changes.get("amount", total),
        "refunded": Money.zero("GBP"),
        "status": "succeeded",
    }
    return PaymentData(**(values | changes))


def pay(order: dict[str, Any], payment_id: str = "pay_1") -> dict[str, Any]:
    event = PaymentSucceeded.of(
        payment_data(order, payment_id), subject=payment_id, version=2, at=clock.now()
    )
    assert deliver(consume, event) == []
    shown: dict[str, Any] = read(order["order_id"]).json
    return shown


def refund_payment(order: dict[str, Any], refunded: int, version: int = 3) -> dict[str, Any]:
    """Deliver the event that `refunded` was refunded in total."""
    data = payment_data(order, refunded=Money(amount=refunded, currency="GBP"))
    event = PaymentRefunded.of(data, subject="pay_1", version=version, at=clock.now())
    assert deliver(consume, event) == []
    shown: dict[str, Any] = read(order["order_id"]).json
    return shown


def paid(**changes: Any) -> dict[str, Any]:
    return pay(placed(**changes))


def fulfil(order: dict[str, Any], key: str | None = None, who: Identity = STAFF, **body: Any) -> Reply:
    body = {"carrier": "Royal Mail", "tracking": "RM123456789GB"} | body
    path = f"/orders/{order['order_id']}/fulfilments"
    return call(api, "POST", path, body=body, caller=who, headers=idempotency_headers(key))


def set_status(order: dict[str, Any], who: Identity = STAFF, **body: Any) -> Reply:
    return call(api, "PUT", f"/orders/{order['order_id']}/status", body=body, caller=who)


def delivered(**changes: Any) -> dict[str, Any]:
    order = paid(**changes)
    assert set_status(order, status="shipped").status == 200
    shown: dict[str, Any] = set_status(order, status="delivered").json
    return shown


def request_return(
    order: dict[str, Any], *lines: tuple[str, int], key: str | None = None, who: Identity = SHOPPER
) -> Reply:
    body = {"lines": [{"sku": sku, "quantity": n} for sku, n in lines], "reason": "does not fit"}
    return call(
        api,
        "POST",
        f"/orders/{order['order_id']}/returns",
        body=body,
        caller=who,
        headers=idempotency_headers(key),
    )


def decide_return(
    order: dict[str, Any], return_: dict[str, Any], who: Identity = STAFF, **body: Any
) -> Reply:
    path = f"/orders/{order['order_id']}/returns/{return_['return_id']}"
    return call(api, "PUT", path, body=body, caller=who)


def receive_return(order: dict[str, Any], *lines: tuple[str, int], **body: Any) -> dict[str, Any]:
    """Request, approve and receive a return."""
    return_ = request_return(order, *lines).json
    assert decide_return(order, return_, status="approved").status == 200
    reply = decide_return(order, return_, status="received", **body)
    assert reply.status == 200, reply.text
    shown: dict[str, Any] = reply.json
    return shown


def publish_payment(
    kind: type[Event], order: dict[str, Any], payment_id: str = "pay_1", version: int = 2, **sums: Any
) -> None:
    """Deliver a payment event; amounts in pence, `captured` and `refunded` are 0 unless given."""
    total = order["total"]["amount"]
    secured = sums.pop("secured", total)
    amounts = {
        "amount": gbp(total),
        "secured": gbp(secured),
        "captured": gbp(sums.pop("captured", 0)),
        "refunded": gbp(sums.pop("refunded", 0)),
    }
    event = kind.of(
        payment_data(order, payment_id, **amounts, **sums),
        subject=payment_id,
        version=version,
        at=clock.now(),
    )
    assert deliver(consume, event) == []


def authorized(payment_id: str = "pay_1", **changes: Any) -> dict[str, Any]:
    """Return an order that is paid by an authorization."""
    order = placed(**changes)
    publish_payment(PaymentAuthorized, order, payment_id)
    shown: dict[str, Any] = read(order["order_id"]).json
    assert (shown["status"], shown["payment_id"]) == ("paid", payment_id)
    return shown


def stored_order(order: dict[str, Any]) -> Order:
    found = orders.find("usr_1", order["order_id"])
    assert found is not None
    return found


def state(order: dict[str, Any]) -> tuple[str, str | None, dict[str, RefundDue]]:
    """Return the order's status, its payment and the refunds due."""
    shown = read(order["order_id"]).json
    return (
        shown["status"],
        shown["payment_id"],
        {str(key): due for key, due in stored_order(order).refunds_due.items()},
    )


def timeline_details(order: dict[str, Any], kind: str, who: Identity = SHOPPER) -> list[str]:
    """Return the details of the timeline's entries of this type."""
    path = f"/orders/{order['order_id']}/timeline"
    return [entry["detail"] for entry in call(api, "GET", path, caller=who).json if entry["type"] == kind]
