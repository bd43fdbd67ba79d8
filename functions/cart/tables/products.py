"""The replica: what the catalog last said of each product."""

from typing import Any

from pynamodb.exceptions import PutError

from cart.tables.rows import CartTableRow, ProductRow
from shared.contracts.events import ProductData
from shared.dynamodb.rows import require_condition_failure
from shared.runtime import clock
from shared.values.money import Money

SCANNED = 200


def key(sku: str) -> str:
    return f"product#{sku}"


def learn(facts: ProductData, *, anew: bool = False) -> None:
    """Keep what the catalog says of a product, unless something as new is known already.

    `anew`: what is known in the same version is replaced too.
    """
    row = ProductRow(
        pk=key(facts.sku),
        **facts.model_dump(exclude={"unit_price"}),
        unit_price=facts.unit_price.amount,
        currency=facts.unit_price.currency,
        updated_at=clock.now(),
    )
    older = ProductRow.version <= facts.version if anew else ProductRow.version < facts.version
    try:
        row.save(ProductRow.pk.does_not_exist() | older)
    except PutError as error:
        require_condition_failure(error)


def page_of_those_on_sale(after: str) -> tuple[list[ProductData], str | None]:
    """Some of the products that are on sale as far as is known, and the key to go on after, None at the end.

    One Scan, on purpose: only a rebuild asks what is here that the catalog has no more, once in years.
    """
    key: Any = {"pk": {"S": after}} if after else None
    answer = ProductRow._get_connection().scan(
        filter_condition=ProductRow.active == True,  # noqa: E712  an expression; other rows have no such
        limit=SCANNED,
        exclusive_start_key=key,
    )
    last = answer.get("LastEvaluatedKey")
    rows = {item["pk"]["S"]: ProductRow.from_raw_data(item) for item in answer["Items"]}
    return list(products_in({**rows}).values()), last["pk"]["S"] if last else None


def products_in(rows: dict[str, CartTableRow]) -> dict[str, ProductData]:
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
