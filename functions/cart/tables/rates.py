"""Shipping methods and tax rates as rows."""

from cart.domain.pricing import TaxRate
from cart.domain.shipping import ShippingMethod
from cart.tables.rows import SHIPPING, CartTableRow, ShippingRow, TaxRow, read, save
from shared.runtime import clock


def tax_key(country: str) -> str:
    return f"tax#{country}"


def shipping_methods() -> tuple[int, list[ShippingMethod]]:
    """Return the version of the row (0 if there is none) and all methods."""
    return methods_in(read(SHIPPING))


def tax_rate(country: str) -> TaxRate | None:
    return tax_in(read(tax_key(country)))


def save_shipping_methods(methods: list[ShippingMethod], after: int) -> None:
    """Replace version `after` of the row of all methods. Raises VersionConflict."""
    entries = [method.model_dump() for method in methods]
    save(ShippingRow(pk=SHIPPING, methods=entries, version=after + 1, updated_at=clock.now()), after)


def save_tax_rate(rate: TaxRate) -> None:
    """Replace the previous version of the rate. Raises VersionConflict."""
    row = TaxRow(pk=tax_key(rate.country), updated_at=clock.now(), **rate.model_dump())
    save(row, after=rate.version - 1)


def methods_in(rows: dict[str, CartTableRow]) -> tuple[int, list[ShippingMethod]]:
    row = rows.get(SHIPPING)
    if not isinstance(row, ShippingRow):
        return 0, []
    return int(row.version), [ShippingMethod.model_validate(entry) for entry in row.methods]


def tax_in(rows: dict[str, CartTableRow]) -> TaxRate | None:
    for row in rows.values():
        if isinstance(row, TaxRow):
            return TaxRate(
                country=row.country,
                rate_bp=int(row.rate_bp),
                inclusive=row.inclusive,
                version=int(row.version),
            )
    return None
