"""The cart's use cases: one function each."""

import random
import re
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from cart import domain, tables
from cart.domain import Cart, Priced, Rate, ShippingMethod, TaxRate
from cart.settings import settings
from shared import clock, ids, invoke, quotes
from shared.errors import NotFound, Stale, Unavailable, invalid
from shared.events import OrderFacts, ProductFacts
from shared.observe import log
from shared.questions import DescribeProducts
from shared.quotes import Quote, QuotedLine, ShippingAddress
from shared.rows import Contended
from shared.secrets import secret

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 10
PAUSE = timedelta(milliseconds=20)
MAX_METHODS = 100
_SKU = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHOD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def until_written(use_case: Callable[P, T]) -> Callable[P, T]:
    """Read, decide and write again while others write the same; each round, one of them gets through.

    Raises Contended after TRIES.
    """

    @wraps(use_case)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(TRIES):
            try:
                return use_case(*args, **kwargs)
            except tables.Overtaken:
                # Not a secret: only so that rivals do not meet again.
                time.sleep(random.uniform(0, PAUSE.total_seconds() * 2 ** min(attempt, 4)))  # noqa: S311
        raise Contended("Others are writing the same; ask again.", retry_after=1)

    return again


def read_cart(owner: str) -> Cart:
    """The cart at today's prices; as last seen where the catalog is needed and does not answer."""
    cart = tables.cart_of(owner).as_of(clock.now())
    known: dict[str, ProductFacts | None] = {**tables.products(cart.lines)}
    missing = [sku for sku in cart.lines if sku not in known]
    if missing:
        try:
            known |= _ask_catalog(missing)
        except Unavailable:
            log.warning("cart shown as last seen", extra={"missing": len(missing)})
    return cart.seen(known)


@until_written
def add_item(owner: str, sku: str, quantity: int) -> Cart:
    """One read and one write for a known SKU. Raises NotFound, CurrencyMismatch, Invalid, Unavailable."""
    cart, facts = _cart_and_product(owner, sku)
    return _save(cart, cart.add(facts, quantity))


@until_written
def set_item(owner: str, sku: str, quantity: int, if_match: int | None) -> Cart:
    """As `add_item`, to exactly this quantity. Raises Stale too."""
    cart, facts = _cart_and_product(owner, sku)
    _expect(if_match, cart.version)
    return _save(cart, cart.put(facts, quantity))


@until_written
def remove_item(owner: str, sku: str, if_match: int | None) -> Cart:
    cart = tables.cart_of(owner).as_of(clock.now())
    _expect(if_match, cart.version)
    return _save(cart, cart.remove(sku))


@until_written
def clear_cart(owner: str, if_match: int | None) -> Cart:
    cart = tables.cart_of(owner).as_of(clock.now())
    _expect(if_match, cart.version)
    return _save(cart, cart.clear())


@until_written
def forget_ordered(order: OrderFacts) -> None:
    """Take what was ordered out of its owner's cart: once per order, however often it is heard."""
    now = clock.now()
    cart = tables.cart_of(order.user_id).as_of(now)
    left = cart.forget(order.lines)
    # An order that took nothing is remembered too: a repeat must not take what the shopper adds later.
    tables.save_forgetting(None if left is cart else left.next_version(now), order.order_id, now)


def learn(facts: ProductFacts) -> None:
    """Keep what the catalog says of a product; late and repeated news change nothing."""
    tables.learn(facts)


def quote(owner: str, country: str, address: ShippingAddress | None, wanted: str | None) -> Priced:
    """The cart's price delivered, good for 15 minutes.

    Raises CartEmpty, OutOfStock, Invalid (shipping), Unavailable (the catalog is needed and does not answer).
    """
    now = clock.now()
    cart, methods, tax = tables.cart_and_charges(owner, country)
    cart = cart.as_of(now)
    known: dict[str, ProductFacts | None] = {**tables.products(cart.lines)}
    if len(known) < len(cart.lines):
        known = _ask_catalog(cart.lines)
    cart = cart.seen(known)
    if cart.short:
        # Nobody is turned away on hearsay: what was last heard may be some seconds old.
        cart = cart.seen(known | _ask_catalog([line.sku for line in cart.short]))
    cart.check_sellable()
    offered = domain.offers(methods, country, cart.subtotal)
    offer = domain.choose(offered, wanted, "/shipping_address/country" if address else "/country")
    rate = tax or TaxRate(country=country, rate_bp=0, inclusive=True)
    lines = [
        QuotedLine(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
            line_total=line.line_total,
        )
        for line in cart.lines.values()
    ]
    sums = domain.totals([line.line_total for line in lines], offer.price, rate)
    priced = Quote(
        quote_id=ids.new_id("quo"),
        user_id=owner,
        lines=lines,
        subtotal=sums.subtotal,
        discount=sums.discount,
        shipping=sums.shipping,
        tax=sums.tax,
        total=sums.total,
        country=country,
        shipping_method=offer.method,
        shipping_address=address,
        cart_version=cart.version,
        expires_at=now + domain.QUOTES_HOLD,
    )
    return Priced(priced, offered, rate.inclusive)


