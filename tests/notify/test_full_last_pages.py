"""Lists of notifications whose last page is full."""

import pytest

from notify.app.api import api
from notify.app.consume import consume
from tests.notify.event_data import declined
from tests.support import call, customer, deliver, staff


@pytest.mark.parametrize("limit", [1, 2, 4])
@pytest.mark.parametrize("whose", ["own", "recipient"])
def test_a_full_last_page_has_no_next_cursor(cloud: None, whose: str, limit: int) -> None:
    assert deliver(consume, *(declined(version) for version in range(2, 6))) == []
    query, caller = ("", customer()) if whose == "own" else ("&recipient=ada@example.com", staff())
    sizes, cursor = [], ""
    while cursor is not None:
        path = f"/notifications?limit={limit}{query}" + (cursor and f"&cursor={cursor}")
        page = call(api, "GET", path, caller=caller).json
        sizes.append(len(page["items"]))
        cursor = page["next_cursor"]
    assert sizes == [limit] * (4 // limit)
