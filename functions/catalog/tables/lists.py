"""Lists of what is on sale: a row a product and list, a copy as lists show it."""

from datetime import datetime
from functools import reduce
from itertools import islice
from operator import and_
from typing import Any

from pynamodb.exceptions import PutError

from catalog.domain import Product, Status, Variant, Wanted
from catalog.tables.rows import ListingRow
from shared.dynamodb.rows import require_condition_failure
from shared.values.money import Money

ALL = "all"
SEARCHED = 100  # rows a Query looks at where few may be wanted


def listings(product: Product) -> list[ListingRow]:
    """The rows that show the product in lists: none unless it is active."""
    if product.status is not Status.ACTIVE:
        return []
    return [_row(product, name) for name in (ALL, *product.category_ids)]


def _row(product: Product, name: str) -> ListingRow:
    return ListingRow(
        pk=f"list#{name}",
        sk=product.product_id,
        listing=f"list#{name}",
        min_price=product.min_price,
        search=f"{product.title} {product.description}".casefold(),
        in_stock=any(variant.available > 0 for variant in product.variants),
        snapshot=_snapshot(product),
        version=product.version,
        updated_at=product.updated_at,
    )


def _snapshot(product: Product) -> dict[str, Any]:
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


def refresh(product: Product) -> None:
    """Show today's stock in the product's lists; a row of another version is another's to write."""
    for row in listings(product):
        try:
            row.save(ListingRow.version == product.version)
        except PutError as error:
            require_condition_failure(error)


def page(
    name: str, sort: str, wanted: Wanted, limit: int, after: dict[str, Any] | None
) -> tuple[list[Product], dict[str, Any] | None]:
    """A page of a list (`all` or a category), and the key to go on after, None on the last: one Query where
    nothing narrows it.

    DynamoDB refuses to filter on the key of what is queried: by price, the bounds are part of the key.
    """
    key, by_price = f"list#{name}", sort in {"price", "-price"}
    query = ListingRow.by_price.query if by_price else ListingRow.query
    narrowed = _filter(wanted, with_bounds=not by_price)
    found = query(
        key,
        range_key_condition=_bounds(wanted) if by_price else None,
        filter_condition=narrowed,
        scan_index_forward=sort == "price",
        page_size=limit + 1 if narrowed is None else max(limit + 1, SEARCHED),
        last_evaluated_key=after,
    )
    products = [_listed(row) for row in islice(found, limit)]
    last = found.last_evaluated_key
    # Only a further row tells that this is not the end: what is left may be nothing that is wanted.
    return products, last if last and next(found, None) is not None else None


def _bounds(wanted: Wanted) -> Any:
    """The prices as one condition: a key takes no two."""
    if wanted.min_price is not None and wanted.max_price is not None:
        return ListingRow.min_price.between(wanted.min_price, wanted.max_price)
    if wanted.min_price is not None:
        return ListingRow.min_price >= wanted.min_price
    return ListingRow.min_price <= wanted.max_price if wanted.max_price is not None else None


def _filter(wanted: Wanted, *, with_bounds: bool) -> Any:
    conditions: list[Any] = [ListingRow.search.contains(word) for word in wanted.words]
    if with_bounds and (bounds := _bounds(wanted)) is not None:
        conditions.append(bounds)
    if wanted.in_stock:
        conditions.append(ListingRow.in_stock == True)  # noqa: E712  an expression
    return reduce(and_, conditions) if conditions else None


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
