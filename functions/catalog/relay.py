"""The table's stream as events; and lists kept at today's stock on the way."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from catalog import domain
from catalog.service import products
from catalog.service.facts import facts, last_words
from catalog.tables.rows import VariantRow
from shared.contracts.events import Event, ProductArchived, ProductChanged
from shared.messaging import stream_relay
from shared.messaging.stream_relay import Image


def relay(topic_arn: str) -> Callable[[Mapping[str, Any], object], None]:
    """The stream's handler: say the news, then refresh, once a batch, the lists of what moved."""
    publish = stream_relay.relay(topic_arn, derive_events)

    def handle(event: Mapping[str, Any], context: object) -> None:
        publish(event, context)
        for product_id in {moved for record in event["Records"] if (moved := _moved(record["dynamodb"]))}:
            products.refresh_lists(product_id)

    return handle


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """What a change of a variant's row is news of, for those who keep a copy."""
    if new is None:
        if old is not None and _is_variant(old):
            yield from _taken_out(_row(old))
        return
    if not _is_variant(new):
        return
    row, before = _row(new), _row(old) if old else None
    if not domain.is_news(_told(before) if before else None, _told(row)):
        return
    archived = before is not None and before.active and not row.active
    yield (ProductArchived if archived else ProductChanged).of(
        facts(row),
        subject=row.sku,
        version=int(row.version),
        at=row.updated_at,
        request_id=row.request_id,
    )


def _taken_out(row: VariantRow) -> Iterator[Event]:
    """A variant's row is gone: who keeps a copy must hear that it is sold no more."""
    if row.active:
        said = last_words(row)
        # The old row knows neither the time nor the request that took it out.
        yield ProductArchived.of(said, subject=row.sku, version=said.version, at=row.updated_at)


def _moved(change: Mapping[str, Any]) -> str | None:
    """The product whose scarce stock moved: lists show it exactly below what is news."""
    old, new = change.get("OldImage"), change.get("NewImage")
    if not old or not new or not _is_variant(new):
        return None
    levels = [int(image["available"]["N"]) for image in (old, new)]
    scarce = levels[0] != levels[1] and min(levels) < domain.NEWSWORTHY
    return str(new["product_id"]["S"]) if scarce else None


def _is_variant(image: Image) -> bool:
    return str(image["sk"]["S"]).startswith("sku#")


def _row(image: Any) -> VariantRow:
    return VariantRow.from_raw_data(dict(image))


def _told(row: VariantRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "price": int(row.price),
        "currency": row.currency,
        "active": bool(row.active),
        "available": int(row.available),
        "category_ids": row.category_ids or [],
    }
