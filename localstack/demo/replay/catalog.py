"""The products of the replayed sales: one per SKU, with prices that follow the invoices."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localstack.cloud.shop import Shop
from localstack.demo.replay.progress import Progress
from localstack.demo.replay.sales import Sale

SPARE_STOCK = 1_000  # pieces per SKU beyond the quantity sold, because the replay does not test shortages
AT_ONCE = 4


class Catalog:
    """Creates and reprices products as staff. `products` holds the API's last response by SKU."""

    def __init__(self, staff: Shop) -> None:
        self.staff = staff
        self.products: dict[str, Any] = {}

    def load(self, sales: Sequence[Sale]) -> None:
        """Create every product that is sold and set its stock; idempotency keys make a repeat safe."""
        wanted: Counter[str] = Counter()
        first: dict[str, tuple[str, int]] = {}
        for sale in sales:
            wanted.update(sale.quantities)
            for sku in sale.quantities:
                first.setdefault(sku, (sale.titles[sku], sale.prices[sku]))
        self.staff.call(
            "POST", "/categories", {"name": "Wholesale"}, Idempotency_Key="replay-category-wholesale"
        )
        jobs = [(sku, *first[sku]) for sku in sorted(first)]
        progress = Progress("stocking", len(jobs))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for sku, product in pool.map(lambda job: self._create(*job), jobs):
                self.products[sku] = product
                progress.step()
            list(pool.map(lambda sku: self._stock(sku, wanted[sku]), self.products))
        progress.end()

    def price(self, prices: dict[str, int]) -> None:
        """Change the prices that differ from these."""
        for sku, pence in prices.items():
            if self._current(sku) != pence:
                product = self.products[sku]
                body = _product(sku, product["title"], pence)
                self.products[sku] = self.staff.expect(
                    200, "PUT", f"/products/{product['product_id']}", body, If_Match=f'"{product["version"]}"'
                )

    def _current(self, sku: str) -> int:
        return int(self.products[sku]["variants"][0]["price"]["amount"])

    def _create(self, sku: str, title: str, pence: int) -> tuple[str, Any]:
        body = _product(sku, title, pence)
        created = self.staff.expect(201, "POST", "/products", body, Idempotency_Key=f"replay-product-{sku}")
        return sku, self.staff.expect(200, "GET", f"/products/{created['product_id']}")

    def _stock(self, sku: str, wanted: int) -> None:
        self.staff.expect(200, "PUT", f"/stock/{sku}", {"on_hand": wanted + SPARE_STOCK})


def _product(sku: str, title: str, pence: int) -> dict[str, Any]:
    price = {"amount": pence, "currency": "GBP"}
    return {
        "title": title,
        "category_ids": ["wholesale"],
        "status": "active",
        "variants": [{"sku": sku, "price": price}],
    }
