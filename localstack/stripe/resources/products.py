"""Products and one-time prices."""

from localstack.stripe import ids, money
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

_PLAIN = ("active", "description", "images", "shippable", "tax_code", "unit_label", "url")


def create_product(unit: Unit, params: Params) -> Object:
    product: Object = {
        "id": params.get("id") or ids.new("prod"),
        "object": "product",
        "active": True,
        "created": unit.timestamp,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": params["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "good",
        "unit_label": None,
        "updated": unit.timestamp,
        "url": None,
    }
    if unit.store.get("product", product["id"]):
        raise invalid("Product already exists.", code="resource_already_exists", param="id")
    fields.change(product, params, _PLAIN)
    unit.save(product)
    unit.emit("product.created", product)
    return product


def update_product(unit: Unit, params: Params, id_: str) -> Object:
    product = unit.get("product", id_)
    before = dict(product)
    fields.change(product, params, (*_PLAIN, "name"))
    product["updated"] = unit.timestamp
    unit.save(product)
    unit.emit("product.updated", product, before)
    return product


def retrieve_product(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("product", id_)


def list_products(unit: Unit, params: Params) -> Object:
    return page(unit, "product", params, "/v1/products", ("active",))


def create_price(unit: Unit, params: Params) -> Object:
    """Create a one-time price of an existing product, or of a new one (`product_data`)."""
    if "product_data" in params:
        data = params["product_data"]
        copied = ("name", "description", "images", "metadata", "tax_code", "unit_label")
        product = create_product(unit, {name: data[name] for name in copied if name in data})
    elif "product" in params:
        product = unit.get("product", params["product"], "product")
    else:
        raise invalid("Missing required param: product.", code="parameter_missing", param="product")
    if "unit_amount" not in params:
        raise invalid("Missing required param: unit_amount.", code="parameter_missing", param="unit_amount")
    if params["unit_amount"] < 0:
        raise invalid(
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param="unit_amount",
        )
    price: Object = {
        "id": ids.new("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": unit.timestamp,
        "currency": money.require_currency(params["currency"]),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": fields.metadata({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product["id"],
        "recurring": None,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": params["unit_amount"],
        "unit_amount_decimal": str(params["unit_amount"]),
    }
    unit.save(price)
    unit.emit("price.created", price)
    return price


def retrieve_price(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("price", id_)


def list_prices(unit: Unit, params: Params) -> Object:
    return page(unit, "price", params, "/v1/prices", ("active", "currency", "product"))


ROUTES = [
    Route("POST", "/v1/products", create_product, "ProductCreateParams"),
    Route("GET", "/v1/products", list_products, "ProductListParams"),
    Route("GET", "/v1/products/{id}", retrieve_product, "ProductRetrieveParams"),
    Route("POST", "/v1/products/{id}", update_product, "ProductUpdateParams"),
    Route("POST", "/v1/prices", create_price, "PriceCreateParams"),
    Route("GET", "/v1/prices", list_prices, "PriceListParams"),
    Route("GET", "/v1/prices/{id}", retrieve_price, "PriceRetrieveParams"),
]
