"""What the audit reads: orders, payments at Stripe, stock, invoices and emails."""

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
from localstack.demo.replay.sales_replay import SalesReplay
from localstack.mail import mailbox
from localstack.mail.sent import kinds_of

Seen = TypeVar("Seen")


def orders_of(sales_run: SalesReplay) -> dict[str, Any]:
    """Return every order of the run's customers by id, including any unexpected one."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = pool.map(lambda shopper: list(listed(shopper.shop, "/orders")), sales_run.shoppers.values())
        return {order["order_id"]: order for page in pages for order in page}


def orders_during(sales_run: SalesReplay) -> Iterator[Any]:
    """Return all customers' orders that may have been invoiced during the run.

    An order has half an hour to be paid, so they start one hour before the run.
    """
    since = (sales_run.began - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return listed(sales_run.staff, f"/admin/orders?from={quote(since)}")


def listed(shop: Shop, path: str) -> Iterator[Any]:
    """Return all items of a list of the API."""
    cursor = ""
    while cursor is not None:
        url = f"{path}{'&' if '?' in path else '?'}limit=100{f'&cursor={cursor}' if cursor else ''}"
        page = shop.expect(200, "GET", url)
        yield from page["items"]
        cursor = page["next_cursor"]


def at_stripe(cloud: Cloud, kind: str) -> Iterator[dict[str, Any]]:
    """Return all of Stripe's `payment_intents` or `refunds`, newest first."""
    page: dict[str, Any] = {"has_more": True, "data": []}
    while page["has_more"]:
        after = f"&starting_after={page['data'][-1]['id']}" if page["data"] else ""
        page = stripe(cloud, "GET", f"/v1/{kind}?limit=100{after}")
        yield from page["data"]


def stock(staff: Shop, skus: Iterable[str]) -> dict[str, Any]:
    """Return the stock objects by SKU."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = list(skus)
        return dict(
            zip(names, pool.map(lambda sku: staff.expect(200, "GET", f"/stock/{sku}"), names), strict=True)
        )


def emails(sales_run: SalesReplay) -> dict[str, Counter[str]]:
    """Return, by customer, how often each kind of email was received."""
    by_address = {shopper.email: customer for customer, shopper in sales_run.shoppers.items()}
    found: dict[str, Counter[str]] = {customer: Counter() for customer in sales_run.shoppers}
    for mail in mailbox.emails(sales_run.cloud):
        if mail.to in by_address:
            found[by_address[mail.to]].update(kinds_of(mail))
    return found


def wait_for(look: Callable[[], Seen], enough: Callable[[Seen], bool]) -> Seen:
    """Return what `look` sees once `enough` accepts it, or what it sees after a minute."""
    end = time.monotonic() + 60
    while not enough(seen := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return seen
