"""The environment variables of orders."""

from shared.runtime.settings import Settings


class OrdersSettings(Settings):
    """`orders_payment_minutes`: how long an unpaid order reserves stock. `orders_return_days`: how long after
    delivery returns are accepted. `orders_invoices`: the function that serves invoices (API only)."""

    orders_table: str
    orders_idempotency_table: str
    orders_counters_table: str
    orders_topic_arn: str
    orders_cursor_secret_arn: str
    cart_quote_secret_arn: str
    cart_commands: str
    catalog_commands: str
    orders_invoices: str = ""
    orders_payment_minutes: int = 30  # minutes; an unpaid order reserves stock that others could buy
    orders_return_days: int = 30  # days from delivery; the law of the EU requires at least 14


settings = OrdersSettings.load
