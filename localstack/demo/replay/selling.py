"""The sales, each by its customer's account; customers at the same time, one customer's sales in turn."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from localstack.cloud.local_cloud import Cloud, LocalCloudError
from localstack.cloud.shop import Shop
from localstack.demo.replay.catalog import AT_ONCE, Catalog
from localstack.demo.replay.progress import Progress
from localstack.demo.replay.sales import Sale
from localstack.demo.shopper import Shopper, until

METHOD = "wholesale"


class Selling:
    """`orders` by the file's invoice, `shoppers` by its customer."""

    def __init__(self, cloud: Cloud, sales: Sequence[Sale]) -> None:
        self.cloud, self.sales = cloud, sales
        self.url = cloud.api_url()
        self.staff = Shop.of(cloud, "staff")
        self.catalog = Catalog(self.staff)
        self.run = uuid4().hex[:6]
        self.began = datetime.now(UTC)
        self.orders: dict[str, Any] = {}
        self.shoppers: dict[str, Shopper] = {}
        # Between the price that staff set and the order that is placed at it nobody else may set one.
        self.till = threading.Lock()

    def play(self) -> None:
        """Sell it all, and see every order paid. Raises LocalCloudError."""
        by_customer: dict[str, list[Sale]] = defaultdict(list)
        for sale in self.sales:
            by_customer[sale.customer].append(sale)
        progress = Progress("selling", len(self.sales))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = [pool.submit(self._customer, sales, progress) for sales in by_customer.values()]
            for job in jobs:
                job.result()
        progress.end()
        for sale in self.sales:
            order_id = self.orders[sale.invoice]["order_id"]
            self.orders[sale.invoice] = self.shoppers[sale.customer].order_when(order_id, "paid", 120)

    def _customer(self, sales: list[Sale], progress: Progress) -> None:
        email = f"customer-{sales[0].customer}.{self.run}@retail.example"
        shopper = Shopper.register(self.cloud, self.url, email, f"Customer {sales[0].customer}")
        self.shoppers[sales[0].customer] = shopper
        for sale in sales:
            for sku, quantity in sale.quantities.items():
                shopper.add(sku, quantity)
            with self.till:
                self.catalog.price(sale.prices)
                self.orders[sale.invoice] = shopper.order(self._quote(shopper, sale))
            intent = shopper.pay(self.orders[sale.invoice])
            if intent.get("status") != "succeeded":
                raise LocalCloudError(f"invoice {sale.invoice}: Stripe answered {intent}")
            # The cart forgets an order's lines when it hears of it; the next sale starts from an empty one.
            until(lambda: self._empty(shopper), f"the cart of {shopper.email} to be empty")
            progress.step()

    def _quote(self, shopper: Shopper, sale: Sale) -> Any:
        """A quote at the invoice's prices: cart hears of a new price a moment after it is set."""
        address = {
            "name": f"Customer {sale.customer}",
            "line1": "1 Wholesale Road",
            "city": "Market Town",
            "postal_code": "MT1 1AA",
            "country": sale.country,
        }

        def look() -> Any:
            quote = shopper.quote(address, METHOD)
            return quote if quote["total"]["amount"] == sale.total else None

        return until(look, f"a quote of {sale.total} pence for invoice {sale.invoice}")

    def _empty(self, shopper: Shopper) -> bool:
        return bool(shopper.shop.expect(200, "GET", "/cart")["item_count"] == 0)
