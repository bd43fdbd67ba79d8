"""Reviews: payments that the shop's staff should check.

Source: https://docs.stripe.com/radar/reviews
"""

from localstack.stripe import ids
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit


def open_for(unit: Unit, intent: Object, charge: Object, opened_reason: str) -> Object:
    """Open a review and set it on the intent and the charge."""
    review: Object = {
        "id": ids.new("prv"),
        "object": "review",
        "billing_zip": None,
        "charge": charge["id"],
        "closed_reason": None,
        "created": unit.timestamp,
        "ip_address": None,
        "ip_address_location": None,
        "livemode": False,
        "open": True,
        "opened_reason": opened_reason,
        "payment_intent": intent["id"],
        "reason": opened_reason,
        "session": None,
    }
    unit.save(review)
    for obj in (charge, intent):
        obj["review"] = review["id"]
        unit.save(obj)
    unit.emit("review.opened", review)
    return review


def close(unit: Unit, review: Object, reason: str) -> Object:
    review |= {"open": False, "closed_reason": reason, "reason": reason}
    unit.save(review)
    unit.emit("review.closed", review)
    return review


def close_for(unit: Unit, holder: Object, reason: str) -> None:
    """Close the open review of an intent or charge, if there is one."""
    review = unit.store.get("review", holder["review"] or "")
    if review and review["open"]:
        close(unit, review, reason)


def approve(unit: Unit, params: Params, id_: str) -> Object:
    review = unit.get("review", id_)
    if not review["open"]:
        raise invalid(f"The review {id_} is already closed.")
    return close(unit, review, "approved")


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("review", id_)


def list_all(unit: Unit, params: Params) -> Object:
    """Return the open reviews."""
    return page(unit, "review", params, "/v1/reviews", more=[("json_extract(body, '$.open') = ?", 1)])


ROUTES = [
    Route("GET", "/v1/reviews", list_all, "ReviewListParams"),
    Route("GET", "/v1/reviews/{id}", retrieve, "ReviewRetrieveParams"),
    Route("POST", "/v1/reviews/{id}/approve", approve, "ReviewApproveParams"),
]
