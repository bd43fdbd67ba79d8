"""The HTTP routes of products, categories and stock."""

from catalog.domain import CategoryExists, CategoryInUse, SkuTaken, StockReserved
from catalog.schemas import (
    AdjustStock,
    CategoryPage,
    CategoryView,
    ProductPage,
    ProductQuery,
    ProductView,
    SaveCategory,
    SaveProduct,
    SetStock,
    StockView,
)
from catalog.service import categories, inventory, products
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import NotFound
from shared.http.identity import STAFF, Caller
from shared.http.paging import PageQuery
from shared.http.routing import Routes
from shared.runtime import clock
from shared.runtime.observability import log

routes = Routes()


@routes.get("/categories")
def list_categories(query: PageQuery) -> CategoryPage:
    """List all categories by position."""
    return CategoryPage.of_items(categories.list_categories(query.limit, query.cursor), CategoryView.of)


@routes.post("/categories", role=STAFF, status=201, raises=(CategoryExists,))
def create_category(body: SaveCategory) -> CategoryView:
    """Create a category; its id is derived from its name."""
    return CategoryView.of(categories.create_category(body.name, body.parent_id, body.position))


@routes.put("/categories/{category_id}", role=STAFF, raises=(NotFound,))
def replace_category(category_id: str, body: SaveCategory, if_match: int | None) -> CategoryView:
    """Rename or move a category."""
    return CategoryView.of(
        categories.replace_category(category_id, body.name, body.parent_id, body.position, if_match)
    )


@routes.delete("/categories/{category_id}", role=STAFF, raises=(NotFound, CategoryInUse))
def drop_category(category_id: str, if_match: int | None) -> None:
    """Delete an empty category."""
    categories.delete_category(category_id, if_match)


@routes.get("/products")
def list_products(query: ProductQuery) -> ProductPage:
    """List and search products on sale.

    Drafts and archived products are not listed.
    """
    found = products.list_products(
        query.category,
        query.q,
        query.min_price,
        query.max_price,
        query.in_stock,
        query.sort,
        query.limit,
        query.cursor,
    )
    return ProductPage.of_items(found, ProductView.of)


@routes.get("/products/{product_id}", raises=(NotFound,))
def get_product(product_id: str) -> ProductView:
    """Get a product on sale, with its available stock."""
    return ProductView.of(products.product_on_sale(product_id))


@routes.post("/products", role=STAFF, status=201, location="/products/{product_id}", raises=(SkuTaken,))
def create_product(body: SaveProduct) -> ProductView:
    """Create a product with its variants and their initial stock.

    The Location leads to the product once it is on sale, which needs the status `active`.
    """
    return ProductView.of(products.create_product(body.draft("", clock.now())))


@routes.put("/products/{product_id}", role=STAFF, raises=(NotFound, SkuTaken, StockReserved))
def replace_product(product_id: str, body: SaveProduct, if_match: int | None) -> ProductView:
    """Replace a product; the stock of its existing variants is unchanged."""
    return ProductView.of(products.replace_product(product_id, body.draft(product_id, clock.now()), if_match))


@routes.delete("/products/{product_id}", role=STAFF, raises=(NotFound,))
def archive_product(product_id: str, if_match: int | None) -> None:
    """Archive a product, so that it is no longer on sale."""
    products.archive_product(product_id, if_match)


@routes.get("/stock/{sku}", role=STAFF, raises=(NotFound,))
def get_stock(sku: str) -> StockView:
    """Get the stock of a SKU."""
    return StockView.of(inventory.stock_of(sku))


@routes.put("/stock/{sku}", role=STAFF, raises=(NotFound, StockReserved))
def set_stock(caller: Caller, sku: str, body: SetStock) -> StockView:
    """Set the stock on hand after a count."""
    log.info("stock counted", extra={"sku": sku, "on_hand": body.on_hand, "actor": caller.user_id})
    return StockView.of(inventory.set_stock(sku, body.on_hand))


@routes.post("/stock/{sku}/adjustments", role=STAFF, idempotent=True, raises=(NotFound, StockReserved))
def adjust_stock(caller: Caller, sku: str, body: AdjustStock, key: IdempotencyKey) -> StockView:
    """Add to or subtract from the stock on hand."""
    log.info("stock adjusted", extra={"sku": sku, "delta": body.delta, "actor": caller.user_id})
    return StockView.of(inventory.adjust_stock(sku, body.delta, key.pk))
