"""CatalogRelay: publishes the events that follow from the table's stream, and updates the listings."""

from catalog.relay import make_relay
from catalog.settings import settings
from shared import finish_init

relay = make_relay(settings().catalog_topic_arn)
finish_init()
