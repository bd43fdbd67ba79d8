"""Shipping methods and tax rates, as staff set them and everyone reads them."""

import re

from cart.domain.pricing import TaxRate
from cart.domain.shipping import Rate, ShippingMethod
from cart.service.rivals import until_written
from cart.tables import charges
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound, invalid

MAX_METHODS = 100
_METHOD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def shipping_methods() -> list[ShippingMethod]:
    """All of them, in the order of their names in paths."""
    return sorted(charges.shipping_methods()[1], key=lambda method: method.method)


def shipping_method(method: str) -> ShippingMethod:
    """Raises NotFound."""
    for known in charges.shipping_methods()[1]:
        if known.method == method:
            return known
    raise NotFound("There is no such shipping method.")


@until_written
def put_shipping_method(
    method: str, name: str, countries: list[str], rates: list[Rate], if_match: int | None
) -> ShippingMethod:
    """Make or replace a method. Raises Stale, Invalid."""
    if not _METHOD.fullmatch(method):
        raise invalid("/method", "A method is 1 to 40 of a-z, 0-9 and -.")
    row_version, known = charges.shipping_methods()
    others = [entry for entry in known if entry.method != method]
    version = next((entry.version for entry in known if entry.method == method), 0)
    require_version(if_match, version)
    if len(others) >= MAX_METHODS:
        raise invalid("/method", f"The shop takes at most {MAX_METHODS} methods.")
    made = ShippingMethod(method=method, name=name, countries=countries, rates=rates, version=version + 1)
    charges.save_shipping_methods([*others, made], after=row_version)
    return made


def tax_rate(country: str) -> TaxRate:
    """Raises NotFound."""
    rate = charges.tax_rate(country) if _COUNTRY.fullmatch(country) else None
    if rate is None:
        raise NotFound("There is no tax rate for this country.")
    return rate


@until_written
def put_tax_rate(country: str, rate_bp: int, inclusive: bool, if_match: int | None) -> TaxRate:
    """Make or replace a country's rate. Raises Stale, Invalid."""
    if not _COUNTRY.fullmatch(country):
        raise invalid("/country", "A country is two capital letters (ISO 3166-1 alpha-2).")
    known = charges.tax_rate(country)
    version = known.version if known else 0
    require_version(if_match, version)
    rate = TaxRate(country=country, rate_bp=rate_bp, inclusive=inclusive, version=version + 1)
    charges.save_tax_rate(rate)
    return rate
