"""Holds: authorized amounts that are captured once or several times, or released.

Sources: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method and
https://docs.stripe.com/payments/multicapture
"""

from localstack.stripe.errors import Object, invalid
from localstack.stripe.resources import charges, fields
from localstack.stripe.resources.lifecycle import cancel, require, succeed
from localstack.stripe.resources.payment_methods import card_of
from localstack.stripe.routing import Params
from localstack.stripe.unit import Unit

_MAX_CAPTURES = 50


def place(unit: Unit, intent: Object, charge: Object) -> None:
    """Hold the intent's amount until the charge's `capture_before`."""
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    unit.save(intent)
    unit.schedule(charge["_capture_before"] - unit.now, "void_authorization", intent["id"])
    unit.emit("payment_intent.amount_capturable_updated", intent)


def capture(unit: Unit, intent: Object, params: Params) -> Object:
    """Capture `amount_to_capture`, by default the whole hold.

    The remainder is released, unless `final_capture` is false, which requires multicapture. With multicapture
    a final capture of 0 only releases the remainder.
    """
    require(intent, "capture")
    charge = unit.get("charge", intent["latest_charge"])
    final = bool(params.get("final_capture", True))
    amount = _amount(unit, intent, charge, params, final=final)
    multicapture = charges.allows_multicapture(charge)
    before = dict(intent)
    if "metadata" in params:
        intent["metadata"] = fields.metadata(intent["metadata"], params["metadata"])
    charges.capture(unit, charge, amount, final=final, multicapture=multicapture)
    intent["amount_received"] = charge["amount_captured"]
    intent["amount_capturable"] = 0 if final else intent["amount_capturable"] - amount
    unit.save(intent)
    if multicapture:
        unit.emit("payment_intent.amount_capturable_updated", intent, before)
    if final:
        succeed(unit, intent, charge, card_of(charge))
    return intent


def _amount(unit: Unit, intent: Object, charge: Object, params: Params, *, final: bool) -> int:
    """Return the amount to capture. Raises a 400 if the capture is not possible."""
    if unit.now >= charge["_capture_before"]:
        raise invalid(
            f"The charge {charge['id']} cannot be captured: its authorization has expired.",
            code="charge_expired_for_capture",
            charge=charge["id"],
        )
    multicapture = charges.allows_multicapture(charge)
    if not multicapture and not final:
        raise invalid(
            "You cannot set `final_capture` to `false`: multicapture is not available for this"
            " PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="final_capture",
        )
    if not final and charge["_captures"] + 1 >= _MAX_CAPTURES:
        raise invalid(
            f"A PaymentIntent can be captured up to {_MAX_CAPTURES} times, so this capture must be final.",
            code="payment_intent_invalid_parameter",
            param="final_capture",
        )
    held = int(intent["amount_capturable"])
    amount = int(params["amount_to_capture"] if "amount_to_capture" in params else held)
    minimum = 0 if multicapture and final and charge["amount_captured"] else 1
    if amount < minimum:
        raise invalid(
            f"This value must be greater than or equal to {minimum}.",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    if amount > held:
        raise invalid(
            f"The amount_to_capture {amount} is greater than the PaymentIntent's amount_capturable {held}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    return amount


def expire(unit: Unit, id_: str) -> None:
    """Expire a hold: the intent is canceled if nothing was captured, otherwise it has succeeded."""
    intent = unit.store.get("payment_intent", id_)
    if intent is None or intent["status"] != "requires_capture":
        return
    charge = unit.get("charge", intent["latest_charge"])
    if not charge["amount_captured"]:
        unit.emit("charge.expired", charge)
        cancel(unit, intent, "automatic")
        return
    charges.capture(unit, charge, 0, final=True, multicapture=True)
    succeed(unit, intent, charge, card_of(charge))
