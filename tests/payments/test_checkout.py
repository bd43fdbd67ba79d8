"""Opening a payment: one an order, one PaymentIntent a payment, whoever asks how often."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import checkout
from payments.service import settling
from payments.tables import payments, slots
from shared import clock, invoke
from shared.errors import Unavailable
from shared.events import OrderExpired
from tests.payments.till import Till
from tests.support import call, customer, guest, keyed, staff


def intents(till: Till) -> list:
    return list(till.stripe.payment_intents.list({"limit": 100}).data)


def test_a_payment_opens_a_payment_intent_over_the_orders_total(till):
    till.order(total=2470)
    answer = till.pay()
    [intent] = intents(till)
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


def test_the_same_key_gets_the_first_answer_again(till):
    till.order()
    first, second = till.pay(key="k"), till.pay(key="k")
    assert second.text == first.text
    assert second.header("Idempotent-Replayed") == "true"


def test_another_key_gets_the_live_payment(till):
    till.order()
    assert till.pay().json == till.pay().json
    assert len(intents(till)) == 1


def test_two_at_once_get_one_payment(till):
    till.order()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: till.pay(), range(6)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(intents(till)) == 1
    assert len(till.get("/payments?order_id=ord_1").json["items"]) == 1


def test_a_process_that_dies_after_stripes_answer_loses_nothing(till, monkeypatch):
    till.order()

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(settling, "settle", die)
        with pytest.raises(SystemExit):
            till.pay(key="k")
    [intent] = intents(till)
    again = till.pay(key="k")
    assert (again.status, again.json["provider_id"]) == (201, intent.id)
    assert len(intents(till)) == 1


def test_stripes_own_event_finds_a_payment_that_does_not_know_its_intent(till, monkeypatch):
    till.order()
    with monkeypatch.context() as dying:
        dying.setattr(settling, "settle", lambda *_, **__: 1 / 0)
        assert till.pay().status == 500
    till.turn()
    [found] = till.get("/payments?order_id=ord_1").json["items"]
    assert found["provider_id"] == intents(till)[0].id


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 503}, {"status": 429}, {"drop_after": True}], ids=str
)
def test_while_stripe_fails_the_answer_is_503_and_a_retry_succeeds(till, once_only, fault):
    till.order()
    till.break_stripe(path="/v1/payment_intents", method="POST", times=1, **fault)
    failed = till.pay(key="k")
    assert (failed.status, failed.json["type"]) == (503, "/problems/stripe-unavailable")
    assert failed.header("Retry-After") == "5"
    assert till.pay(key="k").status == 201
    assert len(intents(till)) == 1


def test_what_stripe_refuses_for_good_fails_and_the_next_try_is_a_new_payment(till, monkeypatch):
    till.order()
    with monkeypatch.context() as tiny:

        def refuse(_):
            raise stripe_gateway.StripeRefused("amount_too_small", "Amount must be at least 30p.")

        tiny.setattr(stripe_gateway, "open_intent", refuse)
        refused = till.pay()
    assert (refused.status, refused.json["type"]) == (409, "/problems/payment-refused")
    assert till.said() == ["payment.failed"]
    assert till.pay().status == 201
    statuses = [each["status"] for each in till.get("/payments?order_id=ord_1").json["items"]]
    assert statuses == ["failed", "requires_payment"]


def test_an_order_that_cannot_be_paid_is_refused(till):
    reasons: list[dict[str, Any]] = [
        {"status": "pending"},
        {"status": "paid"},
        {"status": "expired"},
        {"expires_at": clock.now()},
        {"total": 0},
    ]
    for changes in reasons:
        till.order(**changes)
        refused = till.pay()
        assert (refused.status, refused.json["type"]) == (409, "/problems/order-not-payable"), changes
    assert intents(till) == []


def test_an_order_that_is_paid_already_is_refused(till):
    till.order()
    till.card(till.pay().json["provider_id"])
    assert till.pay().status == 409  # orders has not heard of it yet


@pytest.mark.parametrize("who", [customer("usr_2"), guest()])
def test_somebody_elses_order_is_not_there(till, who):
    till.order()
    refused = till.pay(who=who)
    assert (refused.status, refused.json["type"]) == (404, "/problems/no-such-order")
    assert till.pay("ord_none").status == 404
    opened = till.pay().json["payment_id"]
    assert till.get(f"/payments/{opened}", who).status == 404
    assert till.get("/payments?order_id=ord_1", who).json["items"] == []


def test_guests_pay_their_orders_and_staff_see_them(till):
    till.order(user_id="gst_1")
    assert till.pay(who=staff()).status == 404, "nobody pays another's order"
    opened = till.pay(who=guest()).json["payment_id"]
    assert till.get(f"/payments/{opened}", guest()).status == 200
    assert till.get(f"/payments/{opened}", staff()).json["amount"] == {"amount": 2000, "currency": "GBP"}


def test_while_orders_does_not_answer_nothing_is_begun(till, monkeypatch):
    def silent(*_):
        raise Unavailable("A part of the shop does not answer; ask again.")

    with monkeypatch.context() as down:
        down.setattr(invoke, "ask", silent)
        assert till.pay(key="k").status == 503
    till.order()
    assert till.pay(key="k").status == 201


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


def test_bad_requests_are_told_what_is_wrong(till):
    till.order()
    for body, status in BAD_BODIES:
        answer = call(checkout.api, "POST", "/payments", raw=body, caller=customer(), headers=keyed())
        assert answer.status == status, body
    without_key = call(checkout.api, "POST", "/payments", body={"order_id": "ord_1"}, caller=customer())
    assert without_key.status == 400
    assert intents(till) == []


def test_an_order_that_ends_while_its_payment_opens_cannot_be_paid(till, monkeypatch):
    till.order()
    real = stripe_gateway.open_intent

    def slow(payment):
        till.hear(till.end(OrderExpired))
        return real(payment)

    monkeypatch.setattr(stripe_gateway, "open_intent", slow)
    assert till.pay().status == 409
    assert [intent.status for intent in intents(till)] == ["canceled"]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_payment_that_begins_at_the_same_moment_is_the_same(till, monkeypatch, attempt):
    till.order()
    if attempt == 2:
        till.stripe.payment_intents.cancel(till.pay().json["provider_id"])
        till.turn()
    others = _meanwhile(monkeypatch, lambda: till.pay().json)
    mine = till.pay().json
    assert [mine] == others
    assert len(intents(till)) == attempt


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_order_that_ends_at_the_same_moment_has_no_payment(till, monkeypatch, attempt):
    till.order()
    if attempt == 2:
        till.stripe.payment_intents.cancel(till.pay().json["provider_id"])
        till.turn()
    _meanwhile(monkeypatch, lambda: till.hear(till.end(OrderExpired)))
    assert till.pay().status == 409
    assert len(intents(till)) == attempt - 1


def _meanwhile(monkeypatch, happens):
    """Between the next look at the slot and its taking, something else happens; what that gave."""
    real, given = slots.begin, []

    def late(*arguments):
        monkeypatch.setattr(slots, "begin", real)
        given.append(happens())
        return real(*arguments)

    monkeypatch.setattr(slots, "begin", late)
    return given


def test_an_order_that_ended_before_its_payment_began_gets_none(till):
    order = till.order()
    till.hear(till.end(OrderExpired))
    till.orders["ord_1"] = order  # what was asked of orders a moment earlier
    assert till.pay().status == 409
    assert intents(till) == []


def test_a_list_goes_on_where_its_cursor_says(till):
    till.order()
    opened = till.pay().json["payment_id"]
    held = till.held(opened)
    for number in range(4):
        row = payments.PaymentRow.of(replace(held, payment_id=f"pay_Z{number}"))
        row.save()
    seen, path = [], "/payments?order_id=ord_1&limit=2"
    while path:
        page = till.get(path).json
        seen += [each["payment_id"] for each in page["items"]]
        cursor = page["next_cursor"]
        path = cursor and f"/payments?order_id=ord_1&limit=2&cursor={cursor}"
    assert seen == [opened, "pay_Z0", "pay_Z1", "pay_Z2", "pay_Z3"]
    assert till.get("/payments?order_id=ord_1&cursor=abc").status == 400
    assert till.get("/payments").status == 422
