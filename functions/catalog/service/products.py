"""Products: created, replaced, archived and listed."""

from dataclasses import replace

from catalog.domain import Product, ProductFilter, ProductStatus
from catalog.service.concurrency import retry_on_conflict
from catalog.service.cursors import cursors
from catalog.tables import categories, listings, products
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound, invalid
from shared.http.paging import Listed
from shared.runtime import clock
from shared.values import ids

MAX_WORDS = 5  # words of a search; each is compared with every product that a Query reads


def product_on_sale(product_id: str) -> Product:
    """Return an active product. Raises NotFound for any other."""
    product = products.find(product_id)
    if product is None or product.status is not ProductStatus.ACTIVE:
        raise NotFound("The product does not exist or is not on sale.")
    return product


def create_product(draft: Product) -> Product:
    """Create a product with a new id. Raises SkuTaken, Invalid."""
    now = clock.now()
    _check(draft)
    product = replace(draft, product_id=ids.new_id("prd"), version=1, created_at=now, updated_at=now)
    products.create(product)
    return product


@retry_on_conflict
def replace_product(product_id: str, draft: Product, if_match: int | None) -> Product:
    """Replace the product by `draft`, but keep the stock of existing variants.

    Raises NotFound, Stale, SkuTaken, StockReserved, Invalid.
    """
    old = products.find(product_id)
    if old is None:
        raise NotFound("The product does not exist.")
    require_version(if_match, old.version)
    _check(draft, old)
    kept = {variant.sku: variant for variant in old.variants}
    new = replace(
        draft,
        product_id=product_id,
        version=old.version + 1,
        created_at=old.created_at,
        updated_at=clock.now(),
        variants=tuple(
            replace(v, available=kept[v.sku].available, reserved=kept[v.sku].reserved) if v.sku in kept else v
            for v in draft.variants
        ),
    )
    products.replace(old, new)
    return new


def archive_product(product_id: str, if_match: int | None) -> None:
    """Archive a product. Raises NotFound, Stale."""
    product = products.find(product_id)
    if product is None:
        raise NotFound("The product does not exist.")
    if product.status is not ProductStatus.ARCHIVED:
        replace_product(product_id, replace(product, status=ProductStatus.ARCHIVED), if_match)


def _check(draft: Product, old: Product | None = None) -> None:
    known = {category.category_id for category in categories.find_all()} if draft.category_ids else set()
    if old and draft.status is ProductStatus.ARCHIVED:
        known |= set(old.category_ids)  # an archived product may keep categories that were deleted
    for position, category_id in enumerate(draft.category_ids):
        if category_id not in known:
            raise invalid(f"/category_ids/{position}", "The category does not exist.")
    seen: set[str] = set()
    for position, variant in enumerate(draft.variants):
        if variant.sku in seen:
            raise invalid(f"/variants/{position}/sku", "Another variant of the product has this SKU.")
        seen.add(variant.sku)


def list_products(
    category: str | None,
    text: str | None,
    min_price: int | None,
    max_price: int | None,
    in_stock: bool | None,
    sort: str,
    limit: int,
    cursor: str | None,
) -> Listed[Product]:
    """Return a page of products on sale."""
    words = tuple((text or "").casefold().split()[:MAX_WORDS])
    product_filter = ProductFilter(words, min_price, max_price, bool(in_stock))
    if product_filter.is_unsatisfiable:
        return Listed([], lambda count: None)
    scope = f"products:{category}:{text}:{min_price}:{max_price}:{in_stock}:{sort}"
    name = category or listings.ALL_PRODUCTS
    found = listings.page(name, sort, product_filter, limit, cursors.read(cursor, scope))
    return cursors.listed(found, scope)


def refresh_listings(product_id: str) -> None:
    """Update the product's stock in its listings."""
    if product := products.find(product_id):
        listings.refresh(product)
