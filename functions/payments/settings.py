"""The environment that payments' functions need."""

from typing import Literal

from shared.runtime.settings import Settings


class PaymentsSettings(Settings):
    """Names and ARNs; secrets are read from Secrets Manager, never from here.

    `payments_stripe_url` is empty for Stripe itself. `payments_capture`: whether money comes in as the card
    agrees, or as goods leave; each payment keeps what it was opened with.
    """

    payments_table: str
    payments_idempotency_table: str
    payments_inbox_table: str
    payments_topic_arn: str
    payments_stripe_queue_url: str
    payments_stripe_secret_arn: str
    payments_webhook_secret_arn: str
    payments_cursor_secret_arn: str
    payments_stripe_url: str = ""
    payments_capture: Literal["automatic", "manual"] = "automatic"
    orders_commands: str


settings = PaymentsSettings.load
