"""Stripe's own page: one a payment, open as long as its order waits, and never beside another way to pay."""

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
    """The shopper on Stripe's page."""
    form = {"email": "ada@example.com", "number": number, "name": "Ada"}
    with suppress(OSError):  # the page sends the shopper back to a shop that is not there
        urlopen(Request(url, urlencode(form).encode())).close()


def test_a_page_lists_what_was_bought_and_ends_after_the_order(driver):
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


def test_a_paid_page_pays_the_order(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.succeeded"]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["method"]) == ("succeeded", "checkout_session")
    assert seen["provider_id"].startswith("pi_")
    assert page(driver).status == 409


def test_a_page_holds_the_money_where_it_is_taken_as_goods_leave(driver, manual):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.authorized"]
    driver.receive(driver.shipped(opened["payment_id"], 700))
    assert driver.payment(opened["payment_id"]).captures.captured == 700
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.payment(opened["payment_id"]).authorization.capturable == 0


def test_a_card_that_is_declined_on_the_page_leaves_it_open(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"], "4000000000000002")
    assert driver.deliver_all() == ["payment.failed"]
    assert page(driver).json["checkout_url"] == opened["checkout_url"]
    fill_in(opened["checkout_url"])
    assert driver.deliver_all() == ["payment.succeeded"]


def test_an_order_that_ends_closes_its_page(driver):
    driver.order()
    opened = page(driver).json
    driver.receive(driver.order_ended(OrderExpired))
    assert [session.status for session in at_stripe(driver)] == ["expired"]
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []


def test_an_order_that_ends_after_a_decline_closes_its_page(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"], "4000000000000002")
    driver.deliver_all()
    driver.receive(driver.order_ended(OrderExpired))
    assert [session.status for session in at_stripe(driver)] == ["expired"]
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []


def test_a_page_that_was_paid_before_the_order_ended_keeps_the_money(driver):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_page_that_stripe_closed_makes_room_for_another(driver):
    driver.order()
    first = page(driver).json
    driver.stripe.checkout.sessions.expire(first["provider_id"])
    second = page(driver).json
    assert second["checkout_url"] not in (None, first["checkout_url"])
    assert driver.status(first["payment_id"]) == "cancelled"


def test_stripe_tells_of_a_page_that_nobody_paid_on(driver):
    driver.order()
    first = page(driver).json
    driver.stripe.checkout.sessions.expire(first["provider_id"])
    assert driver.deliver_all() == []
    assert driver.status(first["payment_id"]) == "cancelled"


def test_two_tabs_have_one_page(driver):
    driver.order()
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: page(driver), range(5)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["checkout_url"] for answer in answers}) == 1
    assert len(at_stripe(driver)) == 1


def test_a_process_that_dies_after_stripe_made_the_page_goes_on_with_it(driver, monkeypatch):
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


def test_a_page_that_nobody_knew_of_is_paid_all_the_same(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as dying:
        dying.setattr(syncing, "change", lambda *_: 1 / 0)
        assert page(driver).status == 500
    [made] = at_stripe(driver)
    fill_in(made.url)
    assert driver.deliver_all() == ["payment.succeeded"]


@pytest.mark.parametrize("missing", ["success_url", "cancel_url"])
def test_a_page_needs_addresses_to_send_the_shopper_to(driver, missing):
    driver.order()
    wish = {name: url for name, url in PAGES.items() if name != missing}
    refused = driver.pay(method="checkout_session", **wish)
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
def test_shoppers_are_sent_by_tls_or_to_the_developers_machine(driver, url, status):
    driver.order()
    answer = driver.pay(method="checkout_session", success_url=url, cancel_url=PAGES["cancel_url"])
    assert answer.status == status


# Another way to pay


def test_another_method_closes_the_first(driver):
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


def test_a_first_method_that_was_paid_meanwhile_stays(driver):
    driver.order()
    intent = driver.pay().json
    driver.confirm(intent["provider_id"])
    assert page(driver).status == 409
    assert driver.status(intent["payment_id"]) == "succeeded"
    assert at_stripe(driver) == []


def test_two_tabs_that_want_different_methods_end_with_one_way_to_pay(driver):
    driver.order()
    with ThreadPoolExecutor(4) as pool:
        wishes = [lambda: page(driver), lambda: driver.pay()] * 2
        list(pool.map(lambda wish: wish(), wishes))
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
