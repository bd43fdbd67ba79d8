"""Shipping methods and tax rates."""

import re

from cart.domain.pricing import TaxRate
from cart.domain.shipping import Rate, ShippingMethod
from cart.service.concurrency import retry_on_conflict
from cart.tables import rates as tables
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound, invalid

MAX_METHODS = 100  # shipping methods; a quote reads all of them, and they are listed on one page
_METHOD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def shipping_methods() -> list[ShippingMethod]:
    """Return all methods, ordered by the name that paths use."""
    return sorted(tables.shipping_methods()[1], key=lambda method: method.method)


def shipping_method(method: str) -> ShippingMethod:
    """Return the method. Raises NotFound."""
    for stored in tables.shipping_methods()[1]:
        if stored.method == method:
            return stored
    raise NotFound("The shipping method does not exist.")


@retry_on_conflict
def put_shipping_method(
    method: str, name: str, countries: list[str], rates: list[Rate], if_match: int | None
) -> ShippingMethod:
    """Create or replace a method. Raises Stale, Invalid."""
    if not _METHOD.fullmatch(method):
        raise invalid("/method", "A method consists of 1 to 40 characters of a-z, 0-9 and -.")
    row_version, stored = tables.shipping_methods()
    others = [entry for entry in stored if entry.method != method]
    version = next((entry.version for entry in stored if entry.method == method), 0)
    require_version(if_match, version)
    if len(others) >= MAX_METHODS:
        raise invalid("/method", f"The shop can have at most {MAX_METHODS} shipping methods.")
    replacement = ShippingMethod(
        method=method, name=name, countries=countries, rates=rates, version=version + 1
    )
    tables.save_shipping_methods([*others, replacement], after=row_version)
    return replacement


def tax_rate(country: str) -> TaxRate:
    """Return the country's rate. Raises NotFound."""
    rate = tables.tax_rate(country) if _COUNTRY.fullmatch(country) else None
    if rate is None:
        raise NotFound("There is no tax rate for this country.")
    return rate


@retry_on_conflict
def put_tax_rate(country: str, rate_bp: int, inclusive: bool, if_match: int | None) -> TaxRate:
    """Create or replace a country's rate. Raises Stale, Invalid."""
    if not _COUNTRY.fullmatch(country):
        raise invalid("/country", "A country is two capital letters (ISO 3166-1 alpha-2).")
    stored = tables.tax_rate(country)
    version = stored.version if stored else 0
    require_version(if_match, version)
    rate = TaxRate(country=country, rate_bp=rate_bp, inclusive=inclusive, version=version + 1)
    tables.save_tax_rate(rate)
    return rate
