"""The deployed API answers generated requests of every kind of caller as its document says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from localstack.cloud.shop import Shop
from localstack.demo.shopper import Shopper
from tests.generated_requests import Requests, check_all
from tests.journeys.conftest import new_key, pay_and_wait
from tests.schemathesis_hooks import UNUSED_COUNTRY

PHASES = "examples,fuzzing"  # the boundary values of every field are sent in tests/simulator
EXAMPLES = 2


def known_values(shopper: Shopper, order: dict[str, Any]) -> dict[str, list[str]]:
    """Return the path parameters of what the shopper bought."""
    payments = shopper.shop.expect(200, "GET", f"/payments?order_id={order['order_id']}")["items"]
    line = order["lines"][0]
    return {
        "order_id": [order["order_id"]],
        "payment_id": [payment["payment_id"] for payment in payments] or ["pay_unknown"],
        "product_id": [line["product_id"]],
        "sku": [line["sku"]],
        "country": [UNUSED_COUNTRY],
        "method": ["generated"],
    }


def test_every_answer_is_documented_and_none_is_a_server_error(
    url: str,
    staff: Shop,
    place_order: Callable[..., dict[str, Any]],
    create_product: Callable[..., str],
    shopper: Callable[[], Shopper],
    guest: Shopper,
    tmp_path: Path,
) -> None:
    customer = shopper()
    of_customer = known_values(customer, pay_and_wait(customer, place_order(customer)))
    guest.add(create_product(), 1)
    body = {"quote_token": guest.quote()["quote_token"], "email": guest.email}
    of_guest = known_values(guest, guest.shop.expect(201, "POST", "/orders", body, **new_key()))
    check_all(
        url,
        tmp_path,
        Requests("nobody", None, of_customer, PHASES, EXAMPLES),
        Requests("guest", guest.shop.token, of_guest, PHASES, EXAMPLES),
        Requests("customer", customer.shop.token, of_customer, PHASES, EXAMPLES),
        Requests("staff", staff.token, of_customer, PHASES, EXAMPLES),
    )
