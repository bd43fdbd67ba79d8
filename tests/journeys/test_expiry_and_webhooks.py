"""Forged, repeated and late webhooks, unpaid orders that expire, and payments that arrive too late."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from uuid import uuid4

import pytest

from localstack.demo import cards
from localstack.demo.shopper import until
from localstack.mail.sent import count_by_kind
from tests.journeys.conftest import after_pause, expire_order, wait_for_messages


def _emulator(local, path, body=None):
    request = urllib.request.Request(
        f"{local.stripe_url}/_emulator/{path}", json.dumps(body or {}).encode(), method="POST"
    )
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


def _webhook(url, body, signature):
    request = urllib.request.Request(f"{url}/webhooks/stripe", body, method="POST")
    request.add_header("Content-Type", "application/json")
    if signature is not None:
        request.add_header("Stripe-Signature", signature)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def secret(local):
    arn = local.outputs()["StripeWebhookSecretArn"]
    value = local.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return json.loads(value)["current"]


def _sign(body, secret, at=None):
    at = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def _event(kind, **data):
    event = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": data},
    }
    return event["id"], json.dumps(event).encode()


def test_a_webhook_needs_a_recent_signature_of_stripe(url, secret):
    _, body = _event("payment_intent.succeeded", id="pi_forged", object="payment_intent")
    assert _webhook(url, body, None) == 400
    assert _webhook(url, body, "t=1,v1=00") == 400
    assert _webhook(url, body, _sign(body, "whsec_another")) == 400
    assert _webhook(url, body, _sign(body, secret, at=int(time.time()) - 301)) == 400
    assert _webhook(url, body + b" ", _sign(body, secret)) == 400


def test_an_event_of_another_type_is_accepted_and_not_stored(url, staff, secret):
    event_id, body = _event("invoice.finalized", id="in_1", object="invoice")
    assert _webhook(url, body, _sign(body, secret)) == 200
    staff.expect(404, "POST", f"/admin/webhooks/{event_id}/replay")


def test_an_event_of_another_shop_is_listed_as_ignored(url, staff, secret):
    event_id, body = _event("payment_intent.succeeded", id="pi_of_another_shop", object="payment_intent")
    assert _webhook(url, body, _sign(body, secret)) == 200
    assert _webhook(url, body, _sign(body, secret)) == 200

    def stored():
        page = staff.expect(200, "GET", "/admin/webhooks?status=ignored&limit=100")
        return [entry for entry in page["items"] if entry["event_id"] == event_id]

    assert len(until(stored, "the event in the inbox")) == 1


def test_repeated_and_reordered_webhooks_take_effect_once(local, staff, shopper, place_order):
    buyer = shopper()
    _emulator(local, "chaos", {"duplicate": 1.0, "delay_max": 2, "drop": 0})
    try:
        placed = place_order(buyer, quantity=3, stock=5)
        assert buyer.pay(placed)["status"] == "succeeded"
        buyer.wait_for_order(placed["order_id"], "paid")
    finally:
        _emulator(local, "chaos", {"duplicate": 0, "delay_max": 0, "drop": 0})
    sku = placed["lines"][0]["sku"]
    until(lambda: staff.expect(200, "GET", f"/stock/{sku}")["reserved"] == 0, "stock to be committed")
    wait_for_messages(buyer, "welcome", "confirmed", "invoice")
    order = buyer.shop.expect(200, "GET", f"/orders/{placed['order_id']}")
    once = {"welcome": 1, "confirmed": 1, "invoice": 1}
    assert after_pause(lambda: count_by_kind(local, buyer.email)) == once
    assert staff.expect(200, "GET", f"/stock/{sku}")["on_hand"] == 2
    after = buyer.shop.expect(200, "GET", f"/orders/{placed['order_id']}")
    assert (after["status"], after["version"]) == ("paid", order["version"])


def test_an_unpaid_order_expires(local, staff, shopper, place_order):
    buyer = shopper()
    placed = place_order(buyer, quantity=4, stock=4)
    payment = buyer.payment(placed)
    sku = placed["lines"][0]["sku"]
    assert staff.expect(200, "GET", f"/stock/{sku}")["available"] == 0
    expire_order(local, placed)
    buyer.wait_for_order(placed["order_id"], "expired")
    until(lambda: staff.expect(200, "GET", f"/stock/{sku}")["available"] == 4, "the stock to be released")
    wait_for_messages(buyer, "expired")
    until(lambda: "error" in cards.confirm(local, payment), "the payment to be cancelled")


def test_a_payment_after_the_deadline_is_refunded_once(local, staff, shopper, place_order):
    buyer = shopper()
    placed = place_order(buyer, quantity=1, stock=1)
    payment = buyer.payment(placed)
    _emulator(local, "chaos", {"duplicate": 0, "delay_max": 0, "drop": 1.0})
    try:
        assert cards.confirm(local, payment)["status"] == "succeeded"
        expire_order(local, placed)
        buyer.wait_for_order(placed["order_id"], "expired")
    finally:
        _emulator(local, "chaos", {"duplicate": 0, "delay_max": 0, "drop": 0})
    events = cards.stripe(local, "GET", "/v1/events?type=payment_intent.succeeded&limit=100")
    (event,) = [e for e in events["data"] if e["data"]["object"]["id"] == payment["provider_id"]]
    for _ in range(2):
        _emulator(local, "resend", {"event": event["id"]})

    def refunded():
        found = buyer.shop.expect(200, "GET", f"/payments/{payment['payment_id']}")
        return found if found["status"] == "refunded" else None

    until(refunded, "the payment to be refunded")
    _emulator(local, "resend", {"event": event["id"]})
    path = f"/v1/refunds?payment_intent={payment['provider_id']}"
    refunds = after_pause(lambda: cards.stripe(local, "GET", path)["data"])
    assert [refund["amount"] for refund in refunds] == [placed["total"]["amount"]]
    assert buyer.shop.expect(200, "GET", f"/orders/{placed['order_id']}")["status"] == "expired"
    sku = placed["lines"][0]["sku"]
    assert staff.expect(200, "GET", f"/stock/{sku}")["available"] == 1
