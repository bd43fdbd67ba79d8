"""Listings of products on sale: one row per listing and product, with a snapshot of the product."""

from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from pynamodb.exceptions import PutError

from catalog.domain import Product, ProductFilter, ProductStatus, Variant
from catalog.tables.rows import ListingRow
from shared.dynamodb.pages import MAX_EXAMINED, Found, read_page
from shared.dynamodb.rows import require_condition_failure
from shared.values.money import Money

ALL_PRODUCTS = "all"


def listing_rows(product: Product) -> list[ListingRow]:
    """Return the product's listing rows; none unless it is active."""
    if product.status is not ProductStatus.ACTIVE:
        return []
    return [_row(product, name) for name in (ALL_PRODUCTS, *product.category_ids)]


def _row(product: Product, name: str) -> ListingRow:
    return ListingRow(
        pk=f"listing#{name}",
        sk=product.product_id,
        listing=f"listing#{name}",
        min_price=product.min_price,
        search=f"{product.title} {product.description}".casefold(),
        in_stock=any(variant.available > 0 for variant in product.variants),
        snapshot=_snapshot(product),
        version=product.version,
        updated_at=product.updated_at,
    )


def _snapshot(product: Product) -> dict[str, Any]:
    """Return the product as listings show it."""
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
    """Update the stock in the product's listings, unless they show another version of the product."""
    for row in listing_rows(product):
        try:
            row.save(ListingRow.version == product.version)
        except PutError as error:
            require_condition_failure(error)


def page(
    name: str, sort: str, product_filter: ProductFilter, limit: int, after: dict[str, Any] | None
) -> Found[Product]:
    """Return a page of a listing.

    `name` is `all` or a category id. An unfiltered page is one Query. DynamoDB rejects a filter on a key
    attribute, so if the listing is sorted by price, the price bounds are a key condition.
    """
    key, by_price = f"listing#{name}", sort in {"price", "-price"}
    query = ListingRow.by_price.query if by_price else ListingRow.query
    condition = _filter(product_filter, with_bounds=not by_price)
    found = query(
        key,
        range_key_condition=_bounds(product_filter) if by_price else None,
        filter_condition=condition,
        scan_index_forward=sort == "price",
        page_size=limit + 1 if condition is None else MAX_EXAMINED,
        last_evaluated_key=after,
    )
    return read_page(found, ListingRow, limit).map(_product)


def _bounds(product_filter: ProductFilter) -> Any:
    """Return the price bounds as one condition, because a key can have only one."""
    if product_filter.min_price is not None and product_filter.max_price is not None:
        return ListingRow.min_price.between(product_filter.min_price, product_filter.max_price)
    if product_filter.min_price is not None:
        return ListingRow.min_price >= product_filter.min_price
    return ListingRow.min_price <= product_filter.max_price if product_filter.max_price is not None else None


def _filter(product_filter: ProductFilter, *, with_bounds: bool) -> Any:
    conditions: list[Any] = [ListingRow.search.contains(word) for word in product_filter.words]
    if with_bounds and (bounds := _bounds(product_filter)) is not None:
        conditions.append(bounds)
    if product_filter.in_stock:
        conditions.append(ListingRow.in_stock == True)  # noqa: E712 - builds a condition
    return reduce(and_, conditions) if conditions else None


def _product(row: ListingRow) -> Product:
    snapshot = row.snapshot
    return Product(
        product_id=row.sk,
        title=snapshot["title"],
        description=snapshot["description"],
        category_ids=tuple(snapshot["category_ids"]),
        status=ProductStatus.ACTIVE,
        attributes=snapshot["attributes"],
        variants=tuple(
            Variant(sku, title, options, Money(amount=price, currency=currency), available)
            for sku, title, options, price, currency, available in snapshot["variants"]
        ),
        version=int(row.version),
        created_at=datetime.fromisoformat(snapshot["created_at"]),
        updated_at=row.updated_at,
    )
