"""Money over HTTP: Stripe's page, two means, holds and parcels, failing refunds, disputes, lost webhooks."""

import json
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from localstack.demo import cards
from localstack.demo.cards import stripe
from localstack.demo.shopper import ship_order, until
from localstack.mail.templates import letters
from tests.journeys.calls import cancel, refusal, timeline
from tests.journeys.conftest import await_letters, new_key
from tests.support import run_concurrently

PAGES = {"success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cart"}
STAFF_MAIL = "staff@tillstack.example"


def gbp(amount):
    return {"amount": amount, "currency": "GBP"}


def opened(buyer, order, **how):
    return buyer.shop.call("POST", "/payments", {"order_id": order["order_id"]} | how, **new_key())


def at_stripe(local, payment):
    return stripe(local, "GET", f"/v1/payment_intents/{payment['provider_id']}")


def payment_of(shop, order):
    """The order's last payment, as its owner or staff see it."""
    return shop.expect(200, "GET", f"/payments?order_id={order['order_id']}&limit=100")["items"][-1]


def payment_when(shop, order, status):
    def look():
        found = payment_of(shop, order)
        return found if found["status"] == status else None

    return until(look, f"the payment of {order['order_id']} to become {status}")


def balances(staff, payment):
    """The ledger's accounts; each of its entries sums to zero."""
    entries = staff.expect(200, "GET", f"/payments/{payment['payment_id']}/ledger?limit=100")["items"]
    assert all(sum(line["amount"]["amount"] for line in entry["lines"]) == 0 for entry in entries)
    sums = Counter[str]()
    for entry in entries:
        sums.update({line["account"]: line["amount"]["amount"] for line in entry["lines"]})
    return {account: amount for account, amount in sums.items() if amount}


def functions_of(local, name):
    pages = local.client("lambda").get_paginator("list_functions").paginate()
    return [
        f["FunctionName"] for page in pages for f in page["Functions"] if f"-{name}-" in f["FunctionName"]
    ]


def run(local, name):
    """Have a scheduled function run now; what it answers."""
    (function,) = functions_of(local, name)
    answer = local.client("lambda").invoke(FunctionName=function, Payload=b'{"id": "journey"}')
    told = answer["Payload"].read()
    assert "FunctionError" not in answer, told
    return json.loads(told or b"null")


@pytest.fixture
def captured_by_hand(local):
    """Payments that are opened meanwhile hold their money until goods leave."""
    (function,) = functions_of(local, "PaymentsCheckout")
    client = local.client("lambda")
    known = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    def capture(how):
        variables = known | {"PAYMENTS_CAPTURE": how}
        client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})

    capture("manual")
    yield
    capture(known["PAYMENTS_CAPTURE"])


@contextmanager
def no_webhooks(local):
    cards.control(local, "chaos", drop=1.0)
    try:
        yield
    finally:
        cards.control(local, "chaos")


def test_on_stripes_page(local, shopper, ordered):
    buyer = shopper()
    order = ordered(buyer)
    missing = opened(buyer, order, method="checkout_session")
    assert missing.status == 422
    page = opened(buyer, order, method="checkout_session", **PAGES)
    assert (page.status, page.body["client_secret"]) == (201, None)
    again = opened(buyer, order, method="checkout_session", **PAGES)
    assert again.body["payment_id"] == page.body["payment_id"]
    assert cards.pay_session(page.body["checkout_url"], "4000000000000002") == ""
    assert cards.pay_session(page.body["checkout_url"]).startswith(PAGES["success_url"])
    paid = buyer.wait_for_order(order["order_id"], "paid")
    assert paid["payment_id"] == page.body["payment_id"]
    late = opened(buyer, order)
    assert refusal(late) == (409, "/problems/order-not-payable")


