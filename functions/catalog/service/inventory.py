"""The stock of SKUs: read, counted, adjusted and restocked."""

from collections.abc import Sequence
from dataclasses import replace

from catalog import domain
from catalog.domain import Pieces, Variant
from catalog.service.concurrency import retry_on_conflict
from catalog.tables import stock, variants
from shared.errors import NotFound
from shared.runtime import clock
from shared.runtime.observability import count, log


def stock_of(sku: str) -> Variant:
    """Return the variant with its stock. Raises NotFound."""
    return _variant(sku)[1]


@retry_on_conflict
def set_stock(sku: str, on_hand: int) -> Variant:
    """Set the counted stock on hand. Raises NotFound, StockReserved if more pieces are reserved."""
    product_id, variant = _variant(sku)
    available = on_hand - variant.reserved
    if available < 0:
        raise domain.stock_reserved(variant, on_hand)
    stock.set_available(product_id, variant, available, clock.now())
    return replace(variant, available=available, version=variant.version + 1)


@retry_on_conflict
def adjust_stock(sku: str, delta: int, idempotency_key: str) -> Variant:
    """Add `delta` to the stock on hand, once per key even if an earlier try crashed before it responded.

    Raises NotFound, StockReserved if fewer pieces would be on hand than reserved.
    """
    product_id, variant = _variant(sku)
    if stock.adjust(product_id, variant, delta, idempotency_key, clock.now()):
        return replace(variant, available=variant.available + delta, version=variant.version + 1)
    return stock_of(sku)


def _variant(sku: str) -> tuple[str, Variant]:
    found = variants.find(sku)
    if found is None:
        raise NotFound("The SKU does not exist.")
    return found


@retry_on_conflict
def restock(return_id: str, pieces: Sequence[Pieces]) -> None:
    """Make returned pieces available again, once per return. Skip and log SKUs that no longer exist.

    Each chunk is recorded in its own transaction, so a retry continues with the remaining chunks.
    """
    for number, chunk in enumerate(domain.split_into_chunks(domain.merge_pieces(pieces))):
        if missing := stock.restock(f"{return_id}.{number}", chunk, clock.now()):
            log.warning("restock skipped", extra={"return_id": return_id, "skus": missing})
            count("RestockSkipped", len(missing))
