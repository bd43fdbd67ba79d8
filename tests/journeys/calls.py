"""What journeys after the payment call, and how they do things at once."""

import time

from tests.journeys.conftest import new_key

ILLEGAL = (409, "/problems/illegal-transition")


def refusal(answer):
    return answer.status, answer.body["type"]


def order_now(buyer, order):
    return buyer.shop.expect(200, "GET", f"/orders/{order['order_id']}")


def timeline(buyer, order):
    return [e["type"] for e in buyer.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline")]


def after(seconds, act):
    def wait_and_act():
        time.sleep(max(0, seconds))
        return act()

    return wait_and_act


def cancel(buyer, order):
    return buyer.shop.call("POST", f"/orders/{order['order_id']}/cancel", **new_key())


def settle(staff, order, return_id, **body):
    return staff.call("PUT", f"/orders/{order['order_id']}/returns/{return_id}", body)


def set_status(staff, order, status):
    return staff.call("PUT", f"/orders/{order['order_id']}/status", {"status": status})
