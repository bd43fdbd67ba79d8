"""The replica of catalog's product data."""

from typing import Any

from pynamodb.exceptions import PutError

from cart.tables.rows import CartTableRow, ProductRow
from shared.contracts.events.catalog import ProductData
from shared.dynamodb.rows import require_condition_failure
from shared.runtime import clock
from shared.values.money import Money

SCAN_LIMIT = 200  # rows per page of a rebuild; each is compared with catalog's within the function's time


def key(sku: str) -> str:
    return f"product#{sku}"


def upsert_replica(product: ProductData, *, replace_same: bool = False) -> None:
    """Store the product unless the replica has the same or a newer version.

    `replace_same`: also replace data of the same version.
    """
    row = ProductRow(
        pk=key(product.sku),
        **product.model_dump(exclude={"unit_price"}),
        unit_price=product.unit_price.amount,
        currency=product.unit_price.currency,
        updated_at=clock.now(),
    )
    version = product.version
    older = ProductRow.version <= version if replace_same else ProductRow.version < version
    try:
        row.save(ProductRow.pk.does_not_exist() | older)
    except PutError as error:
        require_condition_failure(error)


def active_page(after: str) -> tuple[list[ProductData], str | None]:
    """Return some active products and the key to continue after; None at the end.

    This is the service's only Scan: a rebuild must find the products that catalog no longer has.
    """
    start: Any = {"pk": {"S": after}} if after else None
    response = ProductRow._get_connection().scan(
        filter_condition=ProductRow.active == True,  # noqa: E712  an expression; other rows have no `active`
        limit=SCAN_LIMIT,
        exclusive_start_key=start,
    )
    last = response.get("LastEvaluatedKey")
    rows = {item["pk"]["S"]: ProductRow.from_raw_data(item) for item in response["Items"]}
    return list(products_in({**rows}).values()), last["pk"]["S"] if last else None


def products_in(rows: dict[str, CartTableRow]) -> dict[str, ProductData]:
    """Return the products among the rows by SKU."""
    return {
        row.sku: ProductData(
            product_id=row.product_id,
            sku=row.sku,
            title=row.title,
            unit_price=Money(amount=int(row.unit_price), currency=row.currency),
            available=int(row.available),
            active=row.active,
            version=int(row.version),
            category_ids=list(row.category_ids or []),
        )
        for row in rows.values()
        if isinstance(row, ProductRow)
    }
