"""The required environment variables of the catalog."""

from shared.runtime.settings import Settings


class CatalogSettings(Settings):
    catalog_table: str
    catalog_idempotency_table: str
    catalog_topic_arn: str
    catalog_cursor_secret_arn: str


settings = CatalogSettings.load
