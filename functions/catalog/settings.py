"""The environment that catalog needs."""

from shared.settings import Settings


class CatalogSettings(Settings):
    catalog_table: str
    catalog_once_table: str
    catalog_topic_arn: str
    catalog_cursor_secret_arn: str


settings = CatalogSettings.load
