"""The slices of a reconciliation: crashes, concurrency, and unavailable services."""

from datetime import timedelta

import pytest

from payments import stripe_lists
from payments.app import reconcile
from payments.service import reconciler, syncing
from shared.errors import Unavailable
from shared.messaging import rpc
from shared.runtime import clock
from tests.payments.reconciliation_driver import ReconciliationDriver
from tests.support import Context, staff, stream_event

NOTHING: list[tuple[str, str | None, bool | None]] = []


@pytest.fixture
def reconciliation(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


class Died(BaseException):
    """The end of the process."""


def test_a_crash_before_a_repair_leaves_it_to_the_next_slice(reconciliation, monkeypatch):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.wait()
    reconciliation_id = reconciliation.request().json["reconciliation_id"]

    def dies(*about, **more):
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(syncing, "sync_from_stripe", dies)
        reconciliation.work()
    [finding] = reconciliation.report(reconciliation_id)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("paid_unknown", None)

    reconciliation.seen = {}  # the stream delivers the same record again
    reconciliation.work()
    report = reconciliation.report(reconciliation_id)
    assert report["status"] == "finished"
    assert [(each["kind"], each["repaired"]) for each in report["findings"]] == [("paid_unknown", True)]
    assert reconciliation.driver.payment(payment_id).captures.captured == 2000


def test_a_crash_after_a_repair_repeats_it_and_loses_no_finding(reconciliation, monkeypatch):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.wait()
    reconciliation_id = reconciliation.request().json["reconciliation_id"]
    sync = syncing.sync_from_stripe

    def syncs_and_dies(*about, **more):
        sync(*about, **more)
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(syncing, "sync_from_stripe", syncs_and_dies)
        reconciliation.work()
    version = reconciliation.driver.payment(payment_id).version
    reconciliation.seen = {}
    reconciliation.work()
    [finding] = reconciliation.report(reconciliation_id)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("paid_unknown", True)
    assert reconciliation.driver.payment(payment_id).version == version


def test_the_slower_of_two_concurrent_slices_writes_nothing(reconciliation, monkeypatch):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.wait()
    reconciliation_id = reconciliation.request().json["reconciliation_id"]
    [queued] = [row for key, row in reconciliation.driver.rows("PAYMENTS_TABLE").items() if "rec_" in key]
    read, met = stripe_lists.intents, list[bool]()

    def with_concurrent_slice(*about):
        found = read(*about)
        if not met:
            met.append(True)
            reconciliation.work()
        return found

    monkeypatch.setattr(stripe_lists, "intents", with_concurrent_slice)
    reconcile.reconcile(stream_event((None, queued)), Context())
    report = reconciliation.report(reconciliation_id)
    assert report["status"] == "finished"
    assert [(each["kind"], each["repaired"]) for each in report["findings"]] == [("paid_unknown", True)]
    assert reconciliation.driver.payment(payment_id).captures.captured == 2000


def test_a_reconciliation_runs_page_by_page_and_slice_by_slice(reconciliation, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", 2)
    paid = [reconciliation.paid_unnoticed(f"ord_{number}") for number in range(5)]
    reconciliation.wait()
    report = reconciliation.compare()
    assert reconciliation.slices > 5
    assert report["looked_at"]["payment_intents"] == 5
    assert {each["payment_id"] for each in report["findings"]} == set(paid)
    assert report["repaired"] == 5
    assert {reconciliation.driver.payment(each).captures.captured for each in paid} == {2000}


def test_one_slice_finishes_if_it_has_time(reconciliation, monkeypatch):
    monkeypatch.setattr(reconciler, "MIN_SECONDS_LEFT", 1.0)
    reconciliation.paid_unnoticed()
    assert reconciliation.find() == [("paid_unknown", "settle", True)]
    assert reconciliation.slices == 2  # the second one finds it over


def test_it_fails_while_stripe_is_unavailable_and_the_next_compares_the_same(reconciliation):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.wait()
    reconciliation.driver.break_stripe(path="/v1/payment_intents", method="GET", times=1, status=429)
    report = reconciliation.compare()
    assert report["status"] == "failed"
    assert report["reason"].startswith("StripeUnavailable")
    assert report["finished_at"]
    assert reconciliation.driver.payment(payment_id).captures.captured == 0
    reconcile.reconcile({}, Context())  # the next hour
    reconciliation.work()
    [again, _] = reconciliation.driver.get("/admin/reconciliations", staff()).json["items"]
    assert (again["status"], again["asked_by"]) == ("finished", "schedule")
    again = reconciliation.report(again["reconciliation_id"])
    assert [(each["kind"], each["repaired"]) for each in again["findings"]] == [("paid_unknown", True)]


def test_it_fails_while_orders_is_unavailable(reconciliation, monkeypatch):
    reconciliation.paid()
    reconciliation.wait()

    def unavailable(function, command):
        raise Unavailable("A service of the shop does not respond; retry.")

    with monkeypatch.context() as patched:
        patched.setattr(rpc, "call", unavailable)
        assert reconciliation.compare()["status"] == "failed"
    assert reconciliation.find() == NOTHING


def test_a_reconciliation_begins_at_the_requested_time(reconciliation):
    payment_id = reconciliation.paid_unnoticed()
    reconciliation.wait(timedelta(days=3))
    assert reconciliation.compare()["findings"] == []
    [finding] = reconciliation.compare(since=clock.now() - timedelta(days=4))["findings"]
    assert (finding["kind"], finding["payment_id"]) == ("paid_unknown", payment_id)
