"""Shipping methods and tax rates as rows."""

from cart.domain.pricing import TaxRate
from cart.domain.shipping import ShippingMethod
from cart.tables.rows import SHIPPING, CartTableRow, ShippingRow, TaxRow, read, save
from shared.runtime import clock


def tax_key(country: str) -> str:
    return f"tax#{country}"


def shipping_methods() -> tuple[int, list[ShippingMethod]]:
    """All methods, with the version of the row that holds them (0 where there is none)."""
    return methods_in(read(SHIPPING))


def tax_rate(country: str) -> TaxRate | None:
    return tax_in(read(tax_key(country)))


def save_shipping_methods(methods: list[ShippingMethod], after: int) -> None:
    """Write all methods over version `after` of their row. Raises VersionConflict."""
    entries = [method.model_dump() for method in methods]
    save(ShippingRow(pk=SHIPPING, methods=entries, version=after + 1, updated_at=clock.now()), after)


def save_tax_rate(rate: TaxRate) -> None:
    """Write this version of the rate after the one before it. Raises VersionConflict."""
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
