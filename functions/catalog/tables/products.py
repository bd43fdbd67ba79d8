"""Products, their variants, and the lists they stand in: each change one transaction."""

from datetime import datetime
from typing import Any

from pynamodb.exceptions import DeleteError, PutError
from pynamodb.models import Model

from catalog.domain import Category, Product, SkuTaken, Status, StockReserved, Variant, full_title
from catalog.tables.rows import (
    CatalogRow,
    CategoryRow,
    ClaimRow,
    ListingRow,
    ProductRow,
    VariantRow,
    product_key,
    variant_key,
)
from catalog.tables.stock import Overtaken, to_variant
from shared.errors import invalid
from shared.money import Money
from shared.rows import Refused, refused_by_condition, transaction

ALL = "all"
MAX_WRITES = 100  # of one DynamoDB transaction
CATEGORIES = "categories"


def find(product_id: str) -> Product | None:
    """A product with its variants' stock: one Query."""
    head: ProductRow | None = None
    variants: list[VariantRow] = []
    for item in _collection(product_id):
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
        status=Status(head.status),
        attributes=head.attributes,
        variants=tuple(to_variant(row) for row in sorted(variants, key=lambda row: row.position)),
        version=int(head.version),
        created_at=head.created_at,
        updated_at=head.updated_at,
    )


def _collection(product_id: str) -> list[dict[str, Any]]:
    answer = CatalogRow._get_connection().query(product_key(product_id), consistent_read=True)
    items: list[dict[str, Any]] = answer["Items"]
    return items


def create(product: Product) -> None:
    """Write a new product. Raises SkuTaken."""
    puts: list[tuple[Model, Any]] = [(_head(product), CatalogRow.pk.does_not_exist())]
    for position, variant in enumerate(product.variants):
        puts += _new_variant(product, variant, position)
    puts += [(row, None) for row in _listings(product)]
    _write(product, puts)


def replace(old: Product, new: Product) -> None:
    """Write a product's next version; stock that is there stays as it is.

    Raises Overtaken unless the stored one is `old`'s version, SkuTaken, StockReserved (a variant that goes is
    promised to somebody), Invalid (more comes and goes than one transaction takes).
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
    listed = {row.pk: row for row in _listings(new)}
    deletes += [(row, None) for row in _listings(old) if row.pk not in listed]
    puts += [(row, None) for row in listed.values()]
    _write(new, puts, updates, deletes)


def _write(
    product: Product,
    puts: list[tuple[Model, Any]],
    updates: list[tuple[Model, list[Any], Any]] | None = None,
    deletes: list[tuple[Model, Any]] | None = None,
) -> None:
    if len(puts) + len(updates or []) + len(deletes or []) > MAX_WRITES:
        raise invalid("/variants", "Too many variants come and go at once; change some first, then the rest.")
    try:
        with transaction(CatalogRow) as writes:
            for row, condition in deletes or []:
                writes.delete(row, condition=condition)
            for row, condition in puts:
                writes.save(row, condition=condition)
            for row, actions, condition in updates or []:
                writes.update(row, actions, condition=condition)
    except Refused as refused:
        # In a transaction's answer deletes come first, then puts, then updates.
        gone = len(deletes or [])
        if refused.refused(gone):
            raise Overtaken(product.product_id) from None
        if any(refused.refused(position) for position in range(gone)):
            raise StockReserved(
                "A variant that you take out is reserved for orders; archive it instead."
            ) from None
        taken = any(refused.refused(gone + position) for position in range(1, len(puts)))
        if taken:
            raise SkuTaken("A SKU of this product belongs to another one.") from None
        raise Overtaken(product.product_id) from None


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
        price=variant.price.amount,
        currency=variant.price.currency,
        active=product.status is Status.ACTIVE,
        available=variant.available,
        reserved=0,
        position=position,
        updated_at=product.updated_at,
        version=1,
    )
    absent = CatalogRow.pk.does_not_exist()
    return [(claim, absent), (row, absent)]


def _changed_variant(product: Product, variant: Variant, position: int) -> tuple[Model, list[Any], Any]:
    row = VariantRow(product_key(product.product_id), variant_key(variant.sku))
    actions = [
        VariantRow.title.set(full_title(product.title, variant.title)),
        VariantRow.variant_title.set(variant.title),
        VariantRow.options.set(dict(variant.options)),
        VariantRow.price.set(variant.price.amount),
        VariantRow.currency.set(variant.price.currency),
        VariantRow.active.set(product.status is Status.ACTIVE),
        VariantRow.position.set(position),
        VariantRow.version.set(VariantRow.version + 1),
        VariantRow.updated_at.set(product.updated_at),
    ]
    return row, actions, VariantRow.pk.exists()


def _listings(product: Product) -> list[ListingRow]:
    """The rows that show the product in lists: none unless it is active."""
    if product.status is not Status.ACTIVE:
        return []
    return [listing_row(product, name) for name in (ALL, *product.category_ids)]


def listing_row(product: Product, name: str) -> ListingRow:
    return ListingRow(
        pk=f"list#{name}",
        sk=product.product_id,
        listing=f"list#{name}",
        min_price=product.min_price,
        search=f"{product.title} {product.description}".casefold(),
        in_stock=any(variant.available > 0 for variant in product.variants),
        snapshot=snapshot(product),
        version=product.version,
        updated_at=product.updated_at,
    )


def snapshot(product: Product) -> dict[str, Any]:
    """The product as a list shows it."""
    return {
        "title": product.title,
        "description": product.description,
        "category_ids": list(product.category_ids),
        "attributes": dict(product.attributes),
        "created_at": product.created_at.isoformat(),
        "variants": [
            [v.sku, v.title, dict(v.options), v.price.amount, v.price.currency, v.available]
            for v in product.variants
        ],
    }


def refresh_listings(product: Product) -> None:
    """Show today's stock in the product's lists; a row of another version is another's to write."""
    for row in _listings(product):
        try:
            row.save(ListingRow.version == product.version)
        except PutError as error:
            refused_by_condition(error)


