"""Checkout Sessions: one per payment, open until the order expires, exclusive of other methods."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from payments.service import syncing
from payments.stripe_gateway import sessions
from shared.contracts.events.orders import OrderExpired, OrderLineData
from tests.payments.payments_driver import gbp

RETURN_URLS = {"success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cart"}


def pay_by_session(driver, **more: str):
    return driver.pay(method="checkout_session", **RETURN_URLS, **more)


def stripe_sessions(driver) -> list[Any]:
    return list(driver.stripe.checkout.sessions.list({"limit": 100}).data)


def submit_card(url: str, number: str = "4242424242424242") -> None:
    """Submit a card on Stripe's page."""
    form = {"email": "ada@example.com", "number": number, "name": "Ada"}
    with suppress(OSError):  # the page redirects to a shop that does not exist
        urlopen(Request(url, urlencode(form).encode())).close()


def test_a_session_lists_the_order_lines_and_expires_after_the_order(driver):
    mugs = OrderLineData(
        sku="M", product_id="p", title="Mug", quantity=2, unit_price=gbp(1000), line_total=gbp(2000)
    )
    order = driver.order(lines=[mugs])
    opened = pay_by_session(driver)
    [session] = stripe_sessions(driver)
    assert opened.status == 201
    assert opened.json == {
        "payment_id": opened.json["payment_id"],
        "order_id": "ord_1",
        "status": "requires_payment",
        "amount": {"amount": 2000, "currency": "GBP"},
        "client_secret": None,
        "checkout_url": session.url,
        "provider_id": session.id,
    }
    assert (session.amount_total, session.customer_email) == (2000, "ada@example.com")
    assert order.expires_at and session.expires_at > order.expires_at.timestamp()
    [line] = driver.stripe.checkout.sessions.line_items.list(session.id).data
    assert (line.description, line.quantity) == ("Mug", 2)


def test_a_paid_session_pays_the_order(driver):
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.succeeded"]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["method"]) == ("succeeded", "checkout_session")
    assert seen["provider_id"].startswith("pi_")
    assert pay_by_session(driver).status == 409


def test_a_session_with_manual_capture_authorizes_the_card(driver, manual):
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.authorized"]
    driver.receive(driver.shipped(opened["payment_id"], 700))
    assert driver.payment(opened["payment_id"]).captures.captured == 700
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.payment(opened["payment_id"]).authorization.capturable == 0


