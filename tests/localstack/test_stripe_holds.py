"""Holds are captured once or several times, or released, as at Stripe."""

import pytest
import stripe

WEEK = 7 * 24 * 3600
MULTICAPTURE = {
    "capture_method": "manual",
    "payment_method_options": {"card": {"request_multicapture": "if_available"}},
}


def rejected(call):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def held(shop, card="pm_card_visa", **more):
    """Return an intent that holds 2000, with its charge expanded."""
    return shop.paid(card=card, expand=["latest_charge"], **(more or MULTICAPTURE))


def captures(shop, intent):
    """Return a function that captures the intent and returns it with its charge expanded."""

    def capture(**params):
        return shop.v1.payment_intents.capture(intent.id, {**params, "expand": ["latest_charge"]})

    return capture


def test_a_partial_capture_releases_the_remainder(shop):
    intent = held(shop, capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 2000, 0)
    error = rejected(lambda: shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2001}))
    assert error.code == "amount_too_large"
    taken = shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 1500)
    assert shop.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert shop.v1.refunds.create({"payment_intent": intent.id}).amount == 1500


@pytest.mark.parametrize(
    ("card", "params", "status"),
    [
        ("pm_card_visa", MULTICAPTURE, "available"),
        ("pm_card_visa", {"capture_method": "manual"}, "unavailable"),
        ("pm_card_credit_disableEnterpriseCardFeatures", MULTICAPTURE, "unavailable"),
    ],
)
def test_a_charge_has_its_capture_deadline_and_multicapture_status(shop, card, params, status):
    now = shop.read("health")["now"]
    charge = held(shop, card, **params).latest_charge
    details = charge.payment_method_details.card
    assert details.multicapture.status == status
    assert details.capture_before == pytest.approx(now + WEEK, abs=5)
    assert (charge.captured, charge.amount_captured, charge.balance_transaction) == (False, 0, None)


def test_the_capture_method_of_the_card_options_holds_the_money(shop):
    intent = shop.paid(payment_method_options={"card": {"capture_method": "manual"}})
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 2000)
    assert "capture_before" not in shop.v1.charges.retrieve(shop.paid().latest_charge).to_dict()


def test_captures_add_up_until_the_final_one_releases_the_remainder(shop):
    intent = held(shop)
    capture = captures(shop, intent)
    first = capture(amount_to_capture=700, final_capture=False)
    assert (first.status, first.amount_capturable, first.amount_received) == ("requires_capture", 1300, 700)
    assert (first.latest_charge.amount_captured, first.latest_charge.captured) == (700, False)
    second = capture(amount_to_capture=200, final_capture=False)
    assert (second.amount_capturable, second.amount_received) == (1100, 900)
    assert rejected(lambda: capture(amount_to_capture=1101)).code == "amount_too_large"
    last = capture(amount_to_capture=600)
    assert (last.status, last.amount_capturable, last.amount_received) == ("succeeded", 0, 1500)
    assert (last.latest_charge.amount_captured, last.latest_charge.captured) == (1500, True)
    assert last.latest_charge.amount_refunded == 0
    assert shop.event_types()[3:] == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.updated",
        "charge.captured",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]
    (event,) = shop.v1.events.list({"type": "charge.captured"}).data
    assert event.data.previous_attributes["captured"] is False


def test_a_fully_captured_hold_still_needs_a_final_capture(shop):
    intent = held(shop)
    capture = captures(shop, intent)
    whole = capture(amount_to_capture=2000, final_capture=False)
    assert (whole.status, whole.amount_capturable, whole.amount_received) == ("requires_capture", 0, 2000)
    assert capture(amount_to_capture=0, final_capture=True).status == "succeeded"


def test_a_final_capture_of_zero_releases_the_remainder(shop):
    intent = held(shop)
    capture = captures(shop, intent)
    error = rejected(lambda: capture(amount_to_capture=0, final_capture=True))
    assert error.code == "parameter_invalid_integer"  # a hold without captures must be canceled instead
    capture(amount_to_capture=700, final_capture=False)
    released = capture(amount_to_capture=0, final_capture=True)
    assert (released.status, released.amount_capturable, released.amount_received) == ("succeeded", 0, 700)
    assert released.latest_charge.captured is True
    assert shop.v1.refunds.list().data == []


