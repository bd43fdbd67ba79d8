"""Payments: checkout sessions, manual capture, refunds, disputes, missed webhooks and reconciliation."""

import json
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from localstack.demo import cards
from localstack.demo.cards import stripe
from localstack.demo.shopper import ship_order, until
from localstack.mail.sent import count_by_kind
from tests.journeys.calls import cancel, problem_of, timeline
from tests.journeys.conftest import new_key, wait_for_messages
from tests.support import run_concurrently

PAGES = {"success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cart"}
STAFF_EMAIL = "staff@tillstack.example"


def gbp(amount):
    return {"amount": amount, "currency": "GBP"}


def open_payment(buyer, order, **options):
    return buyer.shop.call("POST", "/payments", {"order_id": order["order_id"]} | options, **new_key())


def get_intent(local, payment):
    return stripe(local, "GET", f"/v1/payment_intents/{payment['provider_id']}")


def payment_of(shop, order):
    """Return the order's last payment as its owner or staff see it."""
    return shop.expect(200, "GET", f"/payments?order_id={order['order_id']}&limit=100")["items"][-1]


def wait_for_payment(shop, order, status):
    def look():
        found = payment_of(shop, order)
        return found if found["status"] == status else None

    return until(look, f"the payment of {order['order_id']} to become {status}")


def balances(staff, payment):
    """Return the balances of the payment's ledger; check that each entry sums to zero."""
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
    """Invoke a scheduled function and return its result."""
    (function,) = functions_of(local, name)
    answer = local.client("lambda").invoke(FunctionName=function, Payload=b'{"id": "journey"}')
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    return json.loads(payload or b"null")


@pytest.fixture
def manual_capture(local):
    """Payments that are opened during the test are captured when goods are shipped."""
    (function,) = functions_of(local, "PaymentsCheckout")
    client = local.client("lambda")
    known = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    def set_capture(method):
        variables = known | {"PAYMENTS_CAPTURE": method}
        client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})

    set_capture("manual")
    yield
    set_capture(known["PAYMENTS_CAPTURE"])


@contextmanager
def no_webhooks(local):
    cards.control(local, "chaos", drop=1.0)
    try:
        yield
    finally:
        cards.control(local, "chaos")


def test_an_order_is_paid_on_stripes_page(local, shopper, place_order):
    buyer = shopper()
    order = place_order(buyer)
    missing = open_payment(buyer, order, method="checkout_session")
    assert missing.status == 422
    page = open_payment(buyer, order, method="checkout_session", **PAGES)
    assert (page.status, page.body["client_secret"]) == (201, None)
    again = open_payment(buyer, order, method="checkout_session", **PAGES)
    assert again.body["payment_id"] == page.body["payment_id"]
    assert cards.pay_session(page.body["checkout_url"], "4000000000000002") == ""
    assert cards.pay_session(page.body["checkout_url"]).startswith(PAGES["success_url"])
    order = buyer.wait_for_order(order["order_id"], "paid")
    assert order["payment_id"] == page.body["payment_id"]
    late = open_payment(buyer, order)
    assert problem_of(late) == (409, "/problems/order-not-payable")


def test_another_payment_method_cancels_the_first_payment(local, shopper, place_order):
    buyer = shopper()
    order = place_order(buyer)
    first = open_payment(buyer, order).body
    second = open_payment(buyer, order, method="checkout_session", **PAGES).body
    assert second["payment_id"] != first["payment_id"]
    assert get_intent(local, first)["status"] == "canceled"
    assert "error" in cards.confirm(local, first)
    assert cards.pay_session(second["checkout_url"]).startswith(PAGES["success_url"])
    buyer.wait_for_order(order["order_id"], "paid")
    statuses = {
        p["status"] for p in buyer.shop.expect(200, "GET", f"/payments?order_id={order['order_id']}")["items"]
    }
    assert statuses == {"cancelled", "succeeded"}


def test_an_authorized_payment_is_captured_per_fulfilment(local, shopper, place_order, staff, manual_capture):
    buyer = shopper()
    order = place_order(buyer, quantity=3, price=1000)
    payment = buyer.payment(order)
    assert cards.confirm(local, payment)["status"] == "requires_capture"
    buyer.wait_for_order(order["order_id"], "paid")
    authorized = wait_for_payment(buyer.shop, order, "authorized")
    sku, total = order["lines"][0]["sku"], order["total"]["amount"]
    too_much = staff.call(
        "POST", f"/payments/{authorized['payment_id']}/capture", {"amount": gbp(total + 1)}, **new_key()
    )
    assert too_much.status == 409
    ship_order(staff, order, {sku: 1})
    first = until(
        lambda: get_intent(local, payment)["amount_received"], "the first fulfilment to be captured"
    )
    assert 0 < first < total
    ship_order(staff, order)
    until(lambda: get_intent(local, payment)["amount_received"] == total, "the rest to be captured")
    wait_for_payment(buyer.shop, order, "succeeded")
    assert balances(staff, payment) == {"stripe": total, "sales": -total}
    until(lambda: timeline(buyer, order).count("payment.captured") == 2, "the timeline entry")


