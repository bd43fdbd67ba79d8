"""Products: made, changed, taken off sale, listed."""

from dataclasses import replace

from catalog.domain import Product, Status, Wanted
from catalog.service.cursors import cursors
from catalog.service.rivals import again_when_overtaken
from catalog.tables import categories, lists, products
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound, invalid
from shared.runtime import clock
from shared.values import ids


def product_on_sale(product_id: str) -> Product:
    """Raises NotFound for a product that is not active."""
    product = products.find(product_id)
    if product is None or product.status is not Status.ACTIVE:
        raise NotFound("There is no such product.")
    return product


def create_product(draft: Product) -> Product:
    """Put a new product in the catalog. Raises SkuTaken, Invalid."""
    now = clock.now()
    _check(draft)
    made = replace(draft, product_id=ids.new_id("prd"), version=1, created_at=now, updated_at=now)
    products.create(made)
    return made


@again_when_overtaken
def replace_product(product_id: str, draft: Product, if_match: int | None) -> Product:
    """Make the product as `draft` says; stock stays. Raises NotFound, Stale, SkuTaken and more."""
    old = products.find(product_id)
    if old is None:
        raise NotFound("There is no such product.")
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
    """Take a product off sale for good. Raises NotFound, Stale."""
    product = products.find(product_id)
    if product is None:
        raise NotFound("There is no such product.")
    if product.status is not Status.ARCHIVED:
        replace_product(product_id, replace(product, status=Status.ARCHIVED), if_match)


def _check(draft: Product, old: Product | None = None) -> None:
    known = {category.category_id for category in categories.everyone()} if draft.category_ids else set()
    if old and draft.status is Status.ARCHIVED:
        known |= set(old.category_ids)  # what is gone from sale may stand where it stood, wherever that went
    for position, category_id in enumerate(draft.category_ids):
        if category_id not in known:
            raise invalid(f"/category_ids/{position}", "There is no such category.")
    seen: set[str] = set()
    for position, variant in enumerate(draft.variants):
        if variant.sku in seen:
            raise invalid(f"/variants/{position}/sku", "Another variant has this SKU.")
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
) -> tuple[list[Product], str | None]:
    """A page of what is on sale, and the next page's cursor."""
    wanted = Wanted(tuple((text or "").casefold().split()[:5]), min_price, max_price, bool(in_stock))
    if wanted.is_impossible:
        return [], None
    place = f"products:{category}:{text}:{min_price}:{max_price}:{in_stock}:{sort}"
    found, last = lists.page(category or lists.ALL, sort, wanted, limit, cursors.read(cursor, place))
    return found, cursors.write(last, place)


def refresh_lists(product_id: str) -> None:
    """Show in lists what stock there is now."""
    if product := products.find(product_id):
        lists.refresh(product)