def test_another_means_ends_the_first_and_only_one_can_be_paid(local, shopper, ordered):
    buyer = shopper()
    order = ordered(buyer)
    first = opened(buyer, order).body
    second = opened(buyer, order, method="checkout_session", **PAGES).body
    assert second["payment_id"] != first["payment_id"]
    assert at_stripe(local, first)["status"] == "canceled"
    assert "error" in cards.confirm(local, first)
    assert cards.pay_session(second["checkout_url"]).startswith(PAGES["success_url"])
    buyer.wait_for_order(order["order_id"], "paid")
    statuses = {
        p["status"] for p in buyer.shop.expect(200, "GET", f"/payments?order_id={order['order_id']}")["items"]
    }
    assert statuses == {"cancelled", "succeeded"}


def test_what_is_held_is_taken_as_parcels_leave(local, shopper, ordered, staff, captured_by_hand):
    buyer = shopper()
    order = ordered(buyer, quantity=3, price=1000)
    payment = buyer.payment(order)
    assert cards.confirm(local, payment)["status"] == "requires_capture"
    buyer.wait_for_order(order["order_id"], "paid")
    held = payment_when(buyer.shop, order, "authorized")
    sku, total = order["lines"][0]["sku"], order["total"]["amount"]
    too_much = staff.call(
        "POST", f"/payments/{held['payment_id']}/capture", {"amount": gbp(total + 1)}, **new_key()
    )
    assert too_much.status == 409
    ship_order(staff, order, {sku: 1})
    first = until(lambda: at_stripe(local, payment)["amount_received"], "the first parcel to be taken")
    assert 0 < first < total
    ship_order(staff, order)
    until(lambda: at_stripe(local, payment)["amount_received"] == total, "the rest to be taken")
    payment_when(buyer.shop, order, "succeeded")
    assert balances(staff, payment) == {"stripe": total, "sales": -total}
    until(lambda: timeline(buyer, order).count("payment.captured") == 2, "the timeline to say so")


def test_what_is_held_is_let_go_when_the_order_is_cancelled(local, shopper, ordered, captured_by_hand):
    buyer = shopper()
    order = ordered(buyer)
    payment = buyer.payment(order)
    cards.confirm(local, payment)
    buyer.wait_for_order(order["order_id"], "paid")
    assert cancel(buyer, order).status == 200
    until(lambda: at_stripe(local, payment)["status"] == "canceled", "the hold to be let go of")
    payment_when(buyer.shop, order, "cancelled")
    assert stripe(local, "GET", f"/v1/refunds?payment_intent={payment['provider_id']}")["data"] == []


def test_staff_give_back_each_penny_once(local, shopper, paid, staff):
    buyer = shopper()
    order = paid(buyer)
    payment = payment_of(buyer.shop, order)
    path, total = f"/payments/{payment['payment_id']}/refunds", order["total"]["amount"]
    assert buyer.shop.call("POST", path, {"amount": gbp(1)}, **new_key()).status == 403
    key = new_key()
    clicks = run_concurrently(
        *[lambda: staff.call("POST", path, {"amount": gbp(100), "reason": "late"}, **key)] * 3
    )
    made = [click.body["refund_id"] for click in clicks if click.status == 201]
    assert made and len(set(made)) == 1
    rest = [lambda: staff.call("POST", path, {"amount": gbp(total - 100)}, **new_key())] * 2
    assert sorted(answer.status for answer in run_concurrently(*rest)) == [201, 409]
    assert refusal(staff.call("POST", path, {}, **new_key()))[0] == 409
    payment_when(buyer.shop, order, "refunded")
    given = staff.expect(200, "GET", path)["items"]
    assert sorted(refund["amount"]["amount"] for refund in given) == sorted([100, total - 100])
    assert balances(staff, payment) == {"sales": -total, "refunds": total}
    await_letters(buyer, "refunded", "refunded")


