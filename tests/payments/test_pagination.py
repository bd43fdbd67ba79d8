"""Pagination: a full last page has no cursor."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payments.domain.reconciliation.runs import Run
from payments.tables import payments
from payments.tables.reconciliations import RunRow
from shared.runtime import clock
from tests.payments.payments_driver import post_webhook, signed
from tests.support import staff


def pages(driver, path: str, limit: int) -> list[int]:
    """Return the number of items on each page."""
    sizes, cursor = [], ""
    while cursor is not None:
        query = f"{'&' if '?' in path else '?'}limit={limit}" + (cursor and f"&cursor={cursor}")
        page = driver.get(path + query, staff()).json
        sizes.append(len(page["items"]))
        cursor = page["next_cursor"]
    return sizes


@pytest.fixture
def paid(driver) -> str:
    """Create four payments of an order and refund the first one three times; return its id."""
    driver.order()
    opened = driver.pay().json
    payment_id: str = opened["payment_id"]
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    for _ in range(3):
        assert driver.create_refund(payment_id, amount={"amount": 100, "currency": "GBP"}).status == 201
    payment = driver.payment(payment_id)
    for number in range(3):
        payments.PaymentRow.of(replace(payment, payment_id=f"pay_Z{number}")).save()
    return payment_id


def test_payments_refunds_and_the_ledger_are_paginated(driver, paid):
    for path, count in [
        ("/payments?order_id=ord_1", 4),
        (f"/payments/{paid}/refunds", 3),
        (f"/payments/{paid}/ledger", 4),
    ]:
        assert pages(driver, path, count) == [count]
        assert pages(driver, path, 1) == [1] * count


def test_stripe_events_are_paginated(driver):
    for number in range(4):
        body = b'{"id": "evt_%d", "type": "review.opened", "created": 1, "data": {"object": {}}}' % number
        assert post_webhook(body, signed(body)).status == 200
    driver.apply_events()
    assert pages(driver, "/admin/webhooks?status=ignored", 4) == [4]
    assert pages(driver, "/admin/webhooks?status=ignored", 2) == [2, 2]


def test_reconciliations_are_paginated(driver):
    now = clock.now()
    for number in range(4):
        begin = now + timedelta(hours=number)
        run = Run(f"rec_{number}", begin, begin, asked_by="usr_staff", asked_at=now, updated_at=now)
        RunRow.of(run).save()
    assert pages(driver, "/admin/reconciliations", 4) == [4]
    assert pages(driver, "/admin/reconciliations", 2) == [2, 2]
