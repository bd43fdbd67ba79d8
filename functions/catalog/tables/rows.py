"""The rows of the catalog's table, by partition."""

from pynamodb.attributes import (
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from catalog.settings import settings
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.idempotency import IdempotencyStore
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION


class CatalogRow(Row):
    """Base of all rows of the table."""

    class Meta:
        table_name = settings().catalog_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)
    updated_at = UTCDateTimeAttribute(null=True)


class ProductRow(CatalogRow):
    """`product#<id>` / `product`: a product without its variants, which are in the same partition."""

    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    description = UnicodeAttribute()
    category_ids = JsonAttribute()
    status = UnicodeAttribute()
    attributes = JsonAttribute()
    created_at = UTCDateTimeAttribute()


class VariantRow(CatalogRow):
    """`product#<id>` / `sku#<SKU>`: a variant with its price and stock.

    `reserve` writes it, so it stays below 1 KB (two write units). `title` is the title in carts;
    `category_ids` are the product's, because the relay sees only this row. on_hand = available + reserved.
    """

    product_id = UnicodeAttribute()
    sku = UnicodeAttribute()
    title = UnicodeAttribute()
    variant_title = UnicodeAttribute()
    options = JsonAttribute()
    category_ids = JsonAttribute(null=True)  # null in rows older than the attribute
    price = NumberAttribute()
    currency = UnicodeAttribute()
    active = BooleanAttribute()
    available = NumberAttribute()
    reserved = NumberAttribute()
    position = NumberAttribute()


class ClaimRow(CatalogRow):
    """`sku#<SKU>` / `claim`: the product that has the SKU, so that no other product can."""

    product_id = UnicodeAttribute()


class ByPrice(GlobalSecondaryIndex["ListingRow"]):  # type: ignore[no-untyped-call]
    """The products of a listing, by price."""

    class Meta:
        index_name = "by-price"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    min_price = NumberAttribute(range_key=True)


class ListingRow(CatalogRow):
    """`listing#<category or all>` / `<product id>`: an active product as listings show it.

    It is written together with the product; the relay updates the stock in `snapshot`.
    """

    listing = UnicodeAttribute()
    min_price = NumberAttribute()
    search = UnicodeAttribute()
    in_stock = BooleanAttribute()
    snapshot = JsonAttribute()

    by_price = ByPrice()
    _connection = None  # not CatalogRow's, which does not have this index


class CategoryRow(CatalogRow):
    """`categories` / `<category id>`: a category."""

    name = UnicodeAttribute()
    parent_id = UnicodeAttribute(null=True)
    position = NumberAttribute()


class ReservationRow(CatalogRow):
    """`reservation#<order>` / `head` or `chunk#<n>`: an order's reserved `lines` [product, SKU, quantity]."""

    state = UnicodeAttribute()
    lines = JsonAttribute(null=True)


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().catalog_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(CatalogRow, ListingRow, IdempotencyRow)


def probe() -> None:
    """Read the table. Raises if that fails."""
    next(iter(CatalogRow.query("health", limit=1)), None)


def product_key(product_id: str) -> str:
    return f"product#{product_id}"


def variant_key(sku: str) -> str:
    return f"sku#{sku}"
