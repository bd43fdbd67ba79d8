"""The environment variables of cart."""

from shared.runtime.settings import Settings


class CartSettings(Settings):
    cart_table: str
    cart_idempotency_table: str
    cart_quote_secret_arn: str
    cart_currency: str = "GBP"
    catalog_commands: str
    users_commands: str


settings = CartSettings.load
