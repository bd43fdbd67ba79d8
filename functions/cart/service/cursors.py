"""The signed cursors of cart's lists."""

from cart.service import quoting
from shared.http.paging import Cursors

# Quotes and cursors share a key; their audiences differ, so neither is accepted as the other.
cursors = Cursors(quoting.signing_key)
