"""Ids that are longer than DynamoDB's keys may be are treated as absent."""

import pytest

from payments.tables import inbox, payments
from payments.tables.inbox import InboxRow
from payments.tables.payments import PaymentRow
from payments.tables.reconciliations import RunRow
from payments.tables.refunds import RefundRow
from tests.support import staff

LONGEST_KEY, LONGEST_SORT_KEY = 2_048, 1_024  # bytes; moto accepts longer ones


@pytest.fixture
def strict(monkeypatch) -> None:
    for row in (PaymentRow, RefundRow, InboxRow, RunRow):
        monkeypatch.setattr(row, "get", with_dynamodb_limits(row.get))


def with_dynamodb_limits(get):
    def limited(key, *arguments, **more):
        assert len(key.encode()) <= LONGEST_KEY
        assert all(len(sort_key.encode()) <= LONGEST_SORT_KEY for sort_key in arguments)
        return get(key, *arguments, **more)

    return limited


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("what", ["", "/refunds", "/ledger"])
def test_a_payment_whose_id_is_too_long_is_absent(driver, what):
    assert driver.get(f"/payments/{'p' * 3_000}{what}", staff()).status == 404
    assert payments.payment("\N{GRINNING FACE}" * 600) is None


@pytest.mark.usefixtures("strict")
def test_a_payment_whose_id_is_too_long_cannot_be_refunded(driver):
    assert driver.create_refund("p" * 3_000).status == 404


@pytest.mark.usefixtures("cloud", "strict")
def test_an_event_whose_id_is_too_long_is_absent():
    assert inbox.event("evt_" + "e" * 251) is None, "the longest id that Stripe uses"
    assert inbox.event("e" * 3_000) is None


@pytest.mark.usefixtures("strict")
def test_a_reconciliation_whose_id_is_too_long_is_absent(driver):
    assert driver.get(f"/admin/reconciliations/rec_{'r' * 1_100}", staff()).status == 404
