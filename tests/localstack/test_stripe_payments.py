"""Payments with cards and bank debits: success, declines and 3-D Secure."""

import urllib.parse

import pytest
import stripe

GBP = {"amount": 2000, "currency": "gbp"}


def declined(call):
    with pytest.raises(stripe.CardError) as caught:
        call()
    return caught.value


def rejected(call):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def test_a_valid_card_pays_in_full(shop):
    intent = shop.paid(metadata={"order_id": "ord_1"}, expand=["latest_charge"])
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    assert intent.latest_charge.metadata["order_id"] == "ord_1"
    assert shop.event_types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ],
)
def test_a_decline_is_recorded_on_the_intent(shop, card, code, decline_code):
    error = declined(lambda: shop.paid(card=card))
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)
    intent = shop.v1.payment_intents.retrieve(error.error.payment_intent["id"])
    assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", code)
    assert intent.amount_received == 0
    assert shop.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_another_card_pays_after_a_decline(shop):
    intent = shop.v1.payment_intents.create(GBP)
    confirm = shop.v1.payment_intents.confirm
    declined(lambda: confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"}))
    paid = confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "4929000000006"}, "card_declined"),  # valid, but not a test card
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 2001}, "invalid_expiry_year"),
    ],
)
def test_an_invalid_card_is_rejected(shop, card, code):
    whole = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123", **card}
    error = declined(lambda: shop.v1.payment_methods.create({"type": "card", "card": whole}))
    assert error.code == code


def test_a_card_without_a_customer_pays_once(shop):
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    method = shop.v1.payment_methods.create({"type": "card", "card": card})
    shop.paid(card=method.id)
    assert rejected(lambda: shop.paid(card=method.id)).code == "payment_method_unexpected_state"


def test_a_customers_card_pays_again_but_only_for_the_customer(shop):
    customer = shop.v1.customers.create({"email": "a@example.com"})
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    for _ in range(2):
        assert shop.paid(card=method.id, customer=customer.id).status == "succeeded"
    assert rejected(lambda: shop.paid(card=method.id)).param == "payment_method"
    with_customer = shop.v1.payment_intents.list({"customer": customer.id, "expand": ["data.customer"]})
    assert [each.customer.email for each in with_customer.data] == ["a@example.com"] * 2


def secured(shop, card="pm_card_threeDSecure2Required"):
    intent = shop.paid(card=card, return_url="https://shop.example/back?order=1")
    assert intent.status == "requires_action"
    return intent, intent.next_action.redirect_to_url.url


def test_completed_3d_secure_pays_and_redirects_to_the_shop(shop):
    intent, url = secured(shop)
    status, text, _ = shop.page(url)
    assert status == 200
    assert 'value="complete"' in text
    status, _, back = shop.page(url, outcome="complete")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert status == 303
    assert query == {
        "order": "1",
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": "succeeded",
    }
    paid = shop.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.next_action) == ("succeeded", None)
    assert paid.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
    assert shop.page(url)[0] == 404  # the page is valid for one attempt
    assert shop.page(url, outcome="fail")[0] == 404


def test_failed_3d_secure_pays_nothing(shop):
    intent, url = secured(shop)
    _, _, back = shop.page(url, outcome="fail")
    assert "redirect_status=failed" in back
    failed = shop.v1.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert shop.event_types()[-1] == "payment_intent.payment_failed"


def test_completed_3d_secure_can_still_be_declined(shop):
    intent, url = secured(shop, "pm_card_threeDSecureRequiredChargeDeclined")
    assert "redirect_status=failed" in shop.page(url, outcome="complete")[2]
    assert shop.v1.payment_intents.retrieve(intent.id).last_payment_error.code == "card_declined"


def test_an_off_session_payment_cannot_use_3d_secure(shop):
    error = declined(lambda: shop.paid(card="pm_card_threeDSecure2Required", off_session=True))
    assert error.code == "authentication_required"


def test_explicitly_enabled_redirects_require_a_return_url(shop):
    automatic = {"automatic_payment_methods": {"enabled": True}}
    assert rejected(lambda: shop.paid(**automatic)).param == "return_url"
    assert shop.v1.payment_intents.list().data == []  # the rejected call created nothing
    assert shop.paid(**automatic, return_url="https://shop.example/").status == "succeeded"


def test_a_debit_is_processing_until_its_outcome_is_known(shop):
    intent = shop.paid(card="pm_bacsDebit_success")
    assert (intent.status, intent.amount_received) == ("processing", 0)
    for call in (shop.v1.payment_intents.cancel, shop.v1.payment_intents.confirm):
        assert rejected(lambda call=call: call(intent.id)).code == "payment_intent_unexpected_state"
    failing = shop.paid(card="pm_bacsDebit_insufficientFunds")
    shop.control("advance", seconds=5)
    paid = shop.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.amount_received, paid.latest_charge.status) == ("succeeded", 2000, "succeeded")
    failed = shop.v1.payment_intents.retrieve(failing.id, {"expand": ["latest_charge"]})
    assert (failed.status, failed.last_payment_error.decline_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )
    assert (failed.latest_charge.status, failed.latest_charge.amount_captured) == ("failed", 0)


@pytest.mark.parametrize("more", [{"currency": "eur"}, {"capture_method": "manual"}])
def test_a_debit_needs_gbp_and_automatic_capture(shop, more):
    error = rejected(lambda: shop.paid(card="pm_bacsDebit_success", **more))
    assert error.param == "payment_method"


@pytest.mark.parametrize("action", ["confirm", "cancel", "capture"])
def test_a_succeeded_intent_cannot_change(shop, action):
    paid = shop.paid()
    error = rejected(lambda: getattr(shop.v1.payment_intents, action)(paid.id))
    assert error.code == "payment_intent_unexpected_state"
    assert error.error.payment_intent["id"] == paid.id


@pytest.mark.parametrize(("amount", "code"), [(29, "amount_too_small"), (0, "parameter_invalid_integer")])
def test_an_amount_below_the_minimum_is_rejected(shop, amount, code):
    assert rejected(lambda: shop.paid(amount)).code == code
