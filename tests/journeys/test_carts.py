"""Carts: merging a guest's cart, changed prices, and coupons."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from localstack.demo.shopper import until
from tests.journeys.conftest import new_key


def _contents(cart):
    return {item["sku"]: item["quantity"] for item in cart["items"]}


def test_a_guests_cart_is_merged_once_at_sign_in(shopper, guest, create_product, create_coupon):
    buyer, shared, own, code = shopper(), create_product(stock=10), create_product(stock=10), create_coupon()
    buyer.add(own, 1)
    buyer.add(shared, 2)
    guest.add(shared, 3)
    guest.shop.expect(200, "PUT", "/cart/coupon", {"code": code})

    def merge(_=None):
        return buyer.shop.call("POST", "/cart/merge", {"guest_token": guest.shop.token})

    with ThreadPoolExecutor(2) as pool:
        assert Counter(answer.status for answer in pool.map(merge, range(2))) == {200: 2}
    again = merge()
    assert _contents(again.body) == {own: 1, shared: 5}
    assert again.body["coupon"] == code
    assert _contents(buyer.shop.expect(200, "GET", "/cart")) == {own: 1, shared: 5}
    left = guest.shop.expect(200, "GET", "/cart")
    assert (left["items"], left["coupon"]) == ([], None)

    nobodys = buyer.shop.call("POST", "/cart/merge", {"guest_token": "not.a.token"})
    assert (nobodys.status, nobodys.body["errors"][0]["pointer"]) == (422, "/guest_token")
    customers = buyer.shop.call("POST", "/cart/merge", {"guest_token": shopper().shop.token})
    assert customers.status == 422
    assert guest.shop.call("POST", "/cart/merge", {"guest_token": guest.shop.token}).status == 403


def test_a_changed_price_is_shown_until_it_is_acknowledged(staff, shopper, create_product):
    buyer, sku = shopper(), create_product(price=1000, title="Kettle")
    (line,) = buyer.add(sku, 2)["items"]
    assert (line["change"], line["previous_unit_price"]) == (None, None)
    old = buyer.quote()["quote_token"]

    product = staff.call("GET", f"/products/{line['product_id']}")
    dearer = {
        "title": "Kettle",
        "category_ids": [],
        "status": "active",
        "variants": [{"sku": sku, "price": {"amount": 1200, "currency": "GBP"}}],
    }
    staff.expect(200, "PUT", f"/products/{line['product_id']}", dearer, If_Match=product.headers["etag"])
    cart = until(
        lambda: (c := buyer.shop.expect(200, "GET", "/cart"))["items"][0]["change"] and c,
        "the cart to have the new price",
    )
    (line,) = cart["items"]
    assert line["change"] == "price_up"
    assert (line["unit_price"]["amount"], line["previous_unit_price"]["amount"]) == (1200, 1000)
    assert cart["subtotal"]["amount"] == 2400
    refused = buyer.shop.call("POST", "/orders", {"quote_token": old}, **new_key())
    assert (refused.status, refused.body["type"]) == (409, "/problems/price-changed")

    (line,) = buyer.shop.expect(200, "PUT", f"/cart/items/{sku}", {"quantity": 2})["items"]
    assert (line["change"], line["previous_unit_price"]) == (None, None)
    assert buyer.order(buyer.quote())["subtotal"]["amount"] == 2400


def test_the_cart_shows_the_coupons_discount_or_why_it_does_not_apply(
    staff, shopper, create_product, create_coupon
):
    buyer, sku = shopper(), create_product(price=1000)
    minimum = {"amount": 2500, "currency": "GBP"}
    code, free = create_coupon(min_subtotal=minimum), create_coupon(kind="free_shipping", value=None)
    buyer.add(sku, 2)
    short = buyer.shop.call("PUT", "/cart/coupon", {"code": code})
    assert (short.status, short.body["type"]) == (422, "/problems/coupon-not-applicable")
    assert (short.body["reason"], short.body["missing"]["amount"]) == ("minimum", 500)
    unknown = buyer.shop.call("PUT", "/cart/coupon", {"code": "NO-SUCH-CODE"})
    assert (unknown.status, unknown.body["reason"]) == (422, "unknown")
    assert buyer.shop.expect(200, "GET", "/cart")["coupon"] is None

    buyer.add(sku, 1)
    cart = buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": code.lower()})
    assert (cart["coupon"], cart["discount"]["amount"], cart["coupon_reason"]) == (code, 300, None)
    quote = buyer.quote()
    assert (quote["discount"]["amount"], quote["coupon"]) == (300, code)
    assert quote["total"]["amount"] == 3000 - 300 + quote["shipping"]["amount"]

    cart = buyer.shop.expect(200, "PUT", f"/cart/items/{sku}", {"quantity": 1})
    assert (cart["coupon"], cart["discount"]["amount"], cart["coupon_reason"]) == (code, 0, "minimum")
    quote = buyer.quote()
    assert (quote["coupon"], quote["coupon_reason"], quote["discount"]["amount"]) == (None, "minimum", 0)

    buyer.shop.expect(200, "PUT", "/cart/coupon", {"code": free})
    quote = buyer.quote(method="standard")
    assert (quote["shipping"]["amount"], quote["discount"]["amount"], quote["coupon"]) == (0, 0, free)
    cart = buyer.shop.expect(200, "DELETE", "/cart/coupon")
    assert cart["coupon"] is None
    assert buyer.quote(method="standard")["shipping"]["amount"] == 395


def test_the_shop_charges_the_tax_of_the_country_it_ships_to(shopper, create_product):
    buyer = shopper()
    buyer.add(create_product(price=1190), 1)
    quoted = buyer.shop.expect(200, "POST", "/cart/quote", {"country": "DE"})
    assert (quoted["total"]["amount"], quoted["tax"]["amount"]) == (1190 + 995, 190 + 159)
    refused = buyer.shop.call("POST", "/cart/quote", {"country": "US"})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/country")
    assert "It ships to AT, AU, BE, DE" in refused.body["detail"]
