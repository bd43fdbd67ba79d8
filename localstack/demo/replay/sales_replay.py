"""The replay of the sales: customers in parallel, the sales of one customer in sequence."""

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


class SalesReplay:
    """Replays sales. `orders` are keyed by the file's invoice number, `shoppers` by its customer id."""

    def __init__(self, cloud: Cloud, sales: Sequence[Sale]) -> None:
        self.cloud, self.sales = cloud, sales
        self.url = cloud.api_url()
        self.staff = Shop.of(cloud, "staff")
        self.catalog = Catalog(self.staff)
        self.run_id = uuid4().hex[:6]
        self.began = datetime.now(UTC)
        self.orders: dict[str, Any] = {}
        self.shoppers: dict[str, Shopper] = {}
        # Prices are shared, so no other customer may set one between a price change and its order.
        self.price_lock = threading.Lock()

    def run(self) -> None:
        """Replay all sales and wait until every order is paid. Raises LocalCloudError."""
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
            self.orders[sale.invoice] = self.shoppers[sale.customer].wait_for_order(order_id, "paid", 120)

    def _customer(self, sales: list[Sale], progress: Progress) -> None:
        email = f"customer-{sales[0].customer}.{self.run_id}@retail.example"
        shopper = Shopper.register(self.cloud, self.url, email, f"Customer {sales[0].customer}")
        self.shoppers[sales[0].customer] = shopper
        for sale in sales:
            for sku, quantity in sale.quantities.items():
                shopper.add(sku, quantity)
            with self.price_lock:
                self.catalog.price(sale.prices)
                self.orders[sale.invoice] = shopper.order(self._quote(shopper, sale))
            intent = shopper.pay(self.orders[sale.invoice])
            if intent.get("status") != "succeeded":
                raise LocalCloudError(f"invoice {sale.invoice} was not paid; Stripe returned {intent}")
            # The cart drops the lines when it handles order.placed; the next sale needs an empty cart.
            until(lambda: self._empty(shopper), f"the cart of {shopper.email} to be empty")
            progress.step()

    def _quote(self, shopper: Shopper, sale: Sale) -> Any:
        """Return a quote at the invoice's prices, which reach the cart's replica after a moment."""
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
