"""The service's environment variables."""

from typing import Literal

from shared.runtime.settings import Settings


class NotifySettings(Settings):
    """The settings. README.md explains each."""

    notify_table: str
    notify_topic_arn: str
    notify_queue_url: str
    notify_cursor_secret_arn: str
    notify_unsubscribe_secret_arn: str
    notify_sender: str
    orders_invoices: str
    notify_api_url: str = ""
    notify_configuration_set: str = ""
    notify_staff: str = ""
    notify_reply_to: str = "help@tillstack.example"
    notify_shop_url: str = "https://shop.tillstack.example"
    notify_brand_name: str = "Tillstack"
    notify_brand_colour: str = "#1f4d3a"
    notify_brand_address: str = ""
    notify_language: Literal["en", "de"] = "en"
    # seconds that a confirmation waits for the invoice; after a cold start of every function on the way the
    # invoice takes about 6
    notify_invoice_wait: int = 15
    notify_sms_sender: str = ""
    notify_sms_max_segments: int = 3  # segments per text message of staff; each is charged
    notify_max_per_hour: int = 20  # messages to one recipient; a stolen staff account must not flood people
    notify_max_declines_per_day: int = 5  # emails per order; whoever tests cards causes many declines


settings = NotifySettings.load
