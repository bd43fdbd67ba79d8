"""The rows and index partitions that many orders write, so that one partition's throughput limits them."""

from typing import NamedTuple

SHARDS = 8  # partitions; `SHARDS` of orders and of payments
ORDERS_PER_BATCH = 25  # orders; `invoices.MAX_ORDERS`: one transaction numbers the invoices of so many
EXAMINED = 2_000  # rows; `pages.MAX_EXAMINED`: a search that finds little reads so many
PAGE = 20  # products; the default of GET /products


class Partition(NamedTuple):
    """A row or partition: the table or index, a pattern of its key, and what it means.

    The work is spread over `shards` partitions, and one write serves up to `orders` orders.
    """

    name: str
    place: str
    key: str
    shards: int = 1
    orders: int = 1


PARTITIONS = (
    Partition("one SKU", "catalog", r"product#[^/]+/sku#A"),
    Partition("one SKU's replica in carts", "carts", r"product#A"),
    Partition("the list of products", "catalog", r"listing#all/.*"),
    Partition("the list of products by price", "catalog/by-price", r"all|listing#all"),
    Partition("invoice numbers", "orders-counters", r"invoices#\d+", orders=ORDERS_PER_BATCH),
    Partition("orders by shard", "orders/by-placed", r"\d+", shards=SHARDS),
    Partition("orders by deadline", "orders/by-deadline", r"\d+", shards=SHARDS),
    Partition("orders by status", "orders/by-status", r"\w+#\d+", shards=SHARDS),
    Partition("payments by due time", "payments/by-due", r"\d+", shards=SHARDS),
    Partition("Stripe's events by status", "stripe-events/by-status", r".*"),
)
