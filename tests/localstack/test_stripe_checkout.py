"""Checkout Sessions and their hosted page."""

import pytest
import stripe

from tests.support import run_concurrently

MUGS = {
    "price_data": {"currency": "gbp", "unit_amount": 1250, "product_data": {"name": "<Mug>"}},
    "quantity": 2,
}
DECLINED, SECURED = "4000000000000002", "4000000000003220"


def rejected(call):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def opened(shop, **more):
    return shop.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [MUGS],
            "success_url": "https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/basket",
            "payment_intent_data": {"metadata": {"order_id": "ord_9"}},
            **more,
        }
    )


def now(shop):
    return int(shop.read("health")["now"])


def test_the_checkout_page_declines_one_card_and_accepts_another(shop):
    session = opened(shop)
    assert session.payment_intent is None  # created with the first attempt
    status, text, _ = shop.page(session.url)
    assert status == 200
    assert "2 × &lt;Mug&gt;" in text
    assert "25.00 GBP" in text
    status, text, _ = shop.page(session.url, number=DECLINED)
    assert status == 402
    assert "Your card was declined." in text
    tried = shop.v1.checkout.sessions.retrieve(session.id)
    assert (tried.status, tried.payment_status) == ("open", "unpaid")
    status, _, there = shop.page(session.url, number=SECURED, email="a@example.com", name="A")
    assert status == 303
    assert "/authenticate/" in there
    _, _, back = shop.page(there, outcome="complete")
    assert back == f"https://shop.example/ok?s={session.id}"
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent", "line_items"]})
    assert (done.status, done.payment_status, done.amount_total) == ("complete", "paid", 2500)
    assert (done.payment_intent.id, done.url) == (tried.payment_intent, None)
    assert (done.payment_intent.amount_received, done.payment_intent.metadata["order_id"]) == (2500, "ord_9")
    assert (done.customer_details.email, done.customer_details.name) == ("a@example.com", "A")
    assert done.line_items.data[0].quantity == 2
    assert shop.event_types()[-1] == "checkout.session.completed"
    assert shop.page(session.url)[2] == back


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "4242424242424241"}, "number"),
        ({"number": "4929000000006"}, "number"),
        ({"exp": "13 / 40"}, "exp"),
        ({"exp": "01 / 20"}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"cvc": "12"}, "cvc"),
        ({"number": "378282246310005", "cvc": "123"}, "cvc"),
        ({"email": "nobody"}, "email"),
        ({"name": " "}, "name"),
    ],
)
def test_an_error_is_shown_next_to_its_field(shop, form, field):
    session = opened(shop)
    status, text, _ = shop.page(session.url, **form)
    assert status == 400
    assert text.count('class="error"') == 1
    assert f'id="{field}-error"' in text
    assert f'aria-describedby="{field}-error" autofocus' in text
    assert shop.v1.payment_intents.list().data == []


def test_the_form_keeps_the_input_except_the_security_code(shop):
    text = shop.page(opened(shop).url, email='"a"@example.com', cvc="987", name="")[1]
    assert "&quot;a&quot;@example.com" in text
    assert 'value="987"' not in text


def test_an_abandoned_session_expires(shop):
    session = opened(shop)
    shop.page(session.url, number=DECLINED)
    shop.control("advance", seconds=24 * 3600 + 1)
    expired = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    intent = expired.payment_intent
    assert (intent.status, intent.cancellation_reason) == ("canceled", "automatic")
    assert shop.event_types()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    for form in ({}, {"number": "4242424242424242"}):
        status, text, _ = shop.page(f"{shop.url}/c/pay/{session.id}", **form)
        assert status == 410
        assert "https://shop.example/basket" in text


@pytest.mark.parametrize(("seconds", "valid"), [(1800, True), (86400, True), (1500, False), (90000, False)])
def test_a_session_lasts_30_minutes_to_24_hours(shop, seconds, valid):
    when = now(shop) + seconds
    if valid:
        assert opened(shop, expires_at=when).expires_at == when
    else:
        assert rejected(lambda: opened(shop, expires_at=when)).param == "expires_at"


def test_a_session_expired_by_the_shop_accepts_no_payment(shop):
    session = opened(shop)
    _, _, bank = shop.page(session.url, number=SECURED)
    shop.v1.checkout.sessions.expire(session.id)
    # A shopper who was on the bank's page is redirected to the expired session.
    assert shop.page(bank, outcome="complete")[2] == session.url
    assert shop.page(session.url)[0] == 410
    (intent,) = shop.v1.payment_intents.list().data
    assert (intent.status, intent.amount_received) == ("canceled", 0)
    error = rejected(lambda: shop.v1.checkout.sessions.expire(session.id))
    assert error.http_status == 400


