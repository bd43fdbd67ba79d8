"""PaymentIntents."""

from localstack.stripe import ids, money
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import confirmation, customers, fields, holds, lifecycle
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

_PLAIN = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)

_LOCKED_AFTER_CONFIRMATION = {
    "amount",
    "capture_method",
    "currency",
    "customer",
    "payment_method",
    "payment_method_data",
    "payment_method_options",
}


def create(unit: Unit, params: Params) -> Object:
    confirming = params.get("confirm", False)
    early = [name for name in ("error_on_requires_action", "off_session") if name in params]
    if early and not confirming:
        raise invalid(f"You can only pass {early[0]} when confirm=true.", param=early[0])
    intent = _blank(unit, params)
    fields.change(intent, params, _PLAIN)
    fields.card_options(intent, params)
    if "payment_method" in params or "payment_method_data" in params:
        method = confirmation.method_for(unit, intent, params)
        unit.save(method)
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    unit.save(intent)
    unit.emit("payment_intent.created", intent)
    return confirmation.confirm(unit, intent, params) if confirming else intent


def _blank(unit: Unit, params: Params) -> Object:
    currency = money.require_currency(params["currency"])
    stated = params.get("automatic_payment_methods")
    enabled = stated is None or stated["enabled"]
    redirects = (stated or {}).get("allow_redirects", "always")
    id_ = ids.new("pi")
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": money.require_chargeable(params["amount"], currency),
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": params.get("application_fee_amount"),
        "automatic_payment_methods": {"allow_redirects": redirects, "enabled": True} if enabled else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{id_}_secret_{ids.token(25)}",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": unit.timestamp,
        "currency": currency,
        "customer": customers.require_customer(unit, params["customer"])["id"]
        if "customer" in params
        else None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": params.get("on_behalf_of"),
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": params.get("transfer_data"),
        "transfer_group": None,
        # Explicitly enabled with redirects: Stripe then requires a return_url to confirm.
        "_requires_return_url": stated is not None and enabled and redirects == "always",
    }


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("payment_intent", id_)


def update(unit: Unit, params: Params, id_: str) -> Object:
    """Update an intent. The amount, the customer and the payment method cannot change after confirmation."""
    intent = unit.get("payment_intent", id_)
    if set(params) & _LOCKED_AFTER_CONFIRMATION:
        lifecycle.require(intent, "update")
    if "currency" in params:
        intent["currency"] = money.require_currency(params["currency"])
    if "amount" in params or "currency" in params:
        amount = int(params["amount"] if "amount" in params else intent["amount"])
        intent["amount"] = money.require_chargeable(amount, intent["currency"])
    if "customer" in params:
        intent["customer"] = customers.require_customer(unit, params["customer"])["id"]
    if "capture_method" in params:
        intent["capture_method"] = params["capture_method"]
    if "payment_method" in params or "payment_method_data" in params:
        method = confirmation.method_for(unit, intent, params)
        unit.save(method)
        intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    fields.change(intent, params, _PLAIN)
    fields.card_options(intent, params)
    unit.save(intent)
    return intent


def confirm(unit: Unit, params: Params, id_: str) -> Object:
    intent = unit.get("payment_intent", id_)
    lifecycle.require_no_session(intent, "confirm")
    return confirmation.confirm(unit, intent, params)


def capture(unit: Unit, params: Params, id_: str) -> Object:
    return holds.capture(unit, unit.get("payment_intent", id_), params)


def cancel(unit: Unit, params: Params, id_: str) -> Object:
    intent = unit.get("payment_intent", id_)
    lifecycle.require_no_session(intent, "cancel")
    return lifecycle.cancel(unit, intent, params.get("cancellation_reason"))


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "payment_intent", params, "/v1/payment_intents", ("customer",))


# The fields that a browser with a publishable key and the client secret receives.
PUBLISHABLE_FIELDS = frozenset(
    """id object amount amount_details automatic_payment_methods canceled_at cancellation_reason
    capture_method client_secret confirmation_method created currency description last_payment_error livemode
    next_action payment_method payment_method_types processing receipt_email setup_future_usage shipping
    source status""".split()
)

ROUTES = [
    Route("POST", "/v1/payment_intents", create, "PaymentIntentCreateParams"),
    Route("GET", "/v1/payment_intents", list_all, "PaymentIntentListParams"),
    Route("GET", "/v1/payment_intents/{id}", retrieve, "PaymentIntentRetrieveParams", publishable=True),
    Route("POST", "/v1/payment_intents/{id}", update, "PaymentIntentUpdateParams"),
    Route(
        "POST", "/v1/payment_intents/{id}/confirm", confirm, "PaymentIntentConfirmParams", publishable=True
    ),
    Route("POST", "/v1/payment_intents/{id}/capture", capture, "PaymentIntentCaptureParams"),
    Route("POST", "/v1/payment_intents/{id}/cancel", cancel, "PaymentIntentCancelParams"),
]
