"""Events derived from the table's stream, which also updates the stock in listings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from catalog import domain
from catalog.service import products
from catalog.service.event_data import product_data, removal_data
from catalog.tables.rows import VariantRow
from shared.contracts.events.catalog import ProductArchived, ProductChanged
from shared.contracts.events.envelope import Event
from shared.messaging import stream_relay
from shared.messaging.stream_relay import Image


def make_relay(topic_arn: str) -> Callable[[Mapping[str, Any], object], None]:
    """Return the stream's handler: publish events, then update each affected listing once per batch."""
    publish = stream_relay.relay(topic_arn, derive_events)

    def handle(event: Mapping[str, Any], context: object) -> None:
        publish(event, context)
        changed = (_product_with_stock_change(record["dynamodb"]) for record in event["Records"])
        for product_id in {product_id for product_id in changed if product_id}:
            products.refresh_listings(product_id)

    return handle


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """Yield the event of a variant's change, if replicas need it."""
    if new is None:
        if old is not None and _is_variant(old):
            yield from _removal(_row(old))
        return
    if not _is_variant(new):
        return
    row, before = _row(new), _row(old) if old else None
    if not domain.needs_event(_published_fields(before) if before else None, _published_fields(row)):
        return
    archived = before is not None and before.active and not row.active
    yield (ProductArchived if archived else ProductChanged).of(
        product_data(row),
        subject=row.sku,
        version=int(row.version),
        at=row.updated_at,
        request_id=row.request_id,
    )


def _removal(row: VariantRow) -> Iterator[Event]:
    """Yield the event of a deleted variant; replicas need none for an inactive one."""
    if row.active:
        data = removal_data(row)
        # The deleted row contains neither the time nor the request of its deletion.
        yield ProductArchived.of(data, subject=row.sku, version=data.version, at=row.updated_at)


def _product_with_stock_change(change: Mapping[str, Any]) -> str | None:
    """Return the product's id if its low stock changed; listings show higher stock approximately."""
    old, new = change.get("OldImage"), change.get("NewImage")
    if not old or not new or not _is_variant(new):
        return None
    levels = [int(image["available"]["N"]) for image in (old, new)]
    changed = levels[0] != levels[1] and min(levels) < domain.EXACT_STOCK_BELOW
    return str(new["product_id"]["S"]) if changed else None


def _is_variant(image: Image) -> bool:
    return str(image["sk"]["S"]).startswith("sku#")


def _row(image: Any) -> VariantRow:
    return VariantRow.from_raw_data(dict(image))


def _published_fields(row: VariantRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "price": int(row.price),
        "currency": row.currency,
        "active": bool(row.active),
        "available": int(row.available),
        "category_ids": row.category_ids or [],
    }
