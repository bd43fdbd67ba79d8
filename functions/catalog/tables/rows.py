"""The rows of the one table, by partition."""

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from catalog.settings import settings
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.idempotency import IdempotencyStore
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION


class VersionConflict(Exception):
    """Another writer came between the read and the write: read again."""


class CatalogRow(Row):
    """Any row of the table."""

    class Meta:
        table_name = settings().catalog_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)
    updated_at = UTCDateTimeAttribute(null=True)


class ProductRow(CatalogRow):
    """`product#<id>` / `product`: all of a product but its variants, which lie beside it."""

    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    description = UnicodeAttribute()
    category_ids = JSONAttribute()
    status = UnicodeAttribute()
    attributes = JSONAttribute()
    created_at = UTCDateTimeAttribute()


class VariantRow(CatalogRow):
    """`product#<id>` / `sku#<SKU>`: a variant, its price and its stock: what `reserve` writes, under 1 KB.

    `title` is what a cart calls it; `category_ids` are its product's, for the stream to tell them.
    on_hand = available + reserved; both counters are moved together.
    """

    product_id = UnicodeAttribute()
    sku = UnicodeAttribute()
    title = UnicodeAttribute()
    variant_title = UnicodeAttribute()
    options = JSONAttribute()
    category_ids = JSONAttribute(null=True)  # absent in rows that are older than it
    price = NumberAttribute()
    currency = UnicodeAttribute()
    active = BooleanAttribute()
    available = NumberAttribute()
    reserved = NumberAttribute()
    position = NumberAttribute()


class ClaimRow(CatalogRow):
    """`sku#<SKU>` / `claim`: which product a SKU belongs to; one, for ever."""

    product_id = UnicodeAttribute()


class ByPrice(GlobalSecondaryIndex["ListingRow"]):  # type: ignore[no-untyped-call]
    """A list's products by price."""

    class Meta:
        index_name = "by-price"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    min_price = NumberAttribute(range_key=True)


class ListingRow(CatalogRow):
    """`list#<category or all>` / `<product id>`: an active product as lists show it: a page is one Query.

    Written with the product; `available` in it follows a moment later, from the stream.
    """

    listing = UnicodeAttribute()
    min_price = NumberAttribute()
    search = UnicodeAttribute()
    in_stock = BooleanAttribute()
    snapshot = JSONAttribute()

    by_price = ByPrice()
    _connection = None  # its own: a shared one would know CatalogRow's indexes alone


class CategoryRow(CatalogRow):
    """`categories` / `<slug>`: a shop has few, and they are read together."""

    name = UnicodeAttribute()
    parent_id = UnicodeAttribute(null=True)
    position = NumberAttribute()


class ReservationRow(CatalogRow):
    """`reservation#<order>` / `head` or `chunk#<n>`: what an order holds. `lines`: [product, SKU, pieces]."""

    state = UnicodeAttribute()
    lines = JSONAttribute(null=True)


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().catalog_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(CatalogRow, ListingRow, IdempotencyRow)


def probe() -> None:
    """Touch the table: raises where it cannot be read."""
    next(iter(CatalogRow.query("health", limit=1)), None)


def product_key(product_id: str) -> str:
    return f"product#{product_id}"


def variant_key(sku: str) -> str:
    return f"sku#{sku}"
