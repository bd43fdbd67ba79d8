"""Opening a payment: one an order, one PaymentIntent a payment, whoever asks how often."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import checkout
from payments.service import syncing
from payments.tables import active_payments, payments
from shared.contracts.events import OrderExpired
from shared.errors import Unavailable
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.support import call, customer, guest, idempotency_headers, staff


def intents(driver: PaymentsDriver) -> list:
    return list(driver.stripe.payment_intents.list({"limit": 100}).data)


def test_a_payment_opens_a_payment_intent_over_the_orders_total(driver):
    driver.order(total=2470)
    answer = driver.pay()
    [intent] = intents(driver)
    opened = answer.json
    assert answer.status == 201
    assert opened == {
        "payment_id": opened["payment_id"],
        "order_id": "ord_1",
        "status": "requires_payment",
        "amount": {"amount": 2470, "currency": "GBP"},
        "client_secret": intent.client_secret,
        "checkout_url": None,
        "provider_id": intent.id,
    }
    assert (intent.amount, intent.currency) == (2470, "gbp")
    assert intent.metadata.to_dict() == {"order_id": "ord_1", "payment_id": opened["payment_id"]}


def test_the_same_key_gets_the_first_answer_again(driver):
    driver.order()
    first, second = driver.pay(key="k"), driver.pay(key="k")
    assert second.text == first.text
    assert second.header("Idempotent-Replayed") == "true"


def test_another_key_gets_the_live_payment(driver):
    driver.order()
    assert driver.pay().json == driver.pay().json
    assert len(intents(driver)) == 1


def test_two_at_once_get_one_payment(driver):
    driver.order()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: driver.pay(), range(6)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(intents(driver)) == 1
    assert len(driver.get("/payments?order_id=ord_1").json["items"]) == 1


def test_a_process_that_dies_after_stripes_answer_loses_nothing(driver, monkeypatch):
    driver.order()

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(syncing, "sync_from_stripe", die)
        with pytest.raises(SystemExit):
            driver.pay(key="k")
    [intent] = intents(driver)
    again = driver.pay(key="k")
    assert (again.status, again.json["provider_id"]) == (201, intent.id)
    assert len(intents(driver)) == 1


def test_stripes_own_event_finds_a_payment_that_does_not_know_its_intent(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as dying:
        dying.setattr(syncing, "sync_from_stripe", lambda *_, **__: 1 / 0)
        assert driver.pay().status == 500
    driver.deliver_all()
    [found] = driver.get("/payments?order_id=ord_1").json["items"]
    assert found["provider_id"] == intents(driver)[0].id


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 503}, {"status": 429}, {"drop_after": True}], ids=str
)
def test_while_stripe_fails_the_answer_is_503_and_a_retry_succeeds(driver, once_only, fault):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, **fault)
    failed = driver.pay(key="k")
    assert (failed.status, failed.json["type"]) == (503, "/problems/stripe-unavailable")
    assert failed.header("Retry-After") == "5"
    assert driver.pay(key="k").status == 201
    assert len(intents(driver)) == 1


def test_what_stripe_refuses_for_good_fails_and_the_next_try_is_a_new_payment(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as tiny:

        def refuse(_):
            raise stripe_gateway.StripeRefused("amount_too_small", "Amount must be at least 30p.")

        tiny.setattr(stripe_gateway, "open_intent", refuse)
        refused = driver.pay()
    assert (refused.status, refused.json["type"]) == (409, "/problems/payment-refused")
    assert driver.published_types() == ["payment.failed"]
    assert driver.pay().status == 201
    statuses = [each["status"] for each in driver.get("/payments?order_id=ord_1").json["items"]]
    assert statuses == ["failed", "requires_payment"]


def test_an_order_that_cannot_be_paid_is_refused(driver):
    reasons: list[dict[str, Any]] = [
        {"status": "pending"},
        {"status": "paid"},
        {"status": "expired"},
        {"expires_at": clock.now()},
        {"total": 0},
    ]
    for changes in reasons:
        driver.order(**changes)
        refused = driver.pay()
        assert (refused.status, refused.json["type"]) == (409, "/problems/order-not-payable"), changes
    assert intents(driver) == []


def test_an_order_that_is_paid_already_is_refused(driver):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    assert driver.pay().status == 409  # orders has not heard of it yet


@pytest.mark.parametrize("who", [customer("usr_2"), guest()])
def test_somebody_elses_order_is_not_there(driver, who):
    driver.order()
    refused = driver.pay(who=who)
    assert (refused.status, refused.json["type"]) == (404, "/problems/no-such-order")
    assert driver.pay("ord_none").status == 404
    opened = driver.pay().json["payment_id"]
    assert driver.get(f"/payments/{opened}", who).status == 404
    assert driver.get("/payments?order_id=ord_1", who).json["items"] == []


def test_guests_pay_their_orders_and_staff_see_them(driver):
    driver.order(user_id="gst_1")
    assert driver.pay(who=staff()).status == 404, "nobody pays another's order"
    opened = driver.pay(who=guest()).json["payment_id"]
    assert driver.get(f"/payments/{opened}", guest()).status == 200
    assert driver.get(f"/payments/{opened}", staff()).json["amount"] == {"amount": 2000, "currency": "GBP"}


def test_while_orders_does_not_answer_nothing_is_begun(driver, monkeypatch):
    def silent(*_):
        raise Unavailable("A part of the shop does not answer; ask again.")

    with monkeypatch.context() as down:
        down.setattr(rpc, "call", silent)
        assert driver.pay(key="k").status == 503
    driver.order()
    assert driver.pay(key="k").status == 201


BAD_BODIES = [
    ("{", 400),
    ("[]", 422),
    ("{}", 422),
    (json.dumps({"order_id": 1}), 422),
    (json.dumps({"order_id": "ord_1", "amount": 1}), 422),
    (json.dumps({"order_id": "o" * 65}), 422),
    (json.dumps({"order_id": "../x"}), 422),
    (json.dumps({"order_id": "ord_1", "method": "cash"}), 422),
    (json.dumps({"order_id": "ord_1", "method": "checkout_session"}), 422),
]


def test_bad_requests_are_told_what_is_wrong(driver):
    driver.order()
    for body, status in BAD_BODIES:
        answer = call(
            checkout.api, "POST", "/payments", raw=body, caller=customer(), headers=idempotency_headers()
        )
        assert answer.status == status, body
    without_key = call(checkout.api, "POST", "/payments", body={"order_id": "ord_1"}, caller=customer())
    assert without_key.status == 400
    assert intents(driver) == []


def test_an_order_that_ends_while_its_payment_opens_cannot_be_paid(driver, monkeypatch):
    driver.order()
    real = stripe_gateway.open_intent

    def slow(payment):
        driver.receive(driver.order_ended(OrderExpired))
        return real(payment)

    monkeypatch.setattr(stripe_gateway, "open_intent", slow)
    assert driver.pay().status == 409
    assert [intent.status for intent in intents(driver)] == ["canceled"]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_payment_that_begins_at_the_same_moment_is_the_same(driver, monkeypatch, attempt):
    driver.order()
    if attempt == 2:
        driver.stripe.payment_intents.cancel(driver.pay().json["provider_id"])
        driver.deliver_all()
    others = _meanwhile(monkeypatch, lambda: driver.pay().json)
    mine = driver.pay().json
    assert [mine] == others
    assert len(intents(driver)) == attempt


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_order_that_ends_at_the_same_moment_has_no_payment(driver, monkeypatch, attempt):
    driver.order()
    if attempt == 2:
        driver.stripe.payment_intents.cancel(driver.pay().json["provider_id"])
        driver.deliver_all()
    _meanwhile(monkeypatch, lambda: driver.receive(driver.order_ended(OrderExpired)))
    assert driver.pay().status == 409
    assert len(intents(driver)) == attempt - 1


def _meanwhile(monkeypatch, happens):
    """Between the next look at the slot and its taking, something else happens; what that gave."""
    real, given = active_payments.activate, []

    def late(*arguments):
        monkeypatch.setattr(active_payments, "activate", real)
        given.append(happens())
        return real(*arguments)

    monkeypatch.setattr(active_payments, "activate", late)
    return given


def test_an_order_that_ended_before_its_payment_began_gets_none(driver):
    order = driver.order()
    driver.receive(driver.order_ended(OrderExpired))
    driver.orders["ord_1"] = order  # what was asked of orders a moment earlier
    assert driver.pay().status == 409
    assert intents(driver) == []


def test_a_list_goes_on_where_its_cursor_says(driver):
    driver.order()
    opened = driver.pay().json["payment_id"]
    held = driver.payment(opened)
    for number in range(4):
        row = payments.PaymentRow.of(replace(held, payment_id=f"pay_Z{number}"))
        row.save()
    seen, path = [], "/payments?order_id=ord_1&limit=2"
    while path:
        page = driver.get(path).json
        seen += [each["payment_id"] for each in page["items"]]
        cursor = page["next_cursor"]
        path = cursor and f"/payments?order_id=ord_1&limit=2&cursor={cursor}"
    assert seen == [opened, "pay_Z0", "pay_Z1", "pay_Z2", "pay_Z3"]
    assert driver.get("/payments?order_id=ord_1&cursor=abc").status == 400
    assert driver.get("/payments").status == 422