def test_a_card_without_multicapture_is_captured_once(shop):
    intent = held(shop, "pm_card_credit_disableEnterpriseCardFeatures")
    capture = captures(shop, intent)
    assert rejected(lambda: capture(amount_to_capture=700, final_capture=False)).param == "final_capture"
    assert capture(amount_to_capture=700).status == "succeeded"
    assert rejected(lambda: capture(amount_to_capture=1)).code == "payment_intent_unexpected_state"


def test_an_intent_has_at_most_fifty_captures(shop):
    intent = held(shop)
    capture = captures(shop, intent)
    for _ in range(49):
        capture(amount_to_capture=1, final_capture=False)
    assert rejected(lambda: capture(amount_to_capture=1, final_capture=False)).param == "final_capture"
    assert capture(amount_to_capture=1).amount_received == 50


def test_a_partly_captured_hold_cannot_be_canceled(shop):
    untouched = held(shop)
    canceled = shop.v1.payment_intents.cancel(untouched.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.amount_capturable, canceled.amount_received) == ("canceled", 0, 0)
    begun = held(shop)
    captures(shop, begun)(amount_to_capture=700, final_capture=False)
    error = rejected(lambda: shop.v1.payment_intents.cancel(begun.id))
    assert error.code == "payment_intent_unexpected_state"
    assert shop.v1.payment_intents.retrieve(begun.id).amount_capturable == 1300


def test_captured_parts_can_be_refunded_while_the_remainder_is_held(shop):
    intent = held(shop)
    capture = captures(shop, intent)
    rejected(lambda: shop.v1.refunds.create({"payment_intent": intent.id}))
    capture(amount_to_capture=700, final_capture=False)
    assert shop.v1.refunds.create({"payment_intent": intent.id}).amount == 700
    charge = shop.v1.charges.retrieve(intent.latest_charge.id)
    assert (charge.amount_refunded, charge.refunded) == (700, False)
    last = capture(amount_to_capture=300)
    assert last.latest_charge.refunded is False
    shop.v1.refunds.create({"payment_intent": intent.id})
    charge = shop.v1.charges.retrieve(intent.latest_charge.id)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)


def test_a_hold_with_all_captures_refunded_is_refunded_once_final(shop):
    intent = held(shop)
    capture = captures(shop, intent)
    capture(amount_to_capture=700, final_capture=False)
    shop.v1.refunds.create({"payment_intent": intent.id})
    assert capture(amount_to_capture=0, final_capture=True).latest_charge.refunded is True


def test_an_uncaptured_hold_expires(shop):
    intent = held(shop)
    shop.control("advance", seconds=WEEK + 1)
    gone = shop.v1.payment_intents.retrieve(intent.id)
    assert (gone.status, gone.cancellation_reason, gone.amount_capturable) == ("canceled", "automatic", 0)
    assert shop.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]
    error = rejected(lambda: shop.v1.payment_intents.capture(intent.id))
    assert error.code == "payment_intent_unexpected_state"


def test_a_partly_captured_hold_succeeds_when_it_expires(shop):
    intent = held(shop)
    captures(shop, intent)(amount_to_capture=700, final_capture=False)
    shop.control("advance", seconds=WEEK + 1)
    over = shop.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (over.status, over.amount_capturable, over.amount_received) == ("succeeded", 0, 700)
    assert (over.latest_charge.captured, over.latest_charge.amount_captured) == (True, 700)
    assert shop.event_types()[-2:] == ["charge.captured", "payment_intent.succeeded"]


def test_an_expired_hold_cannot_be_captured_before_its_timer_runs(shop, local):
    intent = held(shop)
    with local.emulator.store.transaction():
        # The hold has expired, but its timer has not run yet.
        local.emulator.store.rows("UPDATE timers SET due_at = due_at + 3600")
        local.emulator.clock.advance(WEEK + 1)
    error = rejected(lambda: shop.v1.payment_intents.capture(intent.id))
    assert error.code == "charge_expired_for_capture"
    assert shop.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
