"""What other services need to know of products."""

from collections.abc import Sequence

from catalog.tables import variants
from catalog.tables.rows import VariantRow
from shared.contracts.commands import ProductPage
from shared.contracts.events import ProductData
from shared.values.money import Money


def describe(skus: Sequence[str]) -> list[ProductData]:
    """What is known of the SKUs, whether on sale or not; unknown ones are left out."""
    return [facts(row) for row in variants.facts_of(list(dict.fromkeys(skus)))]


def facts(row: VariantRow) -> ProductData:
    """A variant as other services need to know it."""
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


def list_products(after: dict[str, str] | None) -> ProductPage:
    """Some of all variants, on sale or not, and where to go on: each is on one of the pages."""
    rows, last = variants.page(after)
    return ProductPage(products=[facts(row) for row in rows], after=last)


def last_words(row: VariantRow) -> ProductData:
    """What there is to say of a variant that was taken out: not sold, from the version after its last."""
    return facts(row).model_copy(update={"active": False, "available": 0, "version": int(row.version) + 1})
