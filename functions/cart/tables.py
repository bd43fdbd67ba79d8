"""The cart's rows and the only code that touches them."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import PutError

from cart.domain import Cart, Line, ShippingMethod, TaxRate
from cart.settings import settings
from shared import clock, idempotency
from shared.aws import REGION
from shared.events import ProductFacts
from shared.idempotency import Once
from shared.money import Money, Price
from shared.rows import Contended, Refused, Row, refused_by_condition, transaction, warm

# 1,000 lines must fit DynamoDB's 400 KB: that leaves a title 240 bytes. GET shows it whole, from the replica.
TITLE_BYTES = 240
SHIPPING = "shipping"


class Overtaken(Exception):
    """Another writer came between the read and the write: read again."""


class CartTableRow(Row):
    """Any row of the table; PynamoDB reads each as the class that `kind` names."""

    class Meta:
        table_name = settings().cart_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    kind = DiscriminatorAttribute()
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()


class LineMap(MapAttribute[str, Any]):
    sku = UnicodeAttribute()
    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    quantity = NumberAttribute()
    unit_price = NumberAttribute()
    available = NumberAttribute()


class CartRow(CartTableRow, discriminator="cart"):
    """`cart#<owner>`: the whole cart, so that one read shows it and one condition guards it."""

    currency = UnicodeAttribute()
    lines = ListAttribute(of=LineMap)
    expires_at = NumberAttribute(null=True)


class ProductRow(CartTableRow, discriminator="product"):
    """`product#<sku>`: what the catalog last said of a product; `version` is the catalog's."""

    sku = UnicodeAttribute()
    product_id = UnicodeAttribute()
    title = UnicodeAttribute()
    unit_price = NumberAttribute()
    currency = UnicodeAttribute()
    available = NumberAttribute()
    active = BooleanAttribute()


class ShippingRow(CartTableRow, discriminator="shipping"):
    """`shipping`: all methods in one row, since a quote weighs them all; nested, and always read whole."""

    methods = JSONAttribute()


class TaxRow(CartTableRow, discriminator="tax"):
    """`tax#<country>`"""

    country = UnicodeAttribute()
    rate_bp = NumberAttribute()
    inclusive = BooleanAttribute()


class OnceRow(idempotency.OnceRow):
    class Meta:
        table_name = settings().cart_once_table
        region = REGION


once = Once(OnceRow)
warm(CartTableRow, OnceRow)


def probe() -> None:
    """Touch what the service cannot work without."""
    _rows(SHIPPING)


def cart_of(owner: str) -> Cart:
    """The owner's cart, empty at version 0 where there is none: one read."""
    return _cart(owner, _rows(f"cart#{owner}"))


def cart_and_product(owner: str, sku: str) -> tuple[Cart, ProductFacts | None]:
    """The cart, and what the replica knows of the product, in one read."""
    rows = _rows(f"cart#{owner}", f"product#{sku}")
    return _cart(owner, rows), _products(rows).get(sku)


def cart_and_charges(owner: str, country: str) -> tuple[Cart, list[ShippingMethod], TaxRate | None]:
    """The cart with all shipping methods and the country's tax rate, in one read."""
    rows = _rows(f"cart#{owner}", SHIPPING, f"tax#{country}")
    return _cart(owner, rows), _methods(rows)[1], _tax(rows)


def products(skus: Collection[str]) -> dict[str, ProductFacts]:
    """What the replica knows of these products: a read for every hundred."""
    return _products(_rows(*(f"product#{sku}" for sku in skus)))


def shipping_methods() -> tuple[int, list[ShippingMethod]]:
    """All methods, with the version of the row that holds them (0 where there is none)."""
    return _methods(_rows(SHIPPING))


def tax_rate(country: str) -> TaxRate | None:
    return _tax(_rows(f"tax#{country}"))


def save(cart: Cart) -> None:
    """Write this version of the cart after the one before it. Raises Overtaken where that is gone."""
    _save(_cart_row(cart), after=cart.version - 1)


def save_forgetting(cart: Cart | None, order_id: str, now: datetime) -> None:
    """Write the cart (None: it does not change) and remember that the order was forgotten, both or neither.

    Does nothing where it was before. Raises Overtaken where the cart has changed meanwhile.
    """
    try:
        with transaction(CartTableRow) as writes:
            once.remember(writes, f"{order_id}.forgotten", now)
            if cart:
                writes.save(_cart_row(cart), condition=_unchanged(cart.version - 1))
    except Refused as refused:
        if not refused.refused(0):
            raise Overtaken from refused
    except Contended as contended:
        raise Overtaken from contended