def test_an_authorized_payment_is_voided_when_the_order_is_cancelled(
    local, shopper, place_order, manual_capture
):
    buyer = shopper()
    order = place_order(buyer)
    payment = buyer.payment(order)
    cards.confirm(local, payment)
    buyer.wait_for_order(order["order_id"], "paid")
    assert cancel(buyer, order).status == 200
    until(lambda: get_intent(local, payment)["status"] == "canceled", "the authorization to be cancelled")
    wait_for_payment(buyer.shop, order, "cancelled")
    assert stripe(local, "GET", f"/v1/refunds?payment_intent={payment['provider_id']}")["data"] == []


def test_staff_cannot_refund_more_than_was_paid(local, shopper, place_paid_order, staff):
    buyer = shopper()
    order = place_paid_order(buyer)
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
    assert problem_of(staff.call("POST", path, {}, **new_key()))[0] == 409
    wait_for_payment(buyer.shop, order, "refunded")
    refunds = staff.expect(200, "GET", path)["items"]
    assert sorted(refund["amount"]["amount"] for refund in refunds) == sorted([100, total - 100])
    assert balances(staff, payment) == {"sales": -total, "refunds": total}
    wait_for_messages(buyer, "refunded", "refunded")


def test_a_refund_that_fails_later_can_be_made_again(local, shopper, place_order, staff):
    buyer = shopper()
    order = place_order(buyer)
    assert buyer.pay(order)["status"] == "succeeded"
    buyer.wait_for_order(order["order_id"], "paid")
    payment = payment_of(buyer.shop, order)
    path, total = f"/payments/{payment['payment_id']}/refunds", order["total"]["amount"]
    staff.expect(201, "POST", path, {"amount": gbp(total - 1)}, **new_key())
    wait_for_payment(buyer.shop, order, "partially_refunded")
    (refund,) = stripe(local, "GET", f"/v1/refunds?payment_intent={payment['provider_id']}")["data"]
    cards.control(local, "refund", refund=refund["id"], status="failed", failure_reason="declined")
    after = wait_for_payment(buyer.shop, order, "succeeded")
    assert after["refunded"]["amount"] == 0
    until(lambda: "refund.failed" in timeline(buyer, order), "the timeline entry")
    wait_for_messages(buyer, "refund failed")
    assert balances(staff, payment) == {"stripe": total, "sales": -total}
    staff.expect(201, "POST", path, {}, **new_key())
    wait_for_payment(buyer.shop, order, "refunded")


def test_a_dispute_blocks_refunds_until_it_is_won(local, shopper, place_paid_order, staff):
    buyer = shopper()
    order = place_paid_order(buyer)
    payment = payment_of(buyer.shop, order)
    path, total = f"/payments/{payment['payment_id']}/refunds", order["total"]["amount"]
    before = count_by_kind(local, STAFF_EMAIL)["dispute opened"]
    cards.control(local, "dispute", payment_intent=payment["provider_id"], reason="fraudulent")
    wait_for_payment(buyer.shop, order, "disputed")
    assert balances(staff, payment) == {"disputes": total, "sales": -total}
    frozen = staff.call("POST", path, {"amount": gbp(1)}, **new_key())
    assert problem_of(frozen) == (409, "/problems/payment-disputed")
    until(lambda: "payment.disputed" in timeline(buyer, order), "the timeline entry")
    until(lambda: count_by_kind(local, STAFF_EMAIL)["dispute opened"] > before, "staff to be notified")
    cards.control(local, "dispute", payment_intent=payment["provider_id"], status="won")
    wait_for_payment(buyer.shop, order, "succeeded")
    assert balances(staff, payment) == {"stripe": total, "sales": -total}
    staff.expect(201, "POST", path, {"amount": gbp(1)}, **new_key())


def test_a_payment_without_webhook_is_applied_by_the_catch_up(local, shopper, place_order):
    buyer = shopper()
    order = place_order(buyer)
    with no_webhooks(local):
        assert buyer.pay(order)["status"] == "succeeded"
        time.sleep(1)
        assert payment_of(buyer.shop, order)["status"] == "requires_payment"
    assert run(local, "PaymentsCatchUp")["stored"] > 0
    buyer.wait_for_order(order["order_id"], "paid")


def test_staff_start_a_reconciliation_with_stripe(shopper, place_paid_order, staff, anonymous):
    order = place_paid_order(shopper())
    assert anonymous.call("GET", "/admin/reconciliations").status == 401
    reconciliation = staff.expect(202, "POST", "/admin/reconciliations", {}, **new_key())
    path = f"/admin/reconciliations/{reconciliation['reconciliation_id']}"

    def finished():
        found = staff.expect(200, "GET", path)
        assert found["status"] != "failed", found
        return found if found["status"] == "finished" else None

    report = until(finished, "the reconciliation to finish")
    assert report["looked_at"]["payment_intents"] > 0
    of_order = [finding for finding in report["findings"] if finding["order_id"] == order["order_id"]]
    assert of_order == []
    newest = staff.expect(200, "GET", "/admin/reconciliations?limit=1")["items"][0]
    assert newest["reconciliation_id"] == reconciliation["reconciliation_id"]


def test_no_webhook_of_these_journeys_failed(staff):
    assert staff.expect(200, "GET", "/admin/webhooks?status=failed")["items"] == []