def test_a_session_can_hold_the_money_for_a_later_capture(shop):
    session = opened(
        shop,
        payment_intent_data={"capture_method": "manual"},
        payment_method_options={"card": {"request_multicapture": "if_available"}},
    )
    shop.page(session.url, number="4242424242424242")
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    intent = done.payment_intent
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 2500)
    assert intent.latest_charge.payment_method_details.card.multicapture.status == "available"
    shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    shop.v1.payment_intents.capture(intent.id)
    assert shop.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_sessions_intent_cannot_be_confirmed_or_cancelled_directly(shop):
    session = opened(shop)
    shop.page(session.url, number=DECLINED)
    intent = shop.v1.checkout.sessions.retrieve(session.id).payment_intent
    for call in (
        lambda: shop.v1.payment_intents.cancel(intent),
        lambda: shop.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"}),
    ):
        assert rejected(call).code == "payment_intent_unexpected_state"
    held = opened(shop, payment_intent_data={"capture_method": "manual"})
    shop.page(held.url, number="4242424242424242")
    holding = shop.v1.checkout.sessions.retrieve(held.id).payment_intent
    assert shop.v1.payment_intents.cancel(holding).status == "canceled"


def test_simultaneous_browsers_on_one_session_pay_once(shop):
    session = opened(shop)
    answers = run_concurrently(*[lambda: shop.page(session.url, number="4242424242424242")[2]] * 6)
    assert set(answers) == {f"https://shop.example/ok?s={session.id}"}
    assert [intent.amount_received for intent in shop.v1.payment_intents.list().data] == [2500]
    assert len(shop.v1.charges.list().data) == 1
    assert shop.event_types().count("checkout.session.completed") == 1


ACCOUNT = {"means": "bacs_debit", "sort_code": "10-88-00", "email": "a@example.com", "name": "A"}


@pytest.mark.parametrize(
    ("number", "intent_status", "session_status", "event"),
    [
        ("00012345", "succeeded", "paid", "checkout.session.async_payment_succeeded"),
        ("22222227", "requires_payment_method", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_bank_debit_succeeds_or_fails_later(shop, number, intent_status, session_status, event):
    session = opened(shop)
    assert shop.page(session.url, **ACCOUNT, account_number=number)[2].startswith("https://shop.example/ok")
    waiting = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert (waiting.payment_intent.status, waiting.payment_intent.amount_received) == ("processing", 0)
    assert waiting.payment_intent.latest_charge.payment_method_details.type == "bacs_debit"
    assert shop.event_types()[-3:] == [
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
    ]
    rejected(lambda: shop.v1.refunds.create({"payment_intent": waiting.payment_intent.id}))
    rejected(lambda: shop.v1.refunds.create({"charge": waiting.payment_intent.latest_charge.id}))
    shop.control("advance", seconds=5)
    ended = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (ended.payment_intent.status, ended.payment_status) == (intent_status, session_status)
    assert shop.event_types()[-1] == event


def test_an_invalid_account_is_shown_next_to_its_field(shop):
    session = opened(shop)
    status, text, _ = shop.page(session.url, **ACCOUNT, account_number="1")
    assert status == 400
    assert 'id="account_number-error"' in text
    assert 'value="bacs_debit" checked' in text


def test_authenticating_after_another_browser_paid_leads_to_the_shop(shop):
    session = opened(shop)
    _, _, bank = shop.page(session.url, number=SECURED)
    shop.page(session.url, number="4242424242424242")
    _, _, back = shop.page(bank, outcome="complete")
    assert back == session.url
    assert shop.page(back)[2] == f"https://shop.example/ok?s={session.id}"
    assert len(shop.v1.charges.list().data) == 1


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"line_items": []}, "line_items"),
        ({"line_items": [{**MUGS, "quantity": 0}]}, "line_items[0][quantity]"),
        ({"line_items": [{"price": "price_absent"}]}, "line_items[0][price]"),
        ({"payment_intent_data": {"colour": "red"}}, "payment_intent_data[colour]"),
    ],
)
def test_an_invalid_session_is_rejected(shop, wrong, param):
    assert rejected(lambda: opened(shop, **wrong)).param == param