def learn(facts: ProductFacts) -> None:
    """Keep what the catalog says of a product, unless something as new is known already."""
    row = ProductRow(
        pk=f"product#{facts.sku}",
        **facts.model_dump(exclude={"unit_price"}),
        unit_price=facts.unit_price.amount,
        currency=facts.unit_price.currency,
        updated_at=clock.now(),
    )
    try:
        row.save(ProductRow.pk.does_not_exist() | (ProductRow.version < facts.version))
    except PutError as error:
        refused_by_condition(error)


def save_shipping_methods(methods: list[ShippingMethod], after: int) -> None:
    """Write all methods over version `after` of their row. Raises Overtaken."""
    entries = [method.model_dump() for method in methods]
    _save(ShippingRow(pk=SHIPPING, methods=entries, version=after + 1, updated_at=clock.now()), after)


def save_tax_rate(rate: TaxRate) -> None:
    """Write this version of the rate after the one before it. Raises Overtaken."""
    row = TaxRow(pk=f"tax#{rate.country}", updated_at=clock.now(), **rate.model_dump())
    _save(row, after=rate.version - 1)


def _rows(*keys: str) -> dict[str, CartTableRow]:
    return {row.pk: row for row in CartTableRow.batch_get(keys, consistent_read=True)}


def _unchanged(version: int) -> Any:
    return CartTableRow.version == version if version else CartTableRow.pk.does_not_exist()


def _save(row: CartTableRow, after: int) -> None:
    try:
        row.save(_unchanged(after))
    except PutError as error:
        if error.cause_response_code == "TransactionConflictException" or refused_by_condition(error):
            raise Overtaken from error


def _cart_row(cart: Cart) -> CartRow:
    return CartRow(
        pk=f"cart#{cart.owner}",
        currency=cart.currency,
        lines=[
            LineMap(  # type: ignore[no-untyped-call]
                sku=line.sku,
                product_id=line.product_id,
                title=line.title.encode()[:TITLE_BYTES].decode(errors="ignore"),
                quantity=line.quantity,
                unit_price=line.unit_price.amount,
                available=line.available,
            )
            for line in cart.lines.values()
        ],
        version=cart.version,
        expires_at=clock.epoch(cart.expires_at) if cart.expires_at else None,
        updated_at=clock.now(),
    )


def _cart(owner: str, rows: dict[str, CartTableRow]) -> Cart:
    row = rows.get(f"cart#{owner}")
    if not isinstance(row, CartRow):
        return Cart(owner=owner, currency=settings().cart_currency)
    lines = [
        Line(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=int(line.quantity),
            unit_price=Price(amount=int(line.unit_price), currency=row.currency),
            available=int(line.available),
        )
        for line in row.lines
    ]
    return Cart(
        owner=owner,
        currency=row.currency,
        lines={line.sku: line for line in lines},
        version=int(row.version),
        expires_at=datetime.fromtimestamp(row.expires_at, UTC) if row.expires_at else None,
    )


def _products(rows: dict[str, CartTableRow]) -> dict[str, ProductFacts]:
    return {
        row.sku: ProductFacts(
            product_id=row.product_id,
            sku=row.sku,
            title=row.title,
            unit_price=Money(amount=int(row.unit_price), currency=row.currency),
            available=int(row.available),
            active=row.active,
            version=int(row.version),
        )
        for row in rows.values()
        if isinstance(row, ProductRow)
    }


def _methods(rows: dict[str, CartTableRow]) -> tuple[int, list[ShippingMethod]]:
    row = rows.get(SHIPPING)
    if not isinstance(row, ShippingRow):
        return 0, []
    return int(row.version), [ShippingMethod.model_validate(entry) for entry in row.methods]


def _tax(rows: dict[str, CartTableRow]) -> TaxRate | None:
    for row in rows.values():
        if isinstance(row, TaxRow):
            return TaxRate(
                country=row.country,
                rate_bp=int(row.rate_bp),
                inclusive=row.inclusive,
                version=int(row.version),
            )
    return None
