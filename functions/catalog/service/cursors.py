"""The signed cursors of the catalog's listings."""

from catalog.settings import settings
from shared.http.paging import Cursors
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().catalog_cursor_secret_arn)["key"])
