"""Reconciliations: requests by staff and the schedule, states, and reports."""

from datetime import datetime, timedelta

import pytest

from payments.app import reads, reconcile
from payments.domain.reconciliation.runs import DEAD_AFTER
from payments.tables import reconciliations as table
from shared.runtime import clock
from tests.payments.test_function_imports import imported_packages
from tests.support import Context, Identity, call, customer, guest, idempotency_headers, staff, stream_event


def test_a_request_only_queues_a_reconciliation(reconciliation):
    requested = reconciliation.request()
    assert requested.status == 202
    found = requested.json
    assert (found["status"], found["asked_by"], found["looked_at"]) == ("queued", "usr_staff", {})
    assert found["started_at"] is found["finished_at"] is found["reason"] is None
    since = datetime.fromisoformat(found["since"])
    assert timedelta(hours=23) < clock.now() - since < timedelta(hours=25)


def test_a_request_while_one_runs_returns_that_one(reconciliation):
    first = reconciliation.request().json["reconciliation_id"]
    assert reconciliation.request().json["reconciliation_id"] == first
    reconciliation.run_slice()
    running = reconciliation.request().json
    assert (running["reconciliation_id"], running["status"]) == (first, "running")
    assert running["started_at"]
    reconciliation.run_slices()
    assert reconciliation.request().json["reconciliation_id"] != first


def test_concurrent_requests_return_the_same_reconciliation(driver, reconciliation, monkeypatch):
    read, first = table.latest, list[str]()

    def read_then_request_another():
        known = read()
        if not first:
            first.append("")
            first[0] = reconciliation.request().json["reconciliation_id"]
        return known

    monkeypatch.setattr(table, "latest", read_then_request_another)
    assert reconciliation.request().json["reconciliation_id"] == first[0]
    assert len(driver.get("/admin/reconciliations", staff()).json["items"]) == 1


def test_a_repeated_key_returns_the_first_response_after_the_run(reconciliation):
    def request():
        return call(
            reads.api,
            "POST",
            "/admin/reconciliations",
            body={},
            caller=staff(),
            headers=idempotency_headers("once"),
        )

    first = request()
    reconciliation.run_slices()
    again = request()
    assert again.text == first.text
    assert again.header("Idempotent-Replayed") == "true"


@pytest.mark.parametrize("caller", [customer(), guest()])
def test_only_staff_can_use_reconciliations(driver, reconciliation, caller: Identity):
    assert call(reads.api, "POST", "/admin/reconciliations", body={}, caller=caller).status == 403
    assert driver.get("/admin/reconciliations", caller).status == 403
    assert driver.get("/admin/reconciliations/rec_1", caller).status == 403


@pytest.mark.parametrize(
    "since",
    [
        "2999-01-01T00:00:00Z",
        "yesterday",
        "2026-01-01T00:00:00",
        7,
        "0001-01-01T00:00:00+14:00",
        "0026-01-01T00:00:00Z",
        "2009-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_since_must_be_a_time_between_2010_and_now(driver, reconciliation, since):
    rejected = reconciliation.request(since=since)
    assert rejected.status == 422
    assert rejected.json["errors"][0]["pointer"] == "/since"
    assert driver.rows("PAYMENTS_TABLE") == {}


def test_since_is_returned_in_utc(reconciliation):
    requested = reconciliation.request(since="2026-01-20T00:00:00+05:30")
    assert (requested.status, requested.json["since"]) == (202, "2026-01-19T18:30:00Z")


@pytest.mark.parametrize("reconciliation_id", ["rec_1", "latest", "payment"])
def test_an_unknown_reconciliation_is_not_found(driver, reconciliation, reconciliation_id):
    reconciliation.request()
    assert driver.get(f"/admin/reconciliations/{reconciliation_id}", staff()).status == 404


def test_reconciliations_are_listed_newest_first_without_findings(driver, reconciliation):
    reconciliation_ids = list[str]()
    for _ in range(3):
        reconciliation.pay_without_webhooks(f"ord_{len(reconciliation_ids)}")
        reconciliation.wait()
        reconciliation.deliver_to_orders()
        reconciliation_ids.append(reconciliation.run()["reconciliation_id"])
    page = driver.get("/admin/reconciliations?limit=2", staff()).json
    rest = driver.get(f"/admin/reconciliations?limit=2&cursor={page['next_cursor']}", staff()).json
    listed = page["items"] + rest["items"]
    assert [each["reconciliation_id"] for each in listed] == reconciliation_ids[::-1]
    assert [(each["differences"], each["repaired"]) for each in listed] == [(1, 1)] * 3
    assert "findings" not in listed[0]
    assert rest["next_cursor"] is None


def test_a_scheduled_run_starts_an_hour_before_the_end_of_the_last(driver, reconciliation):
    reconcile.reconcile({"id": "hourly"}, Context())
    reconciliation.run_slices()
    reconciliation.wait(timedelta(hours=1))
    reconcile.reconcile({"id": "hourly"}, Context())
    reconciliation.run_slices()
    second, first = driver.get("/admin/reconciliations", staff()).json["items"]
    assert {first["asked_by"], second["asked_by"]} == {"schedule"}
    since, until = datetime.fromisoformat(second["since"]), datetime.fromisoformat(first["until"])
    assert since == until - timedelta(hours=1)


def test_a_run_without_progress_fails_and_another_one_starts(reconciliation):
    first = reconciliation.request().json["reconciliation_id"]
    reconciliation.wait(DEAD_AFTER - timedelta(minutes=1))
    assert reconciliation.request().json["reconciliation_id"] == first
    reconciliation.wait(timedelta(minutes=2))
    second = reconciliation.request().json["reconciliation_id"]
    assert second != first
    failed = reconciliation.report(first)
    assert (failed["status"], failed["reason"]) == (
        "failed",
        "The reconciliation stopped without a result.",
    )
    reconciliation.run_slices()
    assert reconciliation.report(second)["status"] == "finished"
    assert reconciliation.report(first)["status"] == "failed"


def test_a_stream_record_of_an_earlier_write_changes_nothing(driver, reconciliation):
    reconciliation.request()
    [queued] = [row for key, row in driver.rows("PAYMENTS_TABLE").items() if "rec_" in key]
    reconciliation.run_slice()
    before = driver.rows("PAYMENTS_TABLE")
    reconcile.reconcile(stream_event((None, queued)), Context())
    assert driver.rows("PAYMENTS_TABLE") == before


def test_other_rows_of_the_table_are_ignored(driver, reconciliation):
    driver.order()
    driver.pay()
    rows = driver.rows("PAYMENTS_TABLE")
    reconcile.reconcile(stream_event(*((None, row) for row in rows.values())), Context())
    assert driver.rows("PAYMENTS_TABLE") == rows


def test_only_the_reconciler_function_loads_the_stripe_sdk():
    assert "stripe" not in imported_packages("payments.app.reads")
    assert {"stripe", "requests"} <= imported_packages("payments.app.reconcile")
