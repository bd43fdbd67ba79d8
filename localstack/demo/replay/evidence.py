"""What there is to see from outside: orders, money at Stripe, stock, invoices, mails."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from localstack.cloud.local_cloud import Cloud
from localstack.cloud.shop import Shop
from localstack.demo.cards import stripe
from localstack.demo.replay.catalog import AT_ONCE
from localstack.demo.replay.selling import Selling
from localstack.mail.mailbox import mails
from localstack.mail.templates import letter

Seen = TypeVar("Seen")


def orders_of(selling: Selling) -> dict[str, Any]:
    """Every order of the run's customers by id: one that nobody meant to place would show too."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = pool.map(lambda shopper: list(listed(shopper.shop, "/orders")), selling.shoppers.values())
        return {order["order_id"]: order for page in pages for order in page}


def orders_meanwhile(selling: Selling) -> Iterator[Any]:
    """Everybody's orders that may have been invoiced during the run, as staff see them: an order waits half
    an hour for its payment."""
    since = (selling.began - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return listed(selling.staff, f"/admin/orders?from={quote(since)}")


def listed(shop: Shop, path: str) -> Iterator[Any]:
    """A list of the API, page by page."""
    cursor = ""
    while cursor is not None:
        asked = f"{path}{'&' if '?' in path else '?'}limit=100{f'&cursor={cursor}' if cursor else ''}"
        page = shop.expect(200, "GET", asked)
        yield from page["items"]
        cursor = page["next_cursor"]


def at_stripe(cloud: Cloud, what: str) -> Iterator[dict[str, Any]]:
    """All that Stripe holds of `payment_intents` or `refunds`, newest first."""
    page: dict[str, Any] = {"has_more": True, "data": []}
    while page["has_more"]:
        after = f"&starting_after={page['data'][-1]['id']}" if page["data"] else ""
        page = stripe(cloud, "GET", f"/v1/{what}?limit=100{after}")
        yield from page["data"]


def stock(staff: Shop, skus: Iterable[str]) -> dict[str, Any]:
    """On hand, reserved, available, by SKU."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = list(skus)
        return dict(
            zip(names, pool.map(lambda sku: staff.expect(200, "GET", f"/stock/{sku}"), names), strict=True)
        )


def post(selling: Selling) -> dict[str, Counter[str]]:
    """How often each customer got each letter."""
    by_address = {shopper.email: customer for customer, shopper in selling.shoppers.items()}
    found: dict[str, Counter[str]] = {customer: Counter() for customer in selling.shoppers}
    for mail in mails(selling.cloud):
        if mail.to in by_address:
            found[by_address[mail.to]][letter(mail.subject)] += 1
    return found


def awaited(look: Callable[[], Seen], enough: Callable[[Seen], bool]) -> Seen:
    """What `look` sees once it is enough, or, a minute later, all the same: the audit tells."""
    end = time.monotonic() + 60
    while not enough(seen := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return seen
