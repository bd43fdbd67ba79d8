"""Checkout Sessions: hosted pages on which a shopper pays for line items."""

from typing import Any

from localstack.stripe import ids, money
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import listing, page
from localstack.stripe.resources import (
    confirmation,
    customers,
    fields,
    lifecycle,
    payment_intents,
    products,
)
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

_LIFETIME = 24 * 3600  # seconds until an open session expires by default
_INTENT_FIELDS = (
    "capture_method",
    "description",
    "metadata",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor_suffix",
    "transfer_group",
)


def create(unit: Unit, params: Params) -> Object:
    if params.get("mode", "payment") != "payment":
        raise invalid("The local Stripe supports only mode=payment.", param="mode")
    if "success_url" not in params:
        raise invalid("Missing required param: success_url.", code="parameter_missing", param="success_url")
    lines = [_line(unit, given, at) for at, given in enumerate(params.get("line_items", []))]
    if not lines:
        raise invalid("Missing required param: line_items.", code="parameter_missing", param="line_items")
    if len({line["currency"] for line in lines}) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    total = sum(line["amount_total"] for line in lines)
    money.require_chargeable(total, lines[0]["currency"], "line_items")
    session = _blank(unit, params, total, lines)
    unit.save(session)
    unit.schedule(session["expires_at"] - unit.now, "expire_session", session["id"])
    return session


def _line(unit: Unit, given: Params, at: int) -> Object:
    where = f"line_items[{at}]"
    if "price" in given:
        price = unit.get("price", given["price"], f"{where}[price]")
    elif "price_data" in given:
        data = given["price_data"]
        price = products.create_price(unit, data)
    else:
        raise invalid(
            f"Missing required param: {where}[price].", code="parameter_missing", param=f"{where}[price]"
        )
    quantity = given.get("quantity", 1)
    if quantity < 1:
        raise invalid("This value must be greater than or equal to 1.", param=f"{where}[quantity]")
    amount = price["unit_amount"] * quantity
    return {
        "id": ids.new("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": unit.get("product", price["product"])["name"],
        "metadata": fields.metadata({}, given.get("metadata")),
        "price": price,
        "quantity": quantity,
    }


def _blank(unit: Unit, params: Params, total: int, lines: list[Object]) -> Object:
    id_ = f"cs_test_{ids.token(40)}"
    expires_at = params.get("expires_at", unit.timestamp + _LIFETIME)
    if not unit.now + 1800 - 60 <= expires_at <= unit.now + _LIFETIME + 60:
        raise invalid(
            "The `expires_at` timestamp must be 30 minutes to 24 hours from now.", param="expires_at"
        )
    return {
        "id": id_,
        "object": "checkout.session",
        "allow_promotion_codes": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "created": unit.timestamp,
        "currency": lines[0]["currency"],
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer": customers.require_customer(unit, params["customer"])["id"]
        if "customer" in params
        else None,
        "customer_creation": params.get("customer_creation", "if_required"),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "expires_at": expires_at,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": fields.metadata({}, params.get("metadata")),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": (params.get("payment_method_options") or {}).get("card", {})},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{unit.base_url}/c/pay/{id_}",
        "_intent_data": params.get("payment_intent_data", {}),
        "_line_items": lines,
    }


def pay(unit: Unit, session: Object, email: str, name: str, means: Params) -> Object:
    """Confirm the session's intent, created on first use, with `means` (payment method data).

    Raises CardError if the payment is declined.
    """
    intent_data = session["_intent_data"]
    session["customer_details"] = {
        **fields.person({"email": email or None, "name": name or None}),
        "tax_exempt": "none",
        "tax_ids": [],
    }
    intent_params: dict[str, Any] = {
        name: intent_data[name] for name in _INTENT_FIELDS if name in intent_data
    }
    intent_params["payment_method_options"] = session["payment_method_options"]
    intent_params |= {"amount": session["amount_total"], "currency": session["currency"]}
    if session["customer"]:
        intent_params["customer"] = session["customer"]
    if session["payment_intent"] is None:
        intent = payment_intents.create(unit, intent_params)
        intent["_session"] = session["id"]
        unit.save(intent)
        session["payment_intent"] = intent["id"]
    # Saved before the confirmation, so that the session knows the intent after a decline too.
    unit.save(session)
    billing = {"email": email or None, "name": name or None}
    method = {**means, "billing_details": billing}
    return confirmation.confirm(
        unit,
        unit.get("payment_intent", session["payment_intent"]),
        {"payment_method_data": method, "return_url": f"{unit.base_url}/c/pay/{session['id']}"},
    )


def success_url(session: Object) -> str:
    """Return the URL for a shopper who has paid."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def complete_session(unit: Unit, intent: Object) -> Object | None:
    """Complete the session of an intent that succeeded or is processing. Return the session, if any."""
    session = unit.store.get("checkout.session", intent.get("_session", ""))
    if session is None or session["status"] != "open":
        return session
    if intent["status"] in ("succeeded", "requires_capture", "processing"):
        session["status"] = "complete"
        session["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
        session["url"] = None
        unit.save(session)
        unit.emit("checkout.session.completed", session)
    return session


def finish_debit(unit: Unit, id_: str) -> None:
    """Record the outcome of a debit and emit it for the intent's session."""
    intent = unit.store.get("payment_intent", id_)
    if intent is None or intent["status"] != "processing":
        return
    confirmation.finish_debit(unit, intent)
    session = unit.store.get("checkout.session", intent.get("_session", ""))
    if session:
        ended = "succeeded" if intent["status"] == "succeeded" else "failed"
        unit.emit(f"checkout.session.async_payment_{ended}", session)


def expire(unit: Unit, params: Params, id_: str) -> Object:
    session = unit.get("checkout.session", id_)
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This has a status of'
            f" {session['status']}."
        )
    session |= {"status": "expired", "url": None}
    unit.save(session)
    intent = unit.store.get("payment_intent", session["payment_intent"] or "")
    if intent:  # from a failed attempt
        lifecycle.cancel(unit, intent, "automatic")
    unit.emit("checkout.session.expired", session)
    return session


def expire_if_open(unit: Unit, id_: str) -> None:
    """Expire the session if it is still open."""
    session = unit.store.get("checkout.session", id_)
    if session is not None and session["status"] == "open":
        expire(unit, {}, id_)


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("checkout.session", id_)


def line_items(unit: Unit, params: Params, id_: str) -> Object:
    lines = unit.get("checkout.session", id_)["_line_items"]
    limit = params.get("limit", 10)
    after = 0
    if cursor := params.get("starting_after"):
        places = [at for at, line in enumerate(lines, 1) if line["id"] == cursor]
        if not places:
            raise invalid(
                f"No such line item: '{cursor[:80]}'", code="resource_missing", param="starting_after"
            )
        after = places[0]
    url = f"/v1/checkout/sessions/{id_}/line_items"
    return listing(lines[after : after + limit], url, has_more=len(lines) > after + limit)


def list_all(unit: Unit, params: Params) -> Object:
    equal = ("customer", "payment_intent", "status")
    return page(unit, "checkout.session", params, "/v1/checkout/sessions", equal)


ROUTES = [
    Route("POST", "/v1/checkout/sessions", create, "checkout.SessionCreateParams"),
    Route("GET", "/v1/checkout/sessions", list_all, "checkout.SessionListParams"),
    Route("GET", "/v1/checkout/sessions/{id}", retrieve, "checkout.SessionRetrieveParams"),
    Route("POST", "/v1/checkout/sessions/{id}/expire", expire, "checkout.SessionExpireParams"),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", line_items, "checkout.SessionLineItemListParams"),
]
