"""ProductData of variants, for events and for commands of other services."""

from collections.abc import Sequence

from catalog.tables import variants
from catalog.tables.rows import VariantRow
from shared.contracts.commands.products import ProductPage
from shared.contracts.events.catalog import ProductData
from shared.values.money import Money


def product_data(row: VariantRow) -> ProductData:
    """Return the data of an existing variant."""
    return ProductData(
        product_id=row.product_id,
        sku=row.sku,
        title=row.title,
        unit_price=Money(amount=int(row.price), currency=row.currency),
        available=int(row.available),
        active=bool(row.active),
        version=int(row.version),
        category_ids=list(row.category_ids or []),
    )


def removal_data(row: VariantRow) -> ProductData:
    """Return the data of a deleted variant: inactive, out of stock, at the version after its last one."""
    return product_data(row).model_copy(
        update={"active": False, "available": 0, "version": int(row.version) + 1}
    )


def describe_products(skus: Sequence[str]) -> list[ProductData]:
    """Return the data of the SKUs that exist, on sale or not."""
    return [product_data(row) for row in variants.find_rows(list(dict.fromkeys(skus)))]


def list_products(after: dict[str, str] | None) -> ProductPage:
    """Return a page of all variants, on sale or not. Each variant is on exactly one page."""
    rows, last = variants.page(after)
    return ProductPage(products=[product_data(row) for row in rows], after=last)