def test_a_session_stays_open_after_a_declined_card(driver):
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"], "4000000000000002")
    assert driver.deliver_all() == ["payment.failed"]
    assert pay_by_session(driver).json["checkout_url"] == opened["checkout_url"]
    submit_card(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.succeeded"]


def test_an_ended_order_expires_its_session(driver):
    driver.order()
    opened = pay_by_session(driver).json
    driver.receive(driver.order_ended(OrderExpired))
    assert [session.status for session in stripe_sessions(driver)] == ["expired"]
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []


def test_an_ended_order_expires_its_session_after_a_declined_card(driver):
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"], "4000000000000002")
    driver.deliver_all()
    driver.receive(driver.order_ended(OrderExpired))
    assert [session.status for session in stripe_sessions(driver)] == ["expired"]
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []


def test_a_session_paid_before_the_order_ended_stays_paid(driver):
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"])
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_session_expired_at_stripe_is_replaced_by_a_new_one(driver):
    driver.order()
    first = pay_by_session(driver).json
    driver.stripe.checkout.sessions.expire(first["provider_id"])
    second = pay_by_session(driver).json
    assert second["checkout_url"] not in (None, first["checkout_url"])
    assert driver.status(first["payment_id"]) == "cancelled"


def test_a_webhook_cancels_the_payment_of_an_expired_session(driver):
    driver.order()
    first = pay_by_session(driver).json
    driver.stripe.checkout.sessions.expire(first["provider_id"])
    assert driver.deliver_all() == []
    assert driver.status(first["payment_id"]) == "cancelled"


def test_concurrent_requests_open_one_session(driver):
    driver.order()
    with ThreadPoolExecutor(5) as pool:
        responses = list(pool.map(lambda _: pay_by_session(driver), range(5)))
    assert {response.status for response in responses} == {201}
    assert len({response.json["checkout_url"] for response in responses}) == 1
    assert len(stripe_sessions(driver)) == 1


def test_a_crash_after_stripe_created_the_session_keeps_it(driver, monkeypatch):
    driver.order()
    real = sessions.open_session

    def open_then_die(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(sessions, "open_session", open_then_die)
        with pytest.raises(SystemExit):
            pay_by_session(driver)
    [created] = stripe_sessions(driver)
    assert pay_by_session(driver).json["checkout_url"] == created.url
    assert len(stripe_sessions(driver)) == 1


def test_a_session_that_was_not_saved_can_still_be_paid(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as patch:
        patch.setattr(syncing, "change", lambda *_: 1 / 0)
        assert pay_by_session(driver).status == 500
    [created] = stripe_sessions(driver)
    submit_card(created.url)
    assert driver.deliver_all() == ["payment.succeeded"]


@pytest.mark.parametrize("missing", ["success_url", "cancel_url"])
def test_a_session_requires_both_return_urls(driver, missing):
    driver.order()
    urls = {name: url for name, url in RETURN_URLS.items() if name != missing}
    rejected = driver.pay(method="checkout_session", **urls)
    assert (rejected.status, rejected.json["errors"][0]["pointer"]) == (422, f"/{missing}")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://localhost:3000/thanks", 201),
        ("http://127.0.0.1/thanks", 201),
        ("http://shop.example/thanks", 422),
        ("javascript:alert(1)", 422),
        ("http://localhost.evil.example/", 422),
        ("http://localhost/", 201),
        ("https://shop.example?thanks#you", 201),
        ("https:///thanks", 422),
        ("https://ada:secret@shop.example/", 422),
        ("https://shop.example/\0", 422),
        ("https://shop.example\\@evil.example/", 422),
    ],
)
def test_return_urls_must_use_https_or_the_local_machine(driver, url, status):
    driver.order()
    response = driver.pay(method="checkout_session", success_url=url, cancel_url=RETURN_URLS["cancel_url"])
    assert response.status == status


# Change of the payment method


def test_choosing_another_method_cancels_the_first_payment(driver):
    driver.order()
    intent = driver.pay().json
    session = pay_by_session(driver).json
    assert driver.stripe.payment_intents.retrieve(intent["provider_id"]).status == "canceled"
    assert driver.status(intent["payment_id"]) == "cancelled"
    again = driver.pay().json
    assert [each.status for each in stripe_sessions(driver)] == ["expired"]
    assert driver.status(session["payment_id"]) == "cancelled"
    driver.confirm(again["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]


def test_a_paid_payment_is_not_replaced_by_another_method(driver):
    driver.order()
    intent = driver.pay().json
    driver.confirm(intent["provider_id"])
    assert pay_by_session(driver).status == 409
    assert driver.status(intent["payment_id"]) == "succeeded"
    assert stripe_sessions(driver) == []


def test_concurrent_requests_for_two_methods_leave_one_open_payment(driver):
    driver.order()
    with ThreadPoolExecutor(4) as pool:
        requests = [lambda: pay_by_session(driver), lambda: driver.pay()] * 2
        list(pool.map(lambda request: request(), requests))
    open_intents = [
        each
        for each in driver.stripe.payment_intents.list({}).data
        if each.status == "requires_payment_method"
    ]
    open_sessions = [each for each in stripe_sessions(driver) if each.status == "open"]
    open_payments = [
        each for each in driver.get("/payments?order_id=ord_1").json["items"] if each["status"] != "cancelled"
    ]
    assert len(open_intents) + len(open_sessions) <= 1
    assert len(open_payments) <= 1
