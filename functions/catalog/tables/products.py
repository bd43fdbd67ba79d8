"""Products with their variants, SKU claims and listings; each change is one transaction."""

from typing import Any

from pynamodb.models import Model

from catalog.domain import (
    Product,
    ProductStatus,
    SkuTaken,
    StockReserved,
    Variant,
    full_title,
    initial_version,
)
from catalog.tables.listings import listing_rows
from catalog.tables.rows import (
    CatalogRow,
    ClaimRow,
    ProductRow,
    VariantRow,
    product_key,
    variant_key,
)
from catalog.tables.variants import to_variant
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import ConditionFailed, transaction
from shared.dynamodb.sizes import MAX_TRANSACTION, check_size, size_of
from shared.errors import invalid
from shared.runtime import observability
from shared.values.ids import MAX_ID_LENGTH

MAX_WRITES = 100  # writes; DynamoDB's limit for one transaction
MAX_LISTING = 400_000  # bytes of a listing's row; the relay writes it again with larger numbers of stock


def find(product_id: str) -> Product | None:
    """Return a product with its variants and their stock, with one Query."""
    if len(product_id) > MAX_ID_LENGTH:
        return None
    head: ProductRow | None = None
    variants: list[VariantRow] = []
    response = CatalogRow._get_connection().query(product_key(product_id), consistent_read=True)
    for item in response["Items"]:
        if item["sk"]["S"] == "product":
            head = ProductRow.from_raw_data(item)
        else:
            variants.append(VariantRow.from_raw_data(item))
    if head is None:
        return None
    return Product(
        product_id=product_id,
        title=head.title,
        description=head.description,
        category_ids=tuple(head.category_ids),
        status=ProductStatus(head.status),
        attributes=head.attributes,
        variants=tuple(to_variant(row) for row in sorted(variants, key=lambda row: row.position)),
        version=int(head.version),
        created_at=head.created_at,
        updated_at=head.updated_at,
    )


def create(product: Product) -> None:
    """Write a new product. Raises SkuTaken, RowTooLargeError."""
    puts: list[tuple[Model, Any]] = [(_head(product), CatalogRow.pk.does_not_exist())]
    for position, variant in enumerate(product.variants):
        puts += _new_variant(product, variant, position)
    puts += [(row, None) for row in listing_rows(product)]
    _write(product, puts)


def replace(old: Product, new: Product) -> None:
    """Write a product's next version; the stock of existing variants is unchanged.

    Raises VersionConflict unless `old` is the stored version, SkuTaken, StockReserved if a removed variant is
    reserved, Invalid if the change needs more writes than one transaction can have, RowTooLargeError.
    """
    before = {variant.sku: variant for variant in old.variants}
    after = {variant.sku for variant in new.variants}
    puts: list[tuple[Model, Any]] = [(_head(new), ProductRow.version == old.version)]
    updates: list[tuple[Model, list[Any], Any]] = []
    deletes: list[tuple[Model, Any]] = []
    for position, variant in enumerate(new.variants):
        if variant.sku in before:
            updates.append(_changed_variant(new, variant, position))
        else:
            puts += _new_variant(new, variant, position)
    for sku in before.keys() - after:
        deletes.append((VariantRow(product_key(old.product_id), variant_key(sku)), VariantRow.reserved == 0))
        deletes.append((ClaimRow(variant_key(sku), "claim"), None))
    listed = {row.pk: row for row in listing_rows(new)}
    deletes += [(row, None) for row in listing_rows(old) if row.pk not in listed]
    puts += [(row, None) for row in listed.values()]
    _write(new, puts, updates, deletes)


def _write(
    product: Product,
    puts: list[tuple[Model, Any]],
    updates: list[tuple[Model, list[Any], Any]] | None = None,
    deletes: list[tuple[Model, Any]] | None = None,
) -> None:
    _check_sizes(product)
    if len(puts) + len(updates or []) + len(deletes or []) > MAX_WRITES:
        raise invalid(
            "/variants",
            "Too many variants are added and removed at once; split the change into several requests.",
        )
    try:
        with transaction(CatalogRow) as writes:
            for row, condition in deletes or []:
                writes.delete(row, condition=condition)
            for row, condition in puts:
                writes.save(row, condition=condition)
            for row, actions, condition in updates or []:
                writes.update(row, actions, condition=condition)
    except ConditionFailed as error:
        # The order of the reasons is: deletes, puts (the product first), updates.
        first_put = len(deletes or [])
        if error.failed_at(first_put):
            raise VersionConflict(product.product_id) from None
        if any(error.failed_at(position) for position in range(first_put)):
            raise StockReserved(
                "A variant to be removed is reserved for orders; archive the product instead."
            ) from None
        sku_taken = any(error.failed_at(first_put + position) for position in range(1, len(puts)))
        if sku_taken:
            raise SkuTaken("A SKU of this product belongs to another product.") from None
        raise VersionConflict(product.product_id) from None


def _check_sizes(product: Product) -> None:
    """Raise RowTooLargeError if a listing or all rows of the product exceed their limit."""
    listed = [size_of(row.serialize()) for row in listing_rows(product)]
    variants = [row for variant in product.variants for row, _ in _new_variant(product, variant, 0)]
    check_size(max(listed, default=0), MAX_LISTING)
    check_size(
        sum(listed) + sum(size_of(row.serialize()) for row in [_head(product), *variants]), MAX_TRANSACTION
    )


def _head(product: Product) -> ProductRow:
    return ProductRow(
        pk=product_key(product.product_id),
        sk="product",
        product_id=product.product_id,
        title=product.title,
        description=product.description,
        category_ids=list(product.category_ids),
        status=product.status.value,
        attributes=dict(product.attributes),
        created_at=product.created_at,
        updated_at=product.updated_at,
        version=product.version,
    )


def _new_variant(product: Product, variant: Variant, position: int) -> list[tuple[Model, Any]]:
    claim = ClaimRow(variant_key(variant.sku), "claim", product_id=product.product_id)
    row = VariantRow(
        product_key(product.product_id),
        variant_key(variant.sku),
        product_id=product.product_id,
        sku=variant.sku,
        title=full_title(product.title, variant.title),
        variant_title=variant.title,
        options=dict(variant.options),
        category_ids=list(product.category_ids),
        price=variant.price.amount,
        currency=variant.price.currency,
        active=product.status is ProductStatus.ACTIVE,
        available=variant.available,
        reserved=0,
        position=position,
        updated_at=product.updated_at,
        version=initial_version(product.updated_at),
    )
    absent = CatalogRow.pk.does_not_exist()
    return [(claim, absent), (row, absent)]


def _changed_variant(product: Product, variant: Variant, position: int) -> tuple[Model, list[Any], Any]:
    row = VariantRow(product_key(product.product_id), variant_key(variant.sku))
    actions = [
        VariantRow.title.set(full_title(product.title, variant.title)),
        VariantRow.variant_title.set(variant.title),
        VariantRow.options.set(dict(variant.options)),
        VariantRow.category_ids.set(list(product.category_ids)),
        VariantRow.price.set(variant.price.amount),
        VariantRow.currency.set(variant.price.currency),
        VariantRow.active.set(product.status is ProductStatus.ACTIVE),
        VariantRow.position.set(position),
        VariantRow.version.set(VariantRow.version + 1),
        VariantRow.updated_at.set(product.updated_at),
        VariantRow.request_id.set(observability.request_id() or "none"),
    ]
    return row, actions, VariantRow.pk.exists()
