"""Keys that are longer than DynamoDB takes, which calls them an error: to us they are absent.

moto reads longer ones; the `cloud` of these tests tells of each.
"""

import pytest

from catalog.app import api
from tests.catalog.catalog_driver import ask, body, variant
from tests.support import call, idempotency_headers, staff

LONG = "s" * 3_000
ADJUSTMENT = {"delta": 1, "reason": "found behind the shelf"}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", f"/stock/{LONG}", None),
        ("GET", f"/stock/{'%F0%9F%98%80' * 600}", None),
        ("PUT", f"/stock/{LONG}", {"on_hand": 1}),
        ("POST", f"/stock/{LONG}/adjustments", ADJUSTMENT),
        ("GET", f"/products/{LONG}", None),
        ("PUT", f"/products/{LONG}", body(variant("RED"))),
        ("DELETE", f"/products/{LONG}", None),
        ("PUT", f"/categories/{LONG}", {"name": "Mugs"}),
        ("DELETE", f"/categories/{LONG}", None),
    ],
)
def test_what_is_called_by_too_long_a_name_is_absent(method, path, sent):
    headers = idempotency_headers() if method == "POST" else {}
    answer = call(api, method, path, body=sent, caller=staff(), headers=headers)
    assert (answer.status, answer.json["type"]) == (404, "/problems/not-found")


@pytest.mark.usefixtures("cloud")
def test_a_sku_that_is_too_long_is_not_known_to_other_services():
    assert ask("describe", skus=[LONG])["output"] == {"products": []}
