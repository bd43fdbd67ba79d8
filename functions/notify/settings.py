"""The environment notify needs."""

from typing import Literal

from shared.runtime.settings import Settings


class NotifySettings(Settings):
    """`notify_sender` is a mailbox, `Name <address>`, whose domain SES has verified; `orders_invoices` the
    function that is asked for invoices; `notify_api_url` where readers reach the API, no slash at its end.

    Empty are `notify_configuration_set` where SES is not to tell what becomes of mails, `notify_sms_sender`
    where networks show a number of SNS's, `notify_staff` where no staff is written to. `notify_brand_colour`
    is `#rrggbb`; in `notify_brand_address`, the foot of mails, `|` ends a line.
    """

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
    notify_sms_sender: str = ""
    notify_sms_parts: int = 3
    notify_an_hour: int = 20
    notify_declines_a_day: int = 5


settings = NotifySettings.load
