"""Slices of a reconciliation: crashes, concurrency, outages and pages."""

from datetime import timedelta

import pytest

from payments import stripe_lists
from payments.app import reconcile
from payments.service import reconciler, syncing
from shared.errors import Unavailable
from shared.messaging import rpc
from shared.runtime import clock
from tests.support import Context, staff, stream_event

NO_DIFFERENCES: list[tuple[str, str | None, bool | None]] = []


class Crash(BaseException):
    """The end of the process; no handler catches it."""


def test_a_finding_is_repaired_after_a_crash_before_its_repair(driver, reconciliation, monkeypatch):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.wait()
    reconciliation_id = reconciliation.request().json["reconciliation_id"]

    def crash(*arguments, **options):
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(syncing, "sync_from_stripe", crash)
        reconciliation.run_slices()
    [finding] = reconciliation.report(reconciliation_id)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("paid_unknown", None)

    reconciliation.seen = {}  # the stream delivers the same record again
    reconciliation.run_slices()
    report = reconciliation.report(reconciliation_id)
    assert report["status"] == "finished"
    assert [(each["kind"], each["repaired"]) for each in report["findings"]] == [("paid_unknown", True)]
    assert driver.payment(payment_id).captures.captured == 2000


def test_a_crash_after_a_repair_loses_no_finding_and_changes_nothing_twice(
    driver, reconciliation, monkeypatch
):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.wait()
    reconciliation_id = reconciliation.request().json["reconciliation_id"]
    real = syncing.sync_from_stripe

    def sync_and_crash(*arguments, **options):
        real(*arguments, **options)
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(syncing, "sync_from_stripe", sync_and_crash)
        reconciliation.run_slices()
    version = driver.payment(payment_id).version
    reconciliation.seen = {}
    reconciliation.run_slices()
    [finding] = reconciliation.report(reconciliation_id)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("paid_unknown", True)
    assert driver.payment(payment_id).version == version


def test_the_slower_of_two_concurrent_slices_writes_nothing(driver, reconciliation, monkeypatch):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.wait()
    reconciliation_id = reconciliation.request().json["reconciliation_id"]
    [queued] = [row for key, row in driver.rows("PAYMENTS_TABLE").items() if "rec_" in key]
    read, started = stripe_lists.intents, list[bool]()

    def list_then_run_another(*arguments):
        found = read(*arguments)
        if not started:
            started.append(True)
            reconciliation.run_slices()
        return found

    monkeypatch.setattr(stripe_lists, "intents", list_then_run_another)
    reconcile.reconcile(stream_event((None, queued)), Context())
    report = reconciliation.report(reconciliation_id)
    assert report["status"] == "finished"
    assert [(each["kind"], each["repaired"]) for each in report["findings"]] == [("paid_unknown", True)]
    assert driver.payment(payment_id).captures.captured == 2000


def test_a_reconciliation_reads_one_page_per_slice(driver, reconciliation, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", 2)
    paid = [reconciliation.pay_without_webhooks(f"ord_{number}") for number in range(5)]
    reconciliation.wait()
    report = reconciliation.run()
    assert reconciliation.slices > 5
    assert report["looked_at"]["payment_intents"] == 5
    assert {each["payment_id"] for each in report["findings"]} == set(paid)
    assert report["repaired"] == 5
    assert {driver.payment(each).captures.captured for each in paid} == {2000}


def test_a_slice_with_enough_time_runs_the_whole_reconciliation(reconciliation, monkeypatch):
    monkeypatch.setattr(reconciler, "MIN_SECONDS_LEFT", 1.0)
    reconciliation.pay_without_webhooks()
    assert reconciliation.run_later() == [("paid_unknown", "settle", True)]
    assert reconciliation.slices == 2  # the second one only sees that it is finished


def test_a_rate_limit_pauses_the_run(driver, reconciliation, monkeypatch):
    monkeypatch.setattr(reconciler, "MIN_SECONDS_LEFT", 1.0)
    monkeypatch.setattr(reconciler, "RATE_LIMIT_PAUSE", 0.01)
    reconciliation.pay_without_webhooks()
    driver.break_stripe(path="/v1/payment_intents", method="GET", times=3, status=429)
    assert reconciliation.run_later() == [("paid_unknown", "settle", True)]


def test_a_stripe_outage_fails_the_run_and_the_next_run_covers_its_window(driver, reconciliation):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.wait()
    driver.break_stripe(path="/v1/payment_intents", method="GET", times=1, status=429)
    report = reconciliation.run()
    assert report["status"] == "failed"
    assert report["reason"].startswith("StripeUnavailable")
    assert report["finished_at"]
    assert driver.payment(payment_id).captures.captured == 0
    reconcile.reconcile({}, Context())  # the next scheduled run
    reconciliation.run_slices()
    [again, _] = driver.get("/admin/reconciliations", staff()).json["items"]
    assert (again["status"], again["asked_by"]) == ("finished", "schedule")
    again = reconciliation.report(again["reconciliation_id"])
    assert [(each["kind"], each["repaired"]) for each in again["findings"]] == [("paid_unknown", True)]


def test_an_outage_of_orders_fails_the_run(reconciliation, monkeypatch):
    reconciliation.pay()
    reconciliation.wait()

    def unavailable(function, command):
        raise Unavailable("A service is unavailable; retry.")

    with monkeypatch.context() as patch:
        patch.setattr(rpc, "call", unavailable)
        assert reconciliation.run()["status"] == "failed"
    assert reconciliation.run_later() == NO_DIFFERENCES


def test_a_reconciliation_covers_the_requested_time(reconciliation):
    payment_id = reconciliation.pay_without_webhooks()
    reconciliation.wait(timedelta(days=3))
    assert reconciliation.run()["findings"] == []
    [finding] = reconciliation.run(since=clock.now() - timedelta(days=4))["findings"]
    assert (finding["kind"], finding["payment_id"]) == ("paid_unknown", payment_id)
