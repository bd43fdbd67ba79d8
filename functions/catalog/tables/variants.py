"""Variants as they are kept, found by their SKUs or all of them."""

from collections.abc import Sequence
from typing import Any

from catalog.domain import Variant
from catalog.tables.rows import CatalogRow, ClaimRow, VariantRow, product_key, variant_key
from shared.values.ids import MAX_ID_LENGTH  # of SKUs too
from shared.values.money import Money

SCANNED = 500  # rows a page of everything: each variant has a claim elsewhere, so some 200 are variants


def find(sku: str) -> tuple[str, Variant] | None:
    """(product id, variant) of a SKU, as it is now."""
    if len(sku) > MAX_ID_LENGTH:
        return None
    try:
        claim = ClaimRow.get(variant_key(sku), "claim", consistent_read=True)
        row = VariantRow.get(product_key(claim.product_id), variant_key(sku), consistent_read=True)
    except (ClaimRow.DoesNotExist, VariantRow.DoesNotExist):
        return None
    return claim.product_id, to_variant(row)


def facts_of(skus: Sequence[str]) -> list[VariantRow]:
    """The variants of the SKUs that are known: two BatchGetItem a hundred SKUs."""
    claims = ClaimRow.batch_get([(variant_key(sku), "claim") for sku in skus if len(sku) <= MAX_ID_LENGTH])
    keys = [(product_key(claim.product_id), claim.pk) for claim in claims]
    return list(VariantRow.batch_get(keys, consistent_read=True))


def page(after: dict[str, str] | None) -> tuple[list[VariantRow], dict[str, str] | None]:
    """Some of all variants, and the key to go on after, None at the end.

    One Scan, on purpose: no partition holds every variant (lists hold what is active), and an index to Query
    would make every reservation dearer for the sake of a copy that is built anew once in years. Nobody's
    request waits for it. It reads what is written, so that the copy is no older than the news that go on.
    """
    key: Any = {name: {"S": value} for name, value in after.items()} if after else None
    answer = CatalogRow._get_connection().scan(
        filter_condition=VariantRow.sk.startswith(variant_key("")),
        limit=SCANNED,
        exclusive_start_key=key,
        consistent_read=True,
    )
    last = answer.get("LastEvaluatedKey")
    return (
        [VariantRow.from_raw_data(item) for item in answer["Items"]],
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
