"""Opening of payments: one payment per order, with one PaymentIntent, for any number of requests."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import checkout, reads
from payments.service import syncing
from payments.tables import active_payments, payments
from shared.contracts.events.orders import OrderExpired
from shared.errors import Unavailable
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver
from tests.support import call, created_path, customer, guest, idempotency_headers, staff


def intents(driver: PaymentsDriver) -> list:
    return list(driver.stripe.payment_intents.list({"limit": 100}).data)


def test_opening_a_payment_creates_an_intent_of_the_orders_total(driver):
    driver.order(total=2470)
    response = driver.pay()
    [intent] = intents(driver)
    opened = response.json
    assert response.status == 201
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


def test_a_repeated_key_returns_the_first_response(driver):
    driver.order()
    first, second = driver.pay(key="k"), driver.pay(key="k")
    assert second.text == first.text
    assert second.header("Idempotent-Replayed") == "true"


def test_the_location_of_a_payment_is_the_payment_also_if_it_is_replayed(driver):
    driver.order()
    for _ in range(2):
        opened = driver.pay(key="k")
        found = call(reads.api, "GET", created_path("/payments", opened), caller=customer())
        assert found.json["payment_id"] == opened.json["payment_id"]


def test_another_key_returns_the_open_payment(driver):
    driver.order()
    assert driver.pay().json == driver.pay().json
    assert len(intents(driver)) == 1


def test_concurrent_requests_open_one_payment(driver):
    driver.order()
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda _: driver.pay(), range(6)))
    assert {response.status for response in responses} == {201}
    assert len({response.text for response in responses}) == 1
    assert len(intents(driver)) == 1
    assert len(driver.get("/payments?order_id=ord_1").json["items"]) == 1


def test_a_crash_after_stripes_response_keeps_the_intent(driver, monkeypatch):
    driver.order()

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(syncing, "sync_from_stripe", die)
        with pytest.raises(SystemExit):
            driver.pay(key="k")
    [intent] = intents(driver)
    again = driver.pay(key="k")
    assert (again.status, again.json["provider_id"]) == (201, intent.id)
    assert len(intents(driver)) == 1


def test_a_stripe_event_sets_the_intent_of_a_payment_that_lacks_it(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as patch:
        patch.setattr(syncing, "sync_from_stripe", lambda *_, **__: 1 / 0)
        assert driver.pay().status == 500
    [intent] = intents(driver)
    driver.confirm(intent.id)
    driver.deliver_all()
    [found] = driver.get("/payments?order_id=ord_1").json["items"]
    assert found["provider_id"] == intent.id


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 503}, {"status": 429}, {"drop_after": True}], ids=str
)
def test_a_stripe_failure_returns_503_and_a_retry_succeeds(driver, no_retries, fault):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, **fault)
    failed = driver.pay(key="k")
    assert (failed.status, failed.json["type"]) == (503, "/problems/stripe-unavailable")
    assert failed.header("Retry-After") == "5"
    assert driver.pay(key="k").status == 201
    assert len(intents(driver)) == 1


def test_a_payment_that_stripe_refuses_fails_and_the_next_is_a_new_one(driver, monkeypatch):
    driver.order()
    with monkeypatch.context() as patch:

        def refuse(_):
            raise stripe_gateway.StripeRefused("amount_too_small", "Amount must be at least 30p.")

        patch.setattr(stripe_gateway, "open_intent", refuse)
        rejected = driver.pay()
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/payment-refused")
    assert driver.published_types() == ["payment.failed"]
    assert driver.pay().status == 201
    statuses = [each["status"] for each in driver.get("/payments?order_id=ord_1").json["items"]]
    assert statuses == ["failed", "requires_payment"]


def test_an_unpayable_order_is_rejected(driver):
    reasons: list[dict[str, Any]] = [
        {"status": "pending"},
        {"status": "paid"},
        {"status": "expired"},
        {"expires_at": clock.now()},
        {"total": 0},
    ]
    for changes in reasons:
        driver.order(**changes)
        rejected = driver.pay()
        assert (rejected.status, rejected.json["type"]) == (409, "/problems/order-not-payable"), changes
    assert intents(driver) == []


def test_a_paid_order_cannot_be_paid_again(driver):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    assert driver.pay().status == 409  # orders has not received the event yet


@pytest.mark.parametrize("caller", [customer("usr_2"), guest()])
def test_another_users_order_is_not_found(driver, caller):
    driver.order()
    rejected = driver.pay(caller=caller)
    assert (rejected.status, rejected.json["type"]) == (404, "/problems/no-such-order")
    assert driver.pay("ord_none").status == 404
    opened = driver.pay().json["payment_id"]
    assert driver.get(f"/payments/{opened}", caller).status == 404
    assert driver.get("/payments?order_id=ord_1", caller).json["items"] == []


def test_guests_can_pay_their_orders_and_staff_can_read_the_payments(driver):
    driver.order(user_id="gst_1")
    assert driver.pay(caller=staff()).status == 404, "staff cannot pay a guest's order"
    opened = driver.pay(caller=guest()).json["payment_id"]
    assert driver.get(f"/payments/{opened}", guest()).status == 200
    assert driver.get(f"/payments/{opened}", staff()).json["amount"] == {"amount": 2000, "currency": "GBP"}


def test_no_payment_is_opened_while_orders_is_unavailable(driver, monkeypatch):
    def unavailable(*_):
        raise Unavailable("A service is unavailable; retry.")

    with monkeypatch.context() as patch:
        patch.setattr(rpc, "call", unavailable)
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


def test_invalid_requests_are_rejected(driver):
    driver.order()
    for body, status in BAD_BODIES:
        response = call(
            checkout.api, "POST", "/payments", raw=body, caller=customer(), headers=idempotency_headers()
        )
        assert response.status == status, body
    without_key = call(checkout.api, "POST", "/payments", body={"order_id": "ord_1"}, caller=customer())
    assert without_key.status == 400
    assert intents(driver) == []


def test_an_order_that_ends_during_the_call_to_stripe_cannot_be_paid(driver, monkeypatch):
    driver.order()
    real = stripe_gateway.open_intent

    def end_order_first(payment):
        driver.receive(driver.order_ended(OrderExpired))
        return real(payment)

    monkeypatch.setattr(stripe_gateway, "open_intent", end_order_first)
    assert driver.pay().status == 409
    assert [intent.status for intent in intents(driver)] == ["canceled"]


@pytest.mark.parametrize("attempt", [1, 2])
def test_two_payments_opened_at_the_same_time_are_one(driver, monkeypatch, attempt):
    driver.order()
    if attempt == 2:
        driver.stripe.payment_intents.cancel(driver.pay().json["provider_id"])
        driver.deliver_all()
    other = _before_activation(monkeypatch, lambda: driver.pay().json)
    own = driver.pay().json
    assert [own] == other
    assert len(intents(driver)) == attempt


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_order_that_ends_at_the_same_time_gets_no_payment(driver, monkeypatch, attempt):
    driver.order()
    if attempt == 2:
        driver.stripe.payment_intents.cancel(driver.pay().json["provider_id"])
        driver.deliver_all()
    _before_activation(monkeypatch, lambda: driver.receive(driver.order_ended(OrderExpired)))
    assert driver.pay().status == 409
    assert len(intents(driver)) == attempt - 1


def _before_activation(monkeypatch, action):
    """Run `action` before the next payment is activated; return a list that receives its result."""
    real, results = active_payments.activate, []

    def act_first(*arguments):
        monkeypatch.setattr(active_payments, "activate", real)
        results.append(action())
        return real(*arguments)

    monkeypatch.setattr(active_payments, "activate", act_first)
    return results


def test_an_ended_order_gets_no_payment_even_if_it_was_read_before(driver):
    order = driver.order()
    driver.receive(driver.order_ended(OrderExpired))
    driver.orders["ord_1"] = order  # an outdated response of orders
    assert driver.pay().status == 409
    assert intents(driver) == []


def test_a_cursor_continues_the_list(driver):
    driver.order()
    opened = driver.pay().json["payment_id"]
    payment = driver.payment(opened)
    for number in range(4):
        row = payments.PaymentRow.of(replace(payment, payment_id=f"pay_Z{number}"))
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


def test_a_known_intent_that_lost_its_metadata_can_be_read(driver):
    driver.order()
    opened = driver.pay().json
    driver.stripe.payment_intents.update(
        opened["provider_id"], {"metadata": {"order_id": "", "payment_id": ""}}
    )
    driver.stripe.payment_intents.cancel(opened["provider_id"])
    again = driver.pay()
    assert again.status == 201, again.text
    assert again.json["payment_id"] != opened["payment_id"]
