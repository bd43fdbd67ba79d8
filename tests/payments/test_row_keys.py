"""Ids longer than DynamoDB's keys: treated as absent."""

import pytest

from payments.tables import inbox, payments
from payments.tables.inbox import InboxRow
from payments.tables.payments import PaymentRow
from payments.tables.reconciliations import RunRow
from payments.tables.refunds import RefundRow
from tests.support import staff

LONGEST_KEY, LONGEST_SORT_KEY = 2_048, 1_024  # bytes; moto accepts longer keys


@pytest.fixture
def key_limits(monkeypatch) -> None:
    for row in (PaymentRow, RefundRow, InboxRow, RunRow):
        monkeypatch.setattr(row, "get", limit_keys(row.get))


def limit_keys(get):
    def limited_get(key, *arguments, **options):
        assert len(key.encode()) <= LONGEST_KEY
        assert all(len(sort_key.encode()) <= LONGEST_SORT_KEY for sort_key in arguments)
        return get(key, *arguments, **options)

    return limited_get


@pytest.mark.usefixtures("key_limits")
@pytest.mark.parametrize("suffix", ["", "/refunds", "/ledger"])
def test_a_payment_with_too_long_an_id_is_not_found(driver, suffix):
    assert driver.get(f"/payments/{'p' * 3_000}{suffix}", staff()).status == 404
    assert payments.payment("\N{GRINNING FACE}" * 600) is None


@pytest.mark.usefixtures("key_limits")
def test_a_payment_with_too_long_an_id_cannot_be_refunded(driver):
    assert driver.create_refund("p" * 3_000).status == 404


@pytest.mark.usefixtures("cloud", "key_limits")
def test_an_event_with_too_long_an_id_is_not_found():
    assert inbox.event("evt_" + "e" * 251) is None, "the longest id that Stripe uses"
    assert inbox.event("e" * 3_000) is None


@pytest.mark.usefixtures("key_limits")
def test_a_reconciliation_with_too_long_an_id_is_not_found(driver):
    assert driver.get(f"/admin/reconciliations/rec_{'r' * 1_100}", staff()).status == 404
