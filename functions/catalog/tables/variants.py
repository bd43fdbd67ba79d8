"""Variants, read by SKU or page by page."""

from collections.abc import Sequence
from typing import Any

from catalog.domain import Variant
from catalog.tables.rows import CatalogRow, ClaimRow, VariantRow, product_key, variant_key
from shared.values.ids import MAX_ID_LENGTH  # also the limit of a SKU
from shared.values.money import Money

SCAN_PAGE_SIZE = 500  # rows per Scan; about 200 of them are variants: other kinds of rows are in the table


def find(sku: str) -> tuple[str, Variant] | None:
    """Return (product id, variant) of a SKU, by consistent reads; None if it does not exist."""
    if len(sku) > MAX_ID_LENGTH:
        return None
    try:
        claim = ClaimRow.get(variant_key(sku), "claim", consistent_read=True)
        row = VariantRow.get(product_key(claim.product_id), variant_key(sku), consistent_read=True)
    except (ClaimRow.DoesNotExist, VariantRow.DoesNotExist):
        return None
    return claim.product_id, to_variant(row)


def find_rows(skus: Sequence[str]) -> list[VariantRow]:
    """Return the rows of the SKUs that exist, with two BatchGetItem calls per 100 SKUs."""
    claims = ClaimRow.batch_get([(variant_key(sku), "claim") for sku in skus if len(sku) <= MAX_ID_LENGTH])
    keys = [(product_key(claim.product_id), claim.pk) for claim in claims]
    return list(VariantRow.batch_get(keys, consistent_read=True))


def page(after: dict[str, str] | None) -> tuple[list[VariantRow], dict[str, str] | None]:
    """Return a page of all variants, and the key to continue after (None on the last page).

    This is one Scan, used only when operators rebuild a replica: no partition contains every variant, and an
    index would make each reservation more expensive. The read is consistent, so that the replica is not
    older than the events that follow.
    """
    key: Any = {name: {"S": value} for name, value in after.items()} if after else None
    response = CatalogRow._get_connection().scan(
        filter_condition=VariantRow.sk.startswith(variant_key("")),
        limit=SCAN_PAGE_SIZE,
        exclusive_start_key=key,
        consistent_read=True,
    )
    last = response.get("LastEvaluatedKey")
    return (
        [VariantRow.from_raw_data(item) for item in response["Items"]],
        {name: value["S"] for name, value in last.items()} if last else None,
    )


def to_variant(row: VariantRow) -> Variant:
    return Variant(
        sku=row.sku,
        title=row.variant_title,
        options=row.options,
        price=Money(amount=int(row.price), currency=row.currency),
        available=int(row.available),
        reserved=int(row.reserved),
        version=int(row.version),
    )
