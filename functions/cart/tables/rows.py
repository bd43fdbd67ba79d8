"""The rows of cart's tables, and reads and versioned writes of them."""

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    DiscriminatorAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from cart.settings import settings
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.idempotency import IdempotencyStore
from shared.dynamodb.rows import Row, error_code, require_condition_failure, warm
from shared.runtime.aws import REGION

SHIPPING = "shipping"


class CartTableRow(Row):
    """Base of all rows of the table; PynamoDB loads each as the class that `kind` names."""

    class Meta:
        table_name = settings().cart_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    kind = DiscriminatorAttribute()
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()


class LineMap(MapAttribute[str, Any]):
    """A line as of the shopper's last change of it."""

    sku = UnicodeAttribute()
    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    quantity = NumberAttribute()
    unit_price = NumberAttribute()
    available = NumberAttribute()


class CartRow(CartTableRow, discriminator="cart"):
    """`cart#<owner>`: the whole cart, so that one read loads it and one condition protects it."""

    currency = UnicodeAttribute()
    lines = ListAttribute(of=LineMap)
    coupon = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class ProductRow(CartTableRow, discriminator="product"):
    """`product#<sku>`: the replica of a product's data; `version` is catalog's."""

    sku = UnicodeAttribute()
    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    unit_price = NumberAttribute()
    currency = UnicodeAttribute()
    available = NumberAttribute()
    active = BooleanAttribute()
    category_ids = ListAttribute(of=UnicodeAttribute, null=True)


class ShippingRow(CartTableRow, discriminator="shipping"):
    """`shipping`: all methods in one row, because a quote compares all of them."""

    methods = JsonAttribute()


class TaxRow(CartTableRow, discriminator="tax"):
    """`tax#<country>`: a country's tax rate."""

    country = UnicodeAttribute()
    rate_bp = NumberAttribute()
    inclusive = BooleanAttribute()


class ByCode(GlobalSecondaryIndex["CouponRow"]):  # type: ignore[no-untyped-call]
    """The existing coupons by code; rows without `listed` are not in the index."""

    class Meta:
        index_name = "by-code"
        projection = AllProjection()

    listed = UnicodeAttribute(hash_key=True)
    code = UnicodeAttribute(range_key=True)


class CouponRow(CartTableRow, discriminator="coupon"):
    """`coupon#<code>`: a coupon; `terms` is JSON, None once the coupon is deleted.

    The row of a deleted coupon keeps its version, so that an old ETag never matches a new coupon of the same
    code. `created_with` is the Idempotency-Key of its creation, if any.
    """

    by_code = ByCode()

    code = UnicodeAttribute()
    listed = UnicodeAttribute(null=True)
    terms = UnicodeAttribute(null=True)
    created_with = UnicodeAttribute(null=True)


class UsesRow(CartTableRow, discriminator="uses"):
    """`uses#<code>` and `uses#<code>#<user id>`: the number of orders that use the coupon.

    Separate from the coupon's row, so that orders do not change the version that staff send as If-Match.
    """

    used = NumberAttribute()


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().cart_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(CartTableRow, IdempotencyRow)


def probe() -> None:
    """Read the table, for the health check."""
    read(SHIPPING)


def read(*keys: str) -> dict[str, CartTableRow]:
    """Return the existing rows of these keys: one consistent BatchGetItem per 100 keys."""
    return {row.pk: row for row in CartTableRow.batch_get(keys, consistent_read=True)}


def unchanged(version: int) -> Any:
    """Return the condition that the row still has this version; 0 means that it does not exist."""
    return CartTableRow.version == version if version else CartTableRow.pk.does_not_exist()


def save(row: CartTableRow, after: int) -> None:
    """Replace version `after` of the row. Raises VersionConflict."""
    try:
        row.save(unchanged(after))
    except PutError as error:
        if error_code(error) != "TransactionConflictException":
            require_condition_failure(error)
        raise VersionConflict from error
