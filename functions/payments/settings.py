"""The environment variables of payments."""

from typing import Literal

from shared.runtime.settings import Settings


class PaymentsSettings(Settings):
    """Names, URLs and ARNs; the secrets themselves are in Secrets Manager.

    `payments_stripe_url` is empty for Stripe itself. `payments_capture` is the capture method of new
    payments: at once, or on shipment.
    """

    payments_table: str
    payments_idempotency_table: str
    payments_inbox_table: str
    payments_topic_arn: str
    payments_queue_url: str
    payments_stripe_queue_url: str
    payments_stripe_secret_arn: str
    payments_webhook_secret_arn: str
    payments_cursor_secret_arn: str
    payments_stripe_url: str = ""
    payments_capture: Literal["automatic", "manual"] = "automatic"
    orders_commands: str


settings = PaymentsSettings.load
