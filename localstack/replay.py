"""Real sales through the deployed shop, then an audit from outside: over the API and Stripe's."""

import csv
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from localstack import cards
from localstack.cloud import Cloud, Trouble
from localstack.mailbox import mails
from localstack.shop import Shop
from localstack.shopper import Shopper, until

SALES = Path(__file__).parent / "data" / "online-retail" / "sales.csv"
COUNTRIES = {"United Kingdom": "GB", "France": "FR", "Australia": "AU", "Netherlands": "NL"}
METHOD = "wholesale"
SPARE = 1_000  # pieces of each SKU beyond what is sold: the replay proves exactness, not scarcity
SHOPPERS_AT_ONCE = 4


@dataclass
class Sale:
    """One invoice: what one customer bought at once. Prices in pence; lines of one SKU are one line."""

    invoice: str
    customer: str
    country: str
    titles: dict[str, str] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    quantities: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.prices[sku] * quantity for sku, quantity in self.quantities.items())


def clean_sales() -> list[Sale]:
    """The invoices with a customer and every quantity and price above zero, in the file's order."""
    sales: dict[str, Sale] = {}
    unclean = set()
    with SALES.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            invoice, sku = row["InvoiceNo"], row["StockCode"]
            pence, quantity = round(float(row["UnitPrice"]) * 100), int(row["Quantity"])
            if invoice.startswith("C") or not row["CustomerID"] or quantity <= 0 or pence <= 0:
                unclean.add(invoice)
            sale = sales.setdefault(
                invoice, Sale(invoice, row["CustomerID"], COUNTRIES.get(row["Country"], "GB"))
            )
            sale.titles[sku] = row["Description"].strip()
            sale.prices[sku] = pence
            sale.quantities[sku] += quantity
    return [sale for invoice, sale in sales.items() if invoice not in unclean]


class Catalog:
    """The goods of the sales as the shop has them, one product a SKU; prices follow the invoices."""

    def __init__(self, staff: Shop) -> None:
        self.staff = staff
        self.products: dict[str, Any] = {}

    def load(self, sales: list[Sale]) -> None:
        """Make every product that is sold (again: the same ones, by their keys) and stock it."""
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
        with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool:
            for sku, product in pool.map(lambda job: self._make(*job), jobs):
                self.products[sku] = product
                progress.step()
            list(pool.map(lambda sku: self._stock(sku, wanted[sku]), self.products))
        progress.end()

    def price(self, prices: dict[str, int]) -> None:
        """Staff make these the current prices, where they are not."""
        for sku, pence in prices.items():
            if self._current(sku) != pence:
                product = self.products[sku]
                body = _product(sku, product["title"], pence)
                self.products[sku] = self.staff.expect(
                    200, "PUT", f"/products/{product['product_id']}", body, If_Match=f'"{product["version"]}"'
                )

    def _current(self, sku: str) -> int:
        return int(self.products[sku]["variants"][0]["price"]["amount"])

    def _make(self, sku: str, title: str, pence: int) -> tuple[str, Any]:
        body = _product(sku, title, pence)
        made = self.staff.expect(201, "POST", "/products", body, Idempotency_Key=f"replay-product-{sku}")
        return sku, self.staff.expect(200, "GET", f"/products/{made['product_id']}")

    def _stock(self, sku: str, wanted: int) -> None:
        self.staff.expect(200, "PUT", f"/stock/{sku}", {"on_hand": wanted + SPARE})


def _product(sku: str, title: str, pence: int) -> dict[str, Any]:
    price = {"amount": pence, "currency": "GBP"}
    return {
        "title": title,
        "category_ids": ["wholesale"],
        "status": "active",
        "variants": [{"sku": sku, "price": price}],
    }


