"""Invalid input: each request returns a clear problem over HTTP and changes nothing."""

import base64
import json
import time
from uuid import uuid4

import pytest

from localstack.cloud.shop import Shop


def _segment(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"sku": "NO-SUCH-SKU", "quantity": 1}, 404),
        ({"sku": "COF-DECAF-250", "quantity": -1}, 422),
        ({"sku": "COF-DECAF-250", "quantity": 0}, 422),
        ({"sku": "COF-DECAF-250", "quantity": 10**12}, 422),
        ({"sku": "COF-DECAF-250", "quantity": "1"}, 422),
        ({"sku": "COF-DECAF-250", "quantity": 1.5}, 422),
        ({"sku": "COF-DECAF-250", "quantity": None}, 422),
        ({"sku": "COF-DECAF-250", "quantity": 1, "price": 1}, 422),
        ({"sku": ["COF-DECAF-250"], "quantity": 1}, 422),
        ({"sku": "a b", "quantity": 1}, 422),
        ({"quantity": 1}, 422),
        ([], 422),
        ("text", 422),
    ],
)
def test_an_invalid_line_is_rejected_and_the_cart_is_unchanged(guest, body, status):
    answer = guest.shop.call("POST", "/cart/items", body)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.body["request_id"] == answer.headers["x-request-id"]
    assert status != 422 or answer.body["errors"]
    assert guest.shop.expect(200, "GET", "/cart")["item_count"] == 0


def test_malformed_and_oversized_bodies_are_rejected(url, guest):
    import urllib.error
    import urllib.request

    def post(data, content_type="application/json"):
        request = urllib.request.Request(f"{url}/cart/items", data, method="POST")
        request.add_header("Authorization", f"Bearer {guest.shop.token}")
        request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert post(b'{"sku": ') == 400
    assert post(b"\xff\xfe") == 400
    assert post(b'{"sku": "X", "quantity": 1, "note": "' + b"x" * 2_000_000 + b'"}') == 413
    assert post(b"sku=X", "application/x-www-form-urlencoded") == 415


def test_forged_truncated_and_expired_tokens_are_rejected(local, url, shopper):
    buyer = shopper()
    token = buyer.shop.token
    header, payload, signature = token.split(".")
    claims = _claims(token)
    none = f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{payload}."
    elevated = _segment(claims | {"roles": ["admin"]})
    other = shopper().shop.token.split(".")
    for forged in (
        "nonsense",
        none,
        f"{header}.{elevated}.{signature}",
        f"{header}.{payload}.{other[2]}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}",
    ):
        answer = Shop(url, forged).call("GET", "/cart")
        assert answer.status == 401, forged[:40]
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.body["status"] == 401
    assert Shop(url).call("GET", "/cart").status == 401
    assert Shop(url, _signed(local, token, exp=int(time.time()) - 1)).call("GET", "/cart").status == 401
    assert Shop(url, _signed(local, token, aud="another-shop")).call("GET", "/cart").status == 401
    assert Shop(url, token).call("GET", "/cart").status == 200


def _signed(local, token, **changed):
    """Return a token that the shop's key signed, with claims that the shop would not issue."""
    import hashlib

    header, _, _ = token.split(".")
    content = f"{header}.{_segment(_claims(token) | changed)}"
    aliases = local.client("kms").list_aliases()["Aliases"]
    (key,) = [entry["TargetKeyId"] for entry in aliases if entry["AliasName"].endswith("-tokens")]
    der = local.client("kms").sign(
        KeyId=key,
        Message=hashlib.sha256(content.encode()).digest(),
        MessageType="DIGEST",
        SigningAlgorithm="ECDSA_SHA_256",
    )["Signature"]
    length = der[3]
    r, s = der[4 : 4 + length], der[6 + length :]
    raw = b"".join(int.from_bytes(part, "big").to_bytes(32, "big") for part in (r, s))
    return f"{content}.{_segment(raw)}"


def test_a_valid_token_signed_by_the_helper_is_accepted(local, url, shopper):
    """Show that the tokens above are rejected because of their claims, not because of the helper."""
    token = shopper().shop.token
    assert Shop(url, _signed(local, token, exp=int(time.time()) + 60)).call("GET", "/cart").status == 200


def test_routes_require_their_roles(staff, guest, shopper):
    product = {"title": "Mine", "variants": []}
    assert guest.shop.call("POST", "/products", product).status == 403
    assert shopper().shop.call("POST", "/products", product).status == 403
    assert guest.shop.call("GET", "/users/me").status == 403
    assert shopper().shop.call("GET", "/stock/COF-DECAF-250").status == 403


def test_orders_of_other_shoppers_are_not_found(shopper, place_order, anonymous, guest):
    owner, other = shopper(), shopper()
    placed = place_order(owner)
    payment = owner.payment(placed)
    for reader in (other.shop, guest.shop):
        assert reader.call("GET", f"/orders/{placed['order_id']}").status == 404
        assert reader.call("GET", f"/orders/{placed['order_id']}/timeline").status == 404
        cancel = reader.call("POST", f"/orders/{placed['order_id']}/cancel", Idempotency_Key=str(uuid4()))
        assert cancel.status == 404
        body = {"order_id": placed["order_id"]}
        assert reader.call("POST", "/payments", body, Idempotency_Key=str(uuid4())).status == 404
        assert reader.call("GET", f"/payments/{payment['payment_id']}").status == 404
    assert owner.shop.expect(200, "GET", f"/orders/{placed['order_id']}")["status"] == "awaiting_payment"


def test_a_quote_of_another_shopper_or_a_changed_quote_is_rejected(shopper, create_product):
    owner, other = shopper(), shopper()
    owner.add(create_product(), 1)
    token = owner.quote()["quote_token"]
    body = {"quote_token": token}
    assert other.shop.call("POST", "/orders", body, Idempotency_Key=str(uuid4())).status == 422
    header, _, signature = token.split(".")
    quote = _claims(token)
    quote["quote"]["total"]["amount"] = 1
    forged = {"quote_token": f"{header}.{_segment(quote)}.{signature}"}
    assert owner.shop.call("POST", "/orders", forged, Idempotency_Key=str(uuid4())).status == 422
    assert owner.shop.call("POST", "/orders", body).status == 400, "the Idempotency-Key is required"


def test_an_invalid_cursor_is_rejected(shopper):
    assert shopper().shop.call("GET", "/orders?cursor=bm90IG91cnM").status == 400


def test_email_addresses_of_accounts_ignore_case(shopper, anonymous):
    buyer = shopper()
    body = {"email": buyer.email.upper(), "password": "a long enough passphrase", "name": "Twin"}
    answer = anonymous.call("POST", "/users/register", body)
    assert (answer.status, answer.body["type"]) == (409, "/problems/email-taken")
    weak = {"email": f"x{uuid4().hex[:8]}@example.com", "password": "short", "name": "Weak"}
    assert anonymous.call("POST", "/users/register", weak).status == 422
