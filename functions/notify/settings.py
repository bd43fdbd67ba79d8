"""The environment notify needs."""

from shared.settings import Settings


class NotifySettings(Settings):
    """`notify_sender` is a mailbox, `Name <address>`, whose domain SES has verified; `orders_invoices` the
    function that is asked for invoices."""

    notify_table: str
    notify_sender: str
    orders_invoices: str
    notify_reply_to: str = "help@tillstack.example"
    notify_shop_url: str = "https://shop.tillstack.example"


settings = NotifySettings.load