class Progress:
    """A bar on the terminal; where there is none, a line now and then."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0
        self.began = time.monotonic()
        self.lock = threading.Lock()

    def step(self) -> None:
        with self.lock:
            self.done += 1
            if sys.stdout.isatty():
                full = 40 * self.done // self.total
                sys.stdout.write(f"\r{self.what:<10} [{'#' * full:<40}] {self.done}/{self.total}")
                sys.stdout.flush()
            elif self.done % max(1, self.total // 10) == 0:
                print(f"{self.what} {self.done}/{self.total}", flush=True)

    def end(self) -> None:
        print(
            f"{chr(10) if sys.stdout.isatty() else ''}{self.what} took {time.monotonic() - self.began:.1f} s"
        )


class Replay:
    """The sales, each by its customer's account; customers at the same time, one customer's sales in turn."""

    def __init__(self, cloud: Cloud, sales: list[Sale]) -> None:
        self.cloud, self.sales = cloud, sales
        self.url = cloud.api_url()
        self.staff = Shop.of(cloud, "staff")
        self.catalog = Catalog(self.staff)
        self.run = uuid4().hex[:6]
        self.orders: dict[str, Any] = {}
        self.shoppers: dict[str, Shopper] = {}
        # Between the price that staff set and the order that is placed at it nobody else may set one.
        self.till = threading.Lock()

    def play(self) -> None:
        by_customer: dict[str, list[Sale]] = defaultdict(list)
        for sale in self.sales:
            by_customer[sale.customer].append(sale)
        progress = Progress("selling", len(self.sales))
        with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool:
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
                raise Trouble(f"invoice {sale.invoice}: Stripe answered {intent}")
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


def run(cloud: Cloud, count: int) -> bool:
    """Replay the first `count` clean sales and audit them; whether every figure is right."""
    sales = clean_sales()[:count]
    replay = Replay(cloud, sales)
    tax = replay.staff.expect(200, "GET", "/tax-rates/GB")
    replay.staff.expect(200, "PUT", "/tax-rates/GB", {"rate_bp": 0, "inclusive": tax["inclusive"]})
    free = {"amount": 0, "currency": "GBP"}
    method = {
        "name": "Wholesale, free",
        "countries": sorted(set(COUNTRIES.values())),
        "rates": [{"min_subtotal": free, "price": free}],
    }
    replay.staff.expect(200, "PUT", f"/shipping-methods/{METHOD}", method)
    try:
        replay.catalog.load(sales)
        before = _stock(replay.staff, replay.catalog.products)
        replay.play()
        return audit(replay, before)
    finally:
        restored = {"rate_bp": tax["rate_bp"], "inclusive": tax["inclusive"]}
        replay.staff.expect(200, "PUT", "/tax-rates/GB", restored)


def audit(replay: Replay, before: dict[str, Any]) -> bool:
    """Every figure from outside, expected beside found; whether all agree."""
    sales = replay.sales
    expected = sum(sale.total for sale in sales)
    orders = _orders_of(replay)
    intents = {
        intent["metadata"]["order_id"]: intent
        for intent in cards.payment_intents(replay.cloud)
        if intent["metadata"].get("order_id") in orders
    }
    sold: Counter[str] = Counter()
    for sale in sales:
        sold.update(sale.quantities)
    after = until(lambda: _settled(replay, before), "the last stock to be committed")
    fallen = {sku: before[sku]["on_hand"] - after[sku]["on_hand"] for sku in before}
    post = until(lambda: _post(replay), "the last mail", 60)
    by_customer = Counter(sale.customer for sale in sales)

    figures: list[tuple[str, Any, Any]] = [
        ("orders", len(sales), len(orders)),
        ("orders that are paid", len(sales), sum(order["status"] == "paid" for order in orders.values())),
        ("sum of the orders' totals, pence", expected, sum(o["total"]["amount"] for o in orders.values())),
        (
            "PaymentIntents that succeeded",
            len(sales),
            sum(i["status"] == "succeeded" for i in intents.values()),
        ),
        ("sum that Stripe received, pence", expected, sum(i["amount_received"] for i in intents.values())),
        (
            "orders whose payment is its total",
            len(sales),
            sum(order["total"]["amount"] == intents[key]["amount_received"] for key, order in orders.items()),
        ),
        ("SKUs", len(sold), len(fallen)),
        ("pieces sold", sum(sold.values()), sum(fallen.values())),
        ("SKUs whose stock fell by what was sold", len(sold), sum(fallen[sku] == sold[sku] for sku in sold)),
        ("pieces still reserved", 0, sum(entry["reserved"] for entry in after.values())),
        ("welcomes", len(by_customer), sum(entry["welcome"] for entry in post.values())),
        ("confirmations", len(sales), sum(entry["confirmation"] for entry in post.values())),
        ("other mails", 0, sum(entry["other"] for entry in post.values())),
        (
            "customers with each mail once",
            len(by_customer),
            sum(
                post[customer] == {"welcome": 1, "confirmation": count, "other": 0}
                for customer, count in by_customer.items()
            ),
        ),
    ]
    print(f"\n{'audit':<42}{'expected':>14}{'found':>14}")
    for name, wanted, found in figures:
        print(f"{name:<42}{wanted:>14,}{found:>14,}   {'ok' if wanted == found else 'WRONG'}")
    clean = all(wanted == found for _, wanted, found in figures)
    print("\nThe audit is clean." if clean else "\nThe audit found differences.")
    return clean


def _orders_of(replay: Replay) -> dict[str, Any]:
    """Every order of the run's customers, page by page: also one that nobody meant to place would show."""
    found: dict[str, Any] = {}
    for shopper in replay.shoppers.values():
        cursor = ""
        while cursor is not None:
            path = f"/orders?limit=100{f'&cursor={cursor}' if cursor else ''}"
            page = shopper.shop.expect(200, "GET", path)
            found |= {order["order_id"]: order for order in page["items"]}
            cursor = page["next_cursor"]
    return found


def _stock(staff: Shop, skus: Iterable[str]) -> dict[str, Any]:
    with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool:
        names = list(skus)
        return dict(
            zip(names, pool.map(lambda sku: staff.expect(200, "GET", f"/stock/{sku}"), names), strict=True)
        )


def _settled(replay: Replay, before: dict[str, Any]) -> dict[str, Any] | None:
    now = _stock(replay.staff, before)
    return now if not any(entry["reserved"] for entry in now.values()) else None


def _post(replay: Replay) -> dict[str, dict[str, int]] | None:
    """The kinds of mail each customer got, once there are as many as there should be."""
    by_address = {shopper.email: customer for customer, shopper in replay.shoppers.items()}
    post = {customer: {"welcome": 0, "confirmation": 0, "other": 0} for customer in replay.shoppers}
    for mail in mails(replay.cloud):
        if mail.to in by_address:
            subject = mail.subject.lower()
            kind = "welcome" if "welcome" in subject else "confirmation" if "confirm" in subject else "other"
            post[by_address[mail.to]][kind] += 1
    wanted = len(replay.shoppers) + len(replay.sales)
    return post if sum(sum(kinds.values()) for kinds in post.values()) >= wanted else None
