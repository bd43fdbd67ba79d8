"""Ids longer than DynamoDB's keys are not found.

DynamoDB rejects such keys and moto accepts them, so the `cloud` fixture fails if one is sent.
"""

import pytest

from catalog.app.api import api
from tests.catalog.catalog_driver import body, send, variant
from tests.support import call, idempotency_headers, staff

LONG = "s" * 3_000
ADJUSTMENT = {"delta": 1, "reason": "found in the stockroom"}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("method", "path", "request_body"),
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
def test_a_resource_with_a_too_long_id_is_not_found(method, path, request_body):
    headers = idempotency_headers() if method == "POST" else {}
    response = call(api, method, path, body=request_body, caller=staff(), headers=headers)
    assert (response.status, response.json["type"]) == (404, "/problems/not-found")


@pytest.mark.usefixtures("cloud")
def test_a_sku_that_is_too_long_is_not_described():
    assert send("describe", skus=[LONG])["output"] == {"products": []}
