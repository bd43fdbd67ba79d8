"""Customers."""

from localstack.stripe import ids
from localstack.stripe.errors import Object
from localstack.stripe.paging import page
from localstack.stripe.resources import fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

_PLAIN = ("balance", "description", "email", "name", "phone", "tax_exempt", "preferred_locales")


def create(unit: Unit, params: Params) -> Object:
    customer: Object = {
        "id": ids.new("cus"),
        "object": "customer",
        "address": fields.address(params.get("address") or None),
        "balance": 0,
        "created": unit.timestamp,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ids.token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    fields.change(customer, params, _PLAIN)
    unit.save(customer)
    unit.emit("customer.created", customer)
    return customer


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("customer", id_)


def require_customer(unit: Unit, id_: str) -> Object:
    """Return the customer of a parameter. Raises a 400 if it does not exist or is deleted."""
    customer = unit.get("customer", id_, "customer")
    return unit.get("customer", f"{id_} (deleted)", "customer") if customer.get("deleted") else customer


def update(unit: Unit, params: Params, id_: str) -> Object:
    customer = unit.get("customer", id_)
    before = dict(customer)
    if "address" in params:
        customer["address"] = fields.address(params["address"] or None)
    fields.change(customer, params, _PLAIN)
    unit.save(customer)
    unit.emit("customer.updated", customer, before)
    return customer


def delete(unit: Unit, params: Params, id_: str) -> Object:
    customer = unit.get("customer", id_)
    deleted = {"id": id_, "object": "customer", "deleted": True}
    if not customer.get("deleted"):
        unit.save(deleted)
        unit.emit("customer.deleted", customer)
    return deleted


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "customer", params, "/v1/customers", ("email",))


ROUTES = [
    Route("POST", "/v1/customers", create, "CustomerCreateParams"),
    Route("GET", "/v1/customers", list_all, "CustomerListParams"),
    Route("GET", "/v1/customers/{id}", retrieve, "CustomerRetrieveParams"),
    Route("POST", "/v1/customers/{id}", update, "CustomerUpdateParams"),
    Route("DELETE", "/v1/customers/{id}", delete, "CustomerDeleteParams"),
]
