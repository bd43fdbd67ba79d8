"""Keys that are longer than DynamoDB takes, which calls them an error: to us they are absent."""

import pytest

from payments.tables import inbox, payments
from payments.tables.inbox import InboxRow
from payments.tables.payments import PaymentRow
from payments.tables.reconciliations import RunRow
from payments.tables.refunds import RefundRow
from tests.support import staff

LONGEST_KEY, LONGEST_SORT_KEY = 2_048, 1_024  # bytes; moto reads longer ones


@pytest.fixture
def strict(monkeypatch) -> None:
    for row in (PaymentRow, RefundRow, InboxRow, RunRow):
        monkeypatch.setattr(row, "get", as_strict_as_dynamodb(row.get))


def as_strict_as_dynamodb(get):
    def strictly(key, *arguments, **more):
        assert len(key.encode()) <= LONGEST_KEY
        assert all(len(sort_key.encode()) <= LONGEST_SORT_KEY for sort_key in arguments)
        return get(key, *arguments, **more)

    return strictly


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("what", ["", "/refunds", "/ledger"])
def test_a_payment_whose_id_is_too_long_is_absent(driver, what):
    assert driver.get(f"/payments/{'p' * 3_000}{what}", staff()).status == 404
    assert payments.payment("\N{GRINNING FACE}" * 600) is None


@pytest.mark.usefixtures("strict")
def test_of_a_payment_whose_id_is_too_long_nothing_is_given_back(driver):
    assert driver.create_refund("p" * 3_000).status == 404


@pytest.mark.usefixtures("cloud", "strict")
def test_an_event_whose_id_is_too_long_is_absent():
    assert inbox.event("evt_" + "e" * 251) is None, "as long as Stripe's become"
    assert inbox.event("e" * 3_000) is None


@pytest.mark.usefixtures("strict")
def test_a_comparison_whose_id_is_too_long_is_absent(driver):
    assert driver.get(f"/admin/reconciliations/rec_{'r' * 1_100}", staff()).status == 404
