"""Purchases from sign-up to the emails, declined cards, cancellations, and the root routes."""

import json
import urllib.error
import urllib.request
from uuid import uuid4

import pytest

from localstack.demo import cards
from localstack.demo.shopper import ADDRESS, until
from localstack.mail.mailbox import emails
from localstack.mail.sent import count_by_kind, kind_of
from tests.journeys.conftest import after_pause, wait_for_messages


def test_a_shopper_buys_and_gets_confirmation_and_invoice(local, staff, shopper, create_product):
    sku = create_product(stock=7, price=1250, title="Blue <b>mug</b>")
    buyer = shopper()
    cart = buyer.add(sku, 3)
    assert cart["items"][0]["line_total"] == {"amount": 3750, "currency": "GBP"}

    quote = buyer.quote()
    parts = quote["subtotal"]["amount"] - quote["discount"]["amount"] + quote["shipping"]["amount"]
    assert quote["total"]["amount"] == parts  # British prices include the tax

    placed = buyer.order(quote)
    assert placed["status"] == "awaiting_payment"
    assert placed["total"] == quote["total"]
    stock = staff.expect(200, "GET", f"/stock/{sku}")
    assert (stock["on_hand"], stock["reserved"], stock["available"]) == (7, 3, 4)

    assert buyer.pay(placed)["status"] == "succeeded"
    order = buyer.wait_for_order(placed["order_id"], "paid")
    assert order["payment_id"]

    stock = until(lambda: _unreserved(staff, sku), "stock to be committed")
    assert (stock["on_hand"], stock["reserved"], stock["available"]) == (4, 0, 4)
    wait_for_messages(buyer, "welcome", "confirmed", "invoice")
    by_subject = {kind_of(email.subject): email for email in after_pause(lambda: emails(local, buyer.email))}
    assert count_by_kind(local, buyer.email) == {"welcome": 1, "confirmed": 1, "invoice": 1}
    confirmation = by_subject["confirmed"]
    assert by_subject.keys() == {"welcome", "confirmed"}, "the invoice is attached to the confirmation"
    assert order["number"] in confirmation.subject
    assert "£37.50" in confirmation.text
    assert "Blue <b>mug</b>" in confirmation.text
    assert "<b>mug</b>" not in confirmation.html
    assert "&lt;b&gt;mug&lt;/b&gt;" in confirmation.html

    timeline = buyer.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline")
    assert [entry["type"] for entry in timeline] == ["order.placed", "order.paid", "order.invoiced"]
    assert buyer.shop.expect(200, "GET", "/cart")["items"] == []
    listed = buyer.shop.expect(200, "GET", "/orders")["items"]
    assert [entry["order_id"] for entry in listed] == [order["order_id"]]
    payment = buyer.shop.expect(200, "GET", f"/payments/{order['payment_id']}")
    assert (payment["status"], payment["amount"]) == ("succeeded", order["total"])


def _unreserved(staff, sku):
    stock = staff.expect(200, "GET", f"/stock/{sku}")
    return stock if stock["reserved"] == 0 else None


def test_a_guest_buys_with_an_email(local, guest, create_product):
    guest.add(create_product(), 1)
    token = guest.quote()["quote_token"]
    missing = guest.shop.call("POST", "/orders", {"quote_token": token}, Idempotency_Key=str(uuid4()))
    assert (missing.status, missing.body["errors"][0]["pointer"]) == (422, "/email")
    body = {"quote_token": token, "email": guest.email}
    placed = guest.shop.expect(201, "POST", "/orders", body, Idempotency_Key=str(uuid4()))
    guest.pay(placed)
    guest.wait_for_order(placed["order_id"], "paid")
    wait_for_messages(guest, "confirmed", "invoice")


def test_an_order_can_be_placed_from_the_cart_without_a_quote(shopper, create_product):
    buyer = shopper()
    buyer.add(create_product(price=999), 2)
    placed = buyer.shop.expect(
        201, "POST", "/orders", {"shipping_address": ADDRESS}, Idempotency_Key=str(uuid4())
    )
    assert placed["subtotal"]["amount"] == 1998
    assert placed["shipping_address"]["city"] == ADDRESS["city"]


def test_a_declined_card_is_reported_and_another_card_pays(local, shopper, place_order):
    buyer = shopper()
    placed = place_order(buyer)
    payment = buyer.payment(placed)
    declined = cards.confirm(local, payment, "pm_card_visa_chargeDeclined")
    assert declined["error"]["code"] == "card_declined"
    wait_for_messages(buyer, "payment failed")
    again = buyer.payment(placed)
    assert again["payment_id"] == payment["payment_id"], "one open payment per order"
    assert cards.confirm(local, again)["status"] == "succeeded"
    buyer.wait_for_order(placed["order_id"], "paid")


def test_cancelling_an_unpaid_order_releases_stock_and_cancels_the_payment(
    local, staff, shopper, create_product
):
    buyer, sku = shopper(), create_product(stock=5)
    buyer.add(sku, 4)
    placed = buyer.order(buyer.quote())
    payment = buyer.payment(placed)
    path = f"/orders/{placed['order_id']}/cancel"
    key = str(uuid4())
    assert buyer.shop.expect(200, "POST", path, Idempotency_Key=key)["status"] == "cancelled"
    again = buyer.shop.call("POST", path, Idempotency_Key=key)
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert buyer.shop.call("POST", path, Idempotency_Key=str(uuid4())).status == 409
    until(lambda: staff.expect(200, "GET", f"/stock/{sku}")["available"] == 5, "the stock to be released")

    def cancelled():
        found = [i for i in cards.payment_intents(local) if i["id"] == payment["provider_id"]]
        return found[0]["status"] == "canceled"

    until(cancelled, "the PaymentIntent to be cancelled")
    assert "error" in cards.confirm(local, payment)


def test_the_root_serves_health_document_preflight_and_problems(anonymous, url):
    health = anonymous.expect(200, "GET", "/health")
    assert health["status"] == "ok"
    assert set(health["services"]) == {"users", "catalog", "cart", "orders", "payments", "notify"}
    document = anonymous.expect(200, "GET", "/openapi.json")
    assert document["openapi"].startswith("3.1")
    anonymous.expect(200, "GET", "/docs")

    preflight = urllib.request.Request(f"{url}/orders", method="OPTIONS")
    preflight.add_header("Origin", "https://shop.example")
    preflight.add_header("Access-Control-Request-Method", "POST")
    with urllib.request.urlopen(preflight, timeout=30) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]

    wrong = anonymous.call("DELETE", "/health")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
    assert wrong.body["type"] == "/problems/method-not-allowed"
    nowhere = anonymous.call("GET", "/nowhere")
    assert (nowhere.status, nowhere.body["type"]) == (404, "/problems/not-found")
    assert nowhere.headers["content-type"].startswith("application/problem+json")
    assert nowhere.body["request_id"] == nowhere.headers["x-request-id"]
    assert json.dumps(document).count("password") > 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),  # of API Gateway
        ("GET", "/orders", 401),  # of API Gateway
        ("PATCH", "/products", 405),  # of root
        ("GET", "/products/absent", 404),  # of a service
    ],
)
def test_a_browser_may_read_every_problem_and_its_headers(anonymous, method, path, status):
    response = anonymous.call(method, path, Origin="https://shop.example")
    assert (response.status, response.body["status"]) == (status, status)
    assert response.headers["access-control-allow-origin"] in ("*", "https://shop.example")
    exposed = {*response.headers["access-control-expose-headers"].split(", ")}
    assert {"Allow", "Retry-After", "X-Request-Id"} <= exposed
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
