"""The cursors of the catalog's lists."""

from catalog.settings import settings
from shared.paging import Cursors
from shared.secrets import secret

cursors = Cursors(lambda: secret(settings().catalog_cursor_secret_arn)["key"])
