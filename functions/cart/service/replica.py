"""What the cart knows of products: by hearsay, by asking, and all of it anew."""

from collections.abc import Collection
from datetime import timedelta

from cart.settings import settings
from cart.tables import products
from shared.contracts.commands import DescribeProducts, ListProducts, RebuildProgress
from shared.contracts.events import ProductData
from shared.messaging import rpc
from shared.runtime import clock
from shared.runtime.observability import log

# The function has 29 s: what is left is for the page that is being learnt when the time is up.
REBUILDING = timedelta(seconds=20)
OWN = "own"  # in `after`: the catalog's pages are done, the replica's own rows are looked at


def learn(facts: ProductData) -> None:
    """Keep what the catalog says of a product; late and repeated news change nothing."""
    products.learn(facts)


def ask_catalog(skus: Collection[str]) -> dict[str, ProductData | None]:
    """What the catalog knows now, None where it knows nothing; kept in the replica. Raises Unavailable."""
    answer = rpc.call(settings().catalog_commands, DescribeProducts(skus=list(skus)))
    for facts in answer.products:
        products.learn(facts)
    return dict.fromkeys(skus) | {facts.sku: facts for facts in answer.products}


def rebuild(after: dict[str, str] | None) -> RebuildProgress:
    """Learn every product of the catalog anew, then find out what it has no more.

    From where `after` says, for 20 s at most. News that come meanwhile lose nothing: what is newer stays.
    Raises Unavailable.
    """
    until = clock.now() + REBUILDING
    processed = 0
    while True:
        if after is None or OWN not in after:
            page = rpc.call(settings().catalog_commands, ListProducts(after=after))
            for facts in page.products:
                products.learn(facts, anew=True)
            processed += len(page.products)
            after = page.after or {OWN: ""}
        else:
            last = _doubt(after[OWN])
            after = {OWN: last} if last else None
        if after is None or clock.now() >= until:
            log.info("rebuilt", extra={"processed": processed, "done": after is None})
            return RebuildProgress(processed=processed, after=after)


def _doubt(after: str) -> str | None:
    """Ask of some products whether the catalog has them still; the key to go on after."""
    held, last = products.page_of_those_on_sale(after)
    answers = ask_catalog([facts.sku for facts in held]) if held else {}
    for facts in held:
        if answers[facts.sku] is None:
            products.learn(facts.model_copy(update={"active": False, "available": 0}), anew=True)
    return last
