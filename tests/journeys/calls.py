"""Calls that journeys share for orders after their payment."""

import time

from tests.journeys.conftest import new_key

ILLEGAL = (409, "/problems/illegal-transition")


def problem_of(answer):
    return answer.status, answer.body["type"]


def get_order(buyer, order):
    return buyer.shop.expect(200, "GET", f"/orders/{order['order_id']}")


def timeline(buyer, order):
    return [e["type"] for e in buyer.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline")]


def after_delay(seconds, act):
    """Return a function that waits and then calls `act`."""

    def wait_and_act():
        time.sleep(max(0, seconds))
        return act()

    return wait_and_act


def cancel(buyer, order):
    return buyer.shop.call("POST", f"/orders/{order['order_id']}/cancel", **new_key())


def decide_return(staff, order, return_id, **body):
    return staff.call("PUT", f"/orders/{order['order_id']}/returns/{return_id}", body)


def set_status(staff, order, status):
    return staff.call("PUT", f"/orders/{order['order_id']}/status", {"status": status})
