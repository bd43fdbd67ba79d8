"""Checkout Sessions: one per payment, and never beside another open payment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from payments.service import syncing
from payments.stripe_gateway import sessions
from shared.contracts.events import OrderExpired, OrderLineData
from tests.payments.payments_driver import gbp

PAGES = {"success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cart"}


def page(driver, **more: str):
    return driver.pay(method="checkout_session", **PAGES, **more)


def at_stripe(driver) -> list[Any]:
    return list(driver.stripe.checkout.sessions.list({"limit": 100}).data)


def fill_in(url: str, number: str = "4242424242424242") -> None:
    """Pay on Stripe's page."""
    form = {"email": "ada@example.com", "number": number, "name": "Ada"}
    with suppress(OSError):  # the page redirects to a shop that does not exist
        urlopen(Request(url, urlencode(form).encode())).close()


def test_a_session_lists_the_orders_lines_and_ends_after_its_deadline(driver):
    mugs = OrderLineData(
        sku="M", product_id="p", title="Mug", quantity=2, unit_price=gbp(1000), line_total=gbp(2000)
    )
    order = driver.order(lines=[mugs])
    opened = page(driver)
    [session] = at_stripe(driver)
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
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.succeeded"]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["method"]) == ("succeeded", "checkout_session")
    assert seen["provider_id"].startswith("pi_")
    assert page(driver).status == 409


def test_a_session_with_manual_capture_is_authorized(driver, manual):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.authorized"]
    driver.receive(driver.shipped(opened["payment_id"], 700))
    assert driver.payment(opened["payment_id"]).captures.captured == 700
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.payment(opened["payment_id"]).authorization.capturable == 0


def test_a_declined_card_leaves_the_session_open(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"], "4000000000000002")
    assert driver.deliver_all() == ["payment.failed"]
    assert page(driver).json["checkout_url"] == opened["checkout_url"]
    fill_in(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.succeeded"]


def test_an_ended_order_expires_its_session(driver):
    driver.order()
    opened = page(driver).json
    driver.receive(driver.order_ended(OrderExpired))
    assert [session.status for session in at_stripe(driver)] == ["expired"]
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []


def test_an_ended_order_expires_its_session_after_a_decline(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"], "4000000000000002")
    driver.deliver_all()
    driver.receive(driver.order_ended(OrderExpired))
    assert [session.status for session in at_stripe(driver)] == ["expired"]
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []


def test_a_session_paid_before_the_order_ended_stays_paid(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_an_expired_session_is_replaced_by_a_new_payment(driver):
    driver.order()
    first = page(driver).json
    driver.stripe.checkout.sessions.expire(first["provider_id"])
    second = page(driver).json
    assert second["checkout_url"] not in (None, first["checkout_url"])
    assert driver.status(first["payment_id"]) == "cancelled"


def test_the_webhook_of_an_unpaid_expired_session_cancels_the_payment(driver):
    driver.order()
    first = page(driver).json
    driver.stripe.checkout.sessions.expire(first["provider_id"])
    assert driver.deliver_all() == []
    assert driver.status(first["payment_id"]) == "cancelled"


def test_concurrent_requests_open_one_session(driver):
    driver.order()
    with ThreadPoolExecutor(5) as pool:
        responses = list(pool.map(lambda _: page(driver), range(5)))
    assert {response.status for response in responses} == {201}
    assert len({response.json["checkout_url"] for response in responses}) == 1
    assert len(at_stripe(driver)) == 1


def test_a_retry_after_a_crash_returns_the_created_session(driver, monkeypatch):
    driver.order()
    real = sessions.open_session

    def dies_after(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(sessions, "open_session", dies_after)
        with pytest.raises(SystemExit):
            page(driver)
    [made] = at_stripe(driver)
    assert page(driver).json["checkout_url"] == made.url
    assert len(at_stripe(driver)) == 1


def test_a_session_whose_id_was_not_written_can_be_paid(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as dying:
        dying.setattr(syncing, "change", lambda *_: 1 / 0)
        assert page(driver).status == 500
    [made] = at_stripe(driver)
    fill_in(made.url)
    assert driver.deliver_all() == ["payment.succeeded"]


@pytest.mark.parametrize("missing", ["success_url", "cancel_url"])
def test_a_session_requires_both_urls(driver, missing):
    driver.order()
    choice = {name: url for name, url in PAGES.items() if name != missing}
    refused = driver.pay(method="checkout_session", **choice)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, f"/{missing}")


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
def test_urls_must_be_https_or_localhost(driver, url, status):
    driver.order()
    response = driver.pay(method="checkout_session", success_url=url, cancel_url=PAGES["cancel_url"])
    assert response.status == status


# The other method


def test_a_request_for_the_other_method_cancels_the_active_payment(driver):
    driver.order()
    intent = driver.pay().json
    session = page(driver).json
    assert driver.stripe.payment_intents.retrieve(intent["provider_id"]).status == "canceled"
    assert driver.status(intent["payment_id"]) == "cancelled"
    again = driver.pay().json
    assert [each.status for each in at_stripe(driver)] == ["expired"]
    assert driver.status(session["payment_id"]) == "cancelled"
    driver.confirm(again["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]


def test_a_paid_active_payment_is_not_replaced_by_the_other_method(driver):
    driver.order()
    intent = driver.pay().json
    driver.confirm(intent["provider_id"])
    assert page(driver).status == 409
    assert driver.status(intent["payment_id"]) == "succeeded"
    assert at_stripe(driver) == []


def test_concurrent_requests_for_both_methods_leave_one_open_payment(driver):
    driver.order()
    with ThreadPoolExecutor(4) as pool:
        choices = [lambda: page(driver), lambda: driver.pay()] * 2
        list(pool.map(lambda choice: choice(), choices))
    open_intents = [
        each
        for each in driver.stripe.payment_intents.list({}).data
        if each.status == "requires_payment_method"
    ]
    open_pages = [each for each in at_stripe(driver) if each.status == "open"]
    live = [
        each for each in driver.get("/payments?order_id=ord_1").json["items"] if each["status"] != "cancelled"
    ]
    assert len(open_intents) + len(open_pages) <= 1
    assert len(live) <= 1
