"""The replica of catalog's product data: updated by events, refreshed by calls, rebuilt for operators."""

from collections.abc import Collection
from datetime import timedelta

from cart.settings import settings
from cart.tables import products
from shared.contracts.commands.cart import RebuildProgress
from shared.contracts.commands.products import DescribeProducts, ListProducts
from shared.contracts.events.catalog import ProductArchived, ProductData
from shared.contracts.events.envelope import Event
from shared.messaging import rpc
from shared.runtime import clock
from shared.runtime.observability import log

# The function's timeout is 29 s; the difference is for the page that is being stored when this time is over.
REBUILD_TIME = timedelta(seconds=20)
REPLICA = "replica"  # key in `after`: catalog's pages are stored, the replica's own rows are being checked


def update(event: Event) -> None:
    """Store the product of a ProductChanged or ProductArchived event. Outdated events change nothing."""
    archived = {"active": False} if isinstance(event, ProductArchived) else {}
    products.upsert_replica(event.data.model_copy(update=archived))


def fetch_products(skus: Collection[str]) -> dict[str, ProductData | None]:
    """Return catalog's current data by SKU, None for unknown products, and store it. Raises Unavailable."""
    response = rpc.call(settings().catalog_commands, DescribeProducts(skus=list(skus)))
    for product in response.products:
        products.upsert_replica(product)
    return dict.fromkeys(skus) | {product.sku: product for product in response.products}


def rebuild(after: dict[str, str] | None) -> RebuildProgress:
    """Store every product of catalog, then deactivate the products that catalog no longer has.

    Continues after `after` and stops after 20 s. Newer data from events is kept. Raises Unavailable.
    """
    until = clock.now() + REBUILD_TIME
    processed = 0
    while True:
        if after is None or REPLICA not in after:
            page = rpc.call(settings().catalog_commands, ListProducts(after=after))
            for product in page.products:
                products.upsert_replica(product, replace_same=True)
            processed += len(page.products)
            after = page.after or {REPLICA: ""}
        else:
            last = _deactivate_removed(after[REPLICA])
            after = {REPLICA: last} if last else None
        if after is None or clock.now() >= until:
            log.info("replica rebuilt", extra={"processed": processed, "done": after is None})
            return RebuildProgress(processed=processed, after=after)


def _deactivate_removed(after: str) -> str | None:
    """Deactivate the products of one page that catalog no longer has; return the page's last key."""
    active, last = products.active_page(after)
    current = fetch_products([product.sku for product in active]) if active else {}
    for product in active:
        if current[product.sku] is None:
            removed = product.model_copy(update={"active": False, "available": 0})
            products.upsert_replica(removed, replace_same=True)
    return last