def test_a_refund_that_fails_days_later_is_money_that_is_not_back(local, shopper, ordered, staff):
    buyer = shopper()
    order = ordered(buyer)
    assert buyer.pay(order)["status"] == "succeeded"
    buyer.wait_for_order(order["order_id"], "paid")
    payment = payment_of(buyer.shop, order)
    path, total = f"/payments/{payment['payment_id']}/refunds", order["total"]["amount"]
    staff.expect(201, "POST", path, {"amount": gbp(total - 1)}, **new_key())
    payment_when(buyer.shop, order, "partially_refunded")
    (theirs,) = stripe(local, "GET", f"/v1/refunds?payment_intent={payment['provider_id']}")["data"]
    cards.control(local, "refund", refund=theirs["id"], status="failed", failure_reason="declined")
    after = payment_when(buyer.shop, order, "succeeded")
    assert after["refunded"]["amount"] == 0
    until(lambda: "refund.failed" in timeline(buyer, order), "the timeline to say so")
    await_letters(buyer, "refund failed")
    assert balances(staff, payment) == {"stripe": total, "sales": -total}
    staff.expect(201, "POST", path, {}, **new_key())
    payment_when(buyer.shop, order, "refunded")


def test_a_dispute_freezes_refunds_until_it_is_won(local, shopper, paid, staff):
    buyer = shopper()
    order = paid(buyer)
    payment = payment_of(buyer.shop, order)
    path, total = f"/payments/{payment['payment_id']}/refunds", order["total"]["amount"]
    before = letters(local, STAFF_MAIL)["dispute opened"]
    cards.control(local, "dispute", payment_intent=payment["provider_id"], reason="fraudulent")
    payment_when(buyer.shop, order, "disputed")
    assert balances(staff, payment) == {"disputes": total, "sales": -total}
    frozen = staff.call("POST", path, {"amount": gbp(1)}, **new_key())
    assert refusal(frozen) == (409, "/problems/payment-disputed")
    until(lambda: "payment.disputed" in timeline(buyer, order), "the timeline to say so")
    until(lambda: letters(local, STAFF_MAIL)["dispute opened"] > before, "staff to be told")
    cards.control(local, "dispute", payment_intent=payment["provider_id"], status="won")
    payment_when(buyer.shop, order, "succeeded")
    assert balances(staff, payment) == {"stripe": total, "sales": -total}
    staff.expect(201, "POST", path, {"amount": gbp(1)}, **new_key())


def test_a_payment_that_no_webhook_told_of_is_caught_up_with(local, shopper, ordered):
    buyer = shopper()
    order = ordered(buyer)
    with no_webhooks(local):
        assert buyer.pay(order)["status"] == "succeeded"
        time.sleep(1)
        assert payment_of(buyer.shop, order)["status"] == "requires_payment"
    assert run(local, "PaymentsCatchUp")["kept"] > 0
    buyer.wait_for_order(order["order_id"], "paid")


def test_a_comparison_with_stripe_runs_when_staff_ask_for_it(shopper, paid, staff, stranger):
    order = paid(shopper())
    assert stranger.call("GET", "/admin/reconciliations").status == 401
    asked = staff.expect(202, "POST", "/admin/reconciliations", {}, **new_key())
    path = f"/admin/reconciliations/{asked['reconciliation_id']}"

    def finished():
        found = staff.expect(200, "GET", path)
        assert found["status"] != "failed", found
        return found if found["status"] == "finished" else None

    report = until(finished, "the comparison to finish")
    assert report["looked_at"]["payment_intents"] > 0
    about = [finding for finding in report["findings"] if finding["order_id"] == order["order_id"]]
    assert about == []
    newest = staff.expect(200, "GET", "/admin/reconciliations?limit=1")["items"][0]
    assert newest["reconciliation_id"] == asked["reconciliation_id"]


def test_payments_left_by_these_journeys_are_all_in_the_inbox_or_applied(staff):
    assert staff.expect(200, "GET", "/admin/webhooks?status=failed")["items"] == []
