"""The catalog's use cases. What `reserve` does when it dies half-way is in the README."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from catalog import domain
from catalog.domain import Category, Line, Product, State, Status, Variant
from catalog.settings import settings
from catalog.tables import products, stock
from catalog.tables.rows import ListingRow, VariantRow
from catalog.tables.stock import Overtaken
from shared import clock, ids
from shared.errors import NotFound, Stale, invalid
from shared.events import ProductFacts
from shared.money import Money
from shared.observe import count, log
from shared.paging import Cursors
from shared.rows import Contended
from shared.secrets import secret

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 12
PAUSE = 0.02  # seconds, doubling: fifty rivals for one row are through in a few

cursors = Cursors(lambda: secret(settings().catalog_cursor_secret_arn)["key"])


def again_when_overtaken(use_case: Callable[P, T]) -> Callable[P, T]:
    """Read, decide and write again while others write the same. Raises Contended after TRIES."""

    @wraps(use_case)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(TRIES):
            try:
                return use_case(*args, **kwargs)
            except (Overtaken, Contended):
                # Chance keeps rivals from meeting again; it is no secret.
                time.sleep(random.uniform(0, PAUSE * 2 ** min(attempt, 5)))  # noqa: S311
        raise Contended("Others are writing the same; ask again.", retry_after=1)

    return again


@again_when_overtaken
def reserve(order_id: str, wanted: Sequence[Line]) -> None:
    """Hold stock for an order: all lines or none, at the quoted prices; again changes nothing.

    Raises OutOfStock, PriceChanged, ReservationReleased, Contended.
    """
    lines, now = domain.merged(wanted), clock.now()
    parts = domain.chunks(lines)
    try:
        lacks = stock.hold_all(order_id, parts[0], now) if len(parts) == 1 else None
        if len(parts) > 1:
            stock.begin(order_id, now)
    except Overtaken:
        _continue(order_id, parts)
        return
    if len(parts) > 1:
        _hold_chunks(order_id, parts)
    elif lacks:
        raise domain.refusal(lacks)


def _continue(order_id: str, parts: list[list[Line]]) -> None:
    """There is a reservation for this order: it is ours from an earlier try, or the order was given up."""
    head = stock.reservation(order_id)[stock.HEAD]
    if head.state == State.RELEASED:
        raise domain.ReservationReleased("The order was given up before its stock was held.")
    if head.state == State.RESERVING:
        _hold_chunks(order_id, parts)


def _hold_chunks(order_id: str, parts: list[list[Line]]) -> None:
    """Hold a large order part by part; a part that cannot be held lets go of all of them."""
    rows = stock.reservation(order_id)
    for number, part in enumerate(parts):
        if f"chunk#{number:03}" in rows:
            continue
        if lacks := stock.hold_chunk(order_id, number, part, clock.now()):
            release(order_id)
            raise domain.refusal(lacks)
    stock.settle_head(rows[stock.HEAD], State.HELD)


@again_when_overtaken
def release(order_id: str) -> None:
    """Give back whatever the order holds, from any state, once. A later `reserve` will fail."""
    rows = stock.reservation(order_id)
    if not rows:
        stock.entomb(order_id, clock.now())
        return
    if rows[stock.HEAD].state == State.RESERVING:
        # From here on no chunk can be held; one may have been since we looked.
        stock.settle_head(rows[stock.HEAD], State.RELEASED)
        rows = stock.reservation(order_id)
    _settle(rows, State.RELEASED, (State.HELD, State.COMMITTED))


@again_when_overtaken
def commit(order_id: str) -> None:
    """The order is paid: what it holds is sold; again changes nothing."""
    rows = stock.reservation(order_id)
    head = rows.get(stock.HEAD)
    if head is None or head.state in {State.RELEASED, State.RESERVING}:
        # The rules of orders exclude it; should they be broken, somebody must know.
        log.error("paid without stock", extra={"order_id": order_id})
        count("PaidWithoutStock")
        return
    _settle(rows, State.COMMITTED, (State.HELD,))


def _settle(rows: dict[str, Any], state: State, movable: tuple[State, ...]) -> None:
    """Head first, then each chunk, once each."""
    for key in sorted(rows, key=lambda key: key != stock.HEAD):
        row = rows[key]
        if row.state in movable:
            if row.lines:
                stock.settle(row, state, clock.now())
            else:
                stock.settle_head(row, state)


def describe(skus: Sequence[str]) -> list[ProductFacts]:
    """What is known of the SKUs, whether on sale or not; unknown ones are left out."""
    return [facts(row) for row in stock.facts_of(list(dict.fromkeys(skus)))]


def facts(row: VariantRow) -> ProductFacts:
    """A variant as other services need to know it."""
    return ProductFacts(
        product_id=row.product_id,
        sku=row.sku,
        title=row.title,
        unit_price=Money(amount=int(row.price), currency=row.currency),
        available=int(row.available),
        active=bool(row.active),
        version=int(row.version),
    )


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
    _expect(if_match, old.version)
    _check(draft)
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


def _check(draft: Product) -> None:
    known = {category.category_id for category in products.categories()} if draft.category_ids else set()
    for position, category_id in enumerate(draft.category_ids):
        if category_id not in known:
            raise invalid(f"/category_ids/{position}", "There is no such category.")
    seen: set[str] = set()
    for position, variant in enumerate(draft.variants):
        if variant.sku in seen:
            raise invalid(f"/variants/{position}/sku", "Another variant has this SKU.")
        seen.add(variant.sku)


def _expect(if_match: int | None, version: int) -> None:
    if if_match is not None and if_match != version:
        raise Stale(f"It is at version {version} now; read it again.")


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
    wanted: Any = None
    for condition in (
        *(ListingRow.search.contains(word) for word in (text or "").casefold().split()[:5]),
        ListingRow.min_price >= min_price if min_price is not None else None,
        ListingRow.min_price <= max_price if max_price is not None else None,
        ListingRow.in_stock == True if in_stock else None,  # noqa: E712  an expression
    ):
        if condition is not None:
            wanted = condition if wanted is None else wanted & condition
    place = f"products:{category}:{text}:{min_price}:{max_price}:{in_stock}:{sort}"
    found, last = products.page(category or products.ALL, sort, limit, cursors.read(cursor, place), wanted)
    return found, cursors.write(last, place)


def stock_of(sku: str) -> Variant:
    """Raises NotFound."""
    return _variant(sku)[1]


@again_when_overtaken
def set_stock(sku: str, on_hand: int) -> Variant:
    """Count the shelf: so many lie there. Raises NotFound, StockReserved when fewer than are promised."""
    product_id, variant = _variant(sku)
    return _put_on_hand(product_id, variant, on_hand)


@again_when_overtaken
def adjust_stock(sku: str, delta: int, request: str) -> Variant:
    """More or fewer lie there; once a `request`, also when a first try died before it answered.

    Raises NotFound, StockReserved.
    """
    product_id, variant = _variant(sku)
    if stock.adjust(product_id, variant, delta, request, clock.now()):
        return replace(variant, available=variant.available + delta, version=variant.version + 1)
    return _variant(sku)[1]


def _put_on_hand(product_id: str, variant: Variant, on_hand: int) -> Variant:
    available = on_hand - variant.reserved
    if available < 0:
        raise domain.StockReserved(
            f"{variant.reserved} pieces are reserved: there cannot be {on_hand}.", reserved=variant.reserved
        )
    stock.set_available(product_id, variant, available, clock.now())
    return replace(variant, available=available, version=variant.version + 1)


def _variant(sku: str) -> tuple[str, Variant]:
    found = stock.find_variant(sku)
    if found is None:
        raise NotFound("There is no such SKU.")
    return found


def create_category(name: str, parent_id: str | None, position: int) -> Category:
    """Raises CategoryExists, Invalid."""
    category = Category(domain.slug(name), name, parent_id, position)
    _check_parent(category)
    try:
        products.put_category(category)
    except Overtaken:
        raise domain.CategoryExists("There is a category of this name.") from None
    return category


@again_when_overtaken
def replace_category(
    category_id: str, name: str, parent_id: str | None, position: int, if_match: int | None
) -> Category:
    """Raises NotFound, Stale, Invalid."""
    old = _category(category_id)
    _expect(if_match, old.version)
    new = Category(category_id, name, parent_id, position, old.version + 1)
    _check_parent(new)
    products.put_category(new)
    return new


@again_when_overtaken
def drop_category(category_id: str, if_match: int | None) -> None:
    """Raises NotFound, Stale, CategoryInUse."""
    category = _category(category_id)
    _expect(if_match, category.version)
    if any(other.parent_id == category_id for other in products.categories()):
        raise domain.CategoryInUse("Other categories are in it.")
    if products.page(category_id, "newest", 1, None, None)[0]:
        raise domain.CategoryInUse("Products are in it.")
    products.drop_category(category)


def _category(category_id: str) -> Category:
    for category in products.categories():
        if category.category_id == category_id:
            return category
    raise NotFound("There is no such category.")


def _check_parent(category: Category) -> None:
    parents = {known.category_id: known.parent_id for known in products.categories()}
    parent = category.parent_id
    while parent is not None:
        if parent not in parents or parent == category.category_id:
            raise invalid("/parent_id", "There is no such category above this one.")
        parent = parents[parent]


def refresh_lists(product_id: str) -> None:
    """Show in lists what stock there is now."""
    if product := products.find(product_id):
        products.refresh_listings(product)


def list_categories() -> list[Category]:
    """All of them, in their order."""
    return products.categories()
