"""Methods that no service declares: preflight requests, and all others."""

import pytest

from root.app import api
from shared.runtime.settings import CommonSettings
from tests.support import Context, gateway_event

SHOP = "https://shop.example"


def request(method, path, origin=None):
    event = gateway_event(api, "GET", "/health", headers={"Origin": origin} if origin else {})
    event["httpMethod"] = method
    event["requestContext"]["resourcePath"] = path
    return api(event, Context())


@pytest.fixture
def only_the_shop_is_allowed(monkeypatch):
    settings = CommonSettings.load().model_copy(update={"allowed_origins": SHOP})
    monkeypatch.setattr(CommonSettings, "load", lambda: settings)


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
def test_an_allowed_origin_may_read_the_response(method, only_the_shop_is_allowed):
    headers = request(method, "/products", SHOP)["headers"]
    assert headers["Access-Control-Allow-Origin"] == SHOP
    assert {"Allow", "Retry-After", "X-Request-Id"} <= {*headers["Access-Control-Expose-Headers"].split(", ")}
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
@pytest.mark.parametrize("origin", ["https://elsewhere.example", None])
def test_another_origin_may_not_read_the_response(method, origin, only_the_shop_is_allowed):
    assert "Access-Control-Allow-Origin" not in request(method, "/products", origin)["headers"]


def test_a_method_that_is_not_declared_gets_405_with_the_allowed_ones():
    response = request("PATCH", "/products")
    assert (response["statusCode"], response["headers"]["Allow"]) == (405, "GET, POST")
    assert response["headers"]["Content-Type"] == "application/problem+json"


def test_a_preflight_request_gets_the_methods_of_the_path():
    response = request("OPTIONS", "/cart/items/{sku}", SHOP)
    assert response["statusCode"] == 204
    assert {"PUT", "DELETE"} <= {*response["headers"]["Access-Control-Allow-Methods"].split(", ")}
    assert "Idempotency-Key" in response["headers"]["Access-Control-Allow-Headers"]
