"""Shelves: how much of a SKU there is: counted, adjusted, filled with what came back."""

from collections.abc import Sequence
from dataclasses import replace

from catalog import domain
from catalog.domain import Pieces, Variant
from catalog.service.rivals import again_when_overtaken
from catalog.tables import stock, variants
from shared.errors import NotFound
from shared.runtime import clock
from shared.runtime.observability import count, log


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
    found = variants.find(sku)
    if found is None:
        raise NotFound("There is no such SKU.")
    return found


@again_when_overtaken
def restock(return_id: str, pieces: Sequence[Pieces]) -> None:
    """What came back is on sale again, once a return; SKUs that are made no more are left out and told.

    A part that a transaction takes is marked as done in that transaction: a second try does the rest.
    """
    for number, part in enumerate(domain.chunks(domain.together(pieces))):
        if gone := stock.restock(f"{return_id}.{number}", part, clock.now()):
            log.warning("returned, and sold no more", extra={"return_id": return_id, "skus": gone})
            count("ReturnedWithoutShelf", len(gone))