def page(
    name: str, sort: str, limit: int, after: dict[str, Any] | None, wanted: Any
) -> tuple[list[Product], dict[str, Any] | None]:
    """A page of a list (`all` or a category), and the key to go on after: one Query."""
    key = f"list#{name}"
    if sort in {"price", "-price"}:
        found = ListingRow.by_price.query(
            key,
            filter_condition=wanted,
            scan_index_forward=sort == "price",
            limit=limit,
            last_evaluated_key=after,
        )
    else:
        found = ListingRow.query(
            key, filter_condition=wanted, scan_index_forward=False, limit=limit, last_evaluated_key=after
        )
    products = [_listed(row) for row in found]
    return products, found.last_evaluated_key


def _listed(row: ListingRow) -> Product:
    shown = row.snapshot
    return Product(
        product_id=row.sk,
        title=shown["title"],
        description=shown["description"],
        category_ids=tuple(shown["category_ids"]),
        status=Status.ACTIVE,
        attributes=shown["attributes"],
        variants=tuple(
            Variant(sku, title, options, Money(amount=price, currency=currency), available)
            for sku, title, options, price, currency, available in shown["variants"]
        ),
        version=int(row.version),
        created_at=datetime.fromisoformat(shown["created_at"]),
        updated_at=row.updated_at,
    )


def categories() -> list[Category]:
    """All of them, in their order: one Query."""
    found = [_category(row) for row in CategoryRow.query(CATEGORIES)]
    return sorted(found, key=lambda category: (category.position, category.name))


def put_category(category: Category) -> None:
    """Write a category's version. Raises Overtaken unless it follows the stored one."""
    row = CategoryRow(
        CATEGORIES,
        category.category_id,
        name=category.name,
        parent_id=category.parent_id,
        position=category.position,
        version=category.version,
    )
    new = category.version == 1
    try:
        row.save(CategoryRow.pk.does_not_exist() if new else CategoryRow.version == category.version - 1)
    except PutError as error:
        refused_by_condition(error)
        raise Overtaken(category.category_id) from None


def drop_category(category: Category) -> None:
    """Remove a category. Raises Overtaken."""
    try:
        CategoryRow(CATEGORIES, category.category_id).delete(CategoryRow.version == category.version)
    except DeleteError as error:
        refused_by_condition(error)
        raise Overtaken(category.category_id) from None


def _category(row: CategoryRow) -> Category:
    return Category(row.sk, row.name, row.parent_id, int(row.position), int(row.version))
