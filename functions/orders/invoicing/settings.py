"""The environment variables of invoicing, in addition to those of orders."""

from shared.runtime.settings import Settings


class InvoicingSettings(Settings):
    """`orders_seller_address`: the lines of the address, separated by `|`."""

    orders_invoices_bucket: str
    orders_seller_name: str = "Tillstack Ltd"
    orders_seller_address: str = "1 Example Street|London EC1A 1AA|GB"
    orders_seller_tax_id: str = "GB 000 0000 00"


settings = InvoicingSettings.load
