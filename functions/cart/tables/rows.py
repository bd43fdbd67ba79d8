"""What the table's rows look like, and how they are read and written under their versions."""

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from cart.settings import settings
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.idempotency import IdempotencyStore
from shared.dynamodb.rows import Row, code_of, require_condition_failure, warm
from shared.runtime.aws import REGION

SHIPPING = "shipping"


class VersionConflict(Exception):
    """Another writer came between the read and the write: read again."""


class CartTableRow(Row):
    """Any row of the table; PynamoDB reads each as the class that `kind` names."""

    class Meta:
        table_name = settings().cart_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    kind = DiscriminatorAttribute()
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()


class LineMap(MapAttribute[str, Any]):
    """A line as its shopper last acknowledged it."""

    sku = UnicodeAttribute()
    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    quantity = NumberAttribute()
    unit_price = NumberAttribute()
    available = NumberAttribute()


class CartRow(CartTableRow, discriminator="cart"):
    """`cart#<owner>`: the whole cart, so that one read shows it and one condition guards it."""

    currency = UnicodeAttribute()
    lines = ListAttribute(of=LineMap)
    coupon = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class ProductRow(CartTableRow, discriminator="product"):
    """`product#<sku>`: what the catalog last said of a product; `version` is the catalog's."""

    sku = UnicodeAttribute()
    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    unit_price = NumberAttribute()
    currency = UnicodeAttribute()
    available = NumberAttribute()
    active = BooleanAttribute()
    category_ids = ListAttribute(of=UnicodeAttribute, null=True)


class ShippingRow(CartTableRow, discriminator="shipping"):
    """`shipping`: all methods in one row, since a quote weighs them all; nested, and always read whole."""

    methods = JSONAttribute()


class TaxRow(CartTableRow, discriminator="tax"):
    """`tax#<country>`"""

    country = UnicodeAttribute()
    rate_bp = NumberAttribute()
    inclusive = BooleanAttribute()


class ByCode(GlobalSecondaryIndex["CouponRow"]):  # type: ignore[no-untyped-call]
    """The coupons that there are, by code: rows without `listed` are not in it."""

    class Meta:
        index_name = "by-code"
        projection = AllProjection()

    listed = UnicodeAttribute(hash_key=True)
    code = UnicodeAttribute(range_key=True)


class CouponRow(CartTableRow, discriminator="coupon"):
    """`coupon#<code>`: its terms as JSON; of a deleted one its version stays: no old ETag fits a new one.

    `made_by` is the Idempotency-Key that it was made with, if any.
    """

    by_code = ByCode()

    code = UnicodeAttribute()
    listed = UnicodeAttribute(null=True)
    terms = UnicodeAttribute(null=True)
    made_by = UnicodeAttribute(null=True)


class UsesRow(CartTableRow, discriminator="uses"):
    """`uses#<code>` and `uses#<code>#<user id>`: how many orders hold the coupon.

    Beside the coupon's own row, so that orders do not wear out the version that staff edit under.
    """

    held = NumberAttribute()


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().cart_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(CartTableRow, IdempotencyRow)


def probe() -> None:
    """Touch what the service cannot work without."""
    read(SHIPPING)


def read(*keys: str) -> dict[str, CartTableRow]:
    """The rows of these keys that there are: a consistent BatchGetItem for every hundred."""
    return {row.pk: row for row in CartTableRow.batch_get(keys, consistent_read=True)}


def unchanged(version: int) -> Any:
    """The condition that the row is still at this version; 0: that there is none."""
    return CartTableRow.version == version if version else CartTableRow.pk.does_not_exist()


def save(row: CartTableRow, after: int) -> None:
    """Write the row over version `after` of it. Raises VersionConflict."""
    try:
        row.save(unchanged(after))
    except PutError as error:
        if code_of(error) != "TransactionConflictException":
            require_condition_failure(error)
        raise VersionConflict from error