def signed(priced: Quote) -> str:
    """The quote as a token that orders will honour."""
    return quotes.sign(priced, signing_key())


def signing_key() -> str:
    return secret(settings().cart_quote_secret_arn)["key"]


def shipping_methods() -> list[ShippingMethod]:
    """All of them, in the order of their names in paths."""
    return sorted(tables.shipping_methods()[1], key=lambda method: method.method)


def shipping_method(method: str) -> ShippingMethod:
    """Raises NotFound."""
    for known in tables.shipping_methods()[1]:
        if known.method == method:
            return known
    raise NotFound("There is no such shipping method.")


@until_written
def put_shipping_method(
    method: str, name: str, countries: list[str], rates: list[Rate], if_match: int | None
) -> ShippingMethod:
    """Make or replace a method. Raises Stale, Invalid."""
    if not _METHOD.fullmatch(method):
        raise invalid("/method", "A method is 1 to 40 of a-z, 0-9 and -.")
    row_version, known = tables.shipping_methods()
    others = [entry for entry in known if entry.method != method]
    version = next((entry.version for entry in known if entry.method == method), 0)
    _expect(if_match, version)
    if len(others) >= MAX_METHODS:
        raise invalid("/method", f"The shop takes at most {MAX_METHODS} methods.")
    made = ShippingMethod(method=method, name=name, countries=countries, rates=rates, version=version + 1)
    tables.save_shipping_methods([*others, made], after=row_version)
    return made


def tax_rate(country: str) -> TaxRate:
    """Raises NotFound."""
    rate = tables.tax_rate(country) if _COUNTRY.fullmatch(country) else None
    if rate is None:
        raise NotFound("There is no tax rate for this country.")
    return rate


@until_written
def put_tax_rate(country: str, rate_bp: int, inclusive: bool, if_match: int | None) -> TaxRate:
    """Make or replace a country's rate. Raises Stale, Invalid."""
    if not _COUNTRY.fullmatch(country):
        raise invalid("/country", "A country is two capital letters (ISO 3166-1 alpha-2).")
    known = tables.tax_rate(country)
    version = known.version if known else 0
    _expect(if_match, version)
    rate = TaxRate(country=country, rate_bp=rate_bp, inclusive=inclusive, version=version + 1)
    tables.save_tax_rate(rate)
    return rate


def _cart_and_product(owner: str, sku: str) -> tuple[Cart, ProductFacts]:
    if not _SKU.fullmatch(sku):
        raise NotFound("There is no such product.")
    cart, facts = tables.cart_and_product(owner, sku)
    facts = facts or _ask_catalog([sku])[sku]
    if facts is None or not facts.active:
        raise NotFound(f"{sku} is not sold here.")
    return cart.as_of(clock.now()), facts


def _ask_catalog(skus: Collection[str]) -> dict[str, ProductFacts | None]:
    """What the catalog knows now, None where it knows nothing; kept in the replica. Raises Unavailable."""
    answer = invoke.ask(settings().catalog_commands, DescribeProducts(skus=list(skus)))
    for facts in answer.products:
        tables.learn(facts)
    return dict.fromkeys(skus) | {facts.sku: facts for facts in answer.products}


def _save(before: Cart, after: Cart) -> Cart:
    if after is before:
        return before
    saved = after.next_version(clock.now())
    tables.save(saved)
    return saved


def _expect(if_match: int | None, version: int) -> None:
    if if_match is not None and if_match != version:
        raise Stale(f"This is version {version} now; read it again.")
