"""Requests for reconciliations by staff and schedules: one at a time, readable while they run."""

from datetime import datetime, timedelta

import pytest

from payments.app import reads, reconcile
from payments.domain.reconciliation.runs import DEAD_AFTER
from payments.tables import reconciliations as table
from shared.runtime import clock
from tests.payments.reconciliation_driver import ReconciliationDriver
from tests.payments.test_function_imports import loaded
from tests.support import Context, Identity, call, customer, guest, idempotency_headers, staff, stream_event


@pytest.fixture
def reconciliation(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


def test_a_request_only_writes_a_row(reconciliation):
    requested = reconciliation.request()
    assert requested.status == 202
    found = requested.json
    assert (found["status"], found["asked_by"], found["looked_at"]) == ("queued", "usr_staff", {})
    assert found["started_at"] is found["finished_at"] is found["reason"] is None
    since = datetime.fromisoformat(found["since"])
    assert timedelta(hours=23) < clock.now() - since < timedelta(hours=25)


def test_a_request_during_a_run_returns_that_run(reconciliation):
    first = reconciliation.request().json["reconciliation_id"]
    assert reconciliation.request().json["reconciliation_id"] == first
    reconciliation.stream()
    running = reconciliation.request().json
    assert (running["reconciliation_id"], running["status"]) == (first, "running")
    assert running["started_at"]
    reconciliation.work()
    assert reconciliation.request().json["reconciliation_id"] != first


def test_concurrent_requests_return_the_same_run(reconciliation, monkeypatch):
    read, first = table.latest, list[str]()

    def with_concurrent_request():
        known = read()
        if not first:
            first.append("")
            first[0] = reconciliation.request().json["reconciliation_id"]
        return known

    monkeypatch.setattr(table, "latest", with_concurrent_request)
    assert reconciliation.request().json["reconciliation_id"] == first[0]
    assert len(reconciliation.driver.get("/admin/reconciliations", staff()).json["items"]) == 1


def test_the_same_key_replays_the_response_after_the_run_ended(reconciliation):
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
    reconciliation.work()
    again = request()
    assert again.text == first.text
    assert again.header("Idempotent-Replayed") == "true"


@pytest.mark.parametrize("who", [customer(), guest()])
def test_only_staff_may_reconcile(reconciliation, who: Identity):
    assert call(reads.api, "POST", "/admin/reconciliations", body={}, caller=who).status == 403
    assert reconciliation.driver.get("/admin/reconciliations", who).status == 403
    assert reconciliation.driver.get("/admin/reconciliations/rec_1", who).status == 403


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
def test_since_must_be_in_the_past_and_not_before_stripe(reconciliation, since):
    refused = reconciliation.request(since=since)
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == "/since"
    assert reconciliation.driver.rows("PAYMENTS_TABLE") == {}


def test_since_is_returned_in_utc(reconciliation):
    requested = reconciliation.request(since="2026-01-20T00:00:00+05:30")
    assert (requested.status, requested.json["since"]) == (202, "2026-01-19T18:30:00Z")


@pytest.mark.parametrize("reconciliation_id", ["rec_1", "latest", "payment"])
def test_an_unknown_reconciliation_is_404(reconciliation, reconciliation_id):
    reconciliation.request()
    assert reconciliation.driver.get(f"/admin/reconciliations/{reconciliation_id}", staff()).status == 404


def test_reconciliations_are_listed_newest_first_without_findings(reconciliation):
    made = list[str]()
    for _ in range(3):
        reconciliation.paid_unnoticed(f"ord_{len(made)}")
        reconciliation.wait()
        reconciliation.deliver_to_orders()
        made.append(reconciliation.compare()["reconciliation_id"])
    page = reconciliation.driver.get("/admin/reconciliations?limit=2", staff()).json
    rest = reconciliation.driver.get(
        f"/admin/reconciliations?limit=2&cursor={page['next_cursor']}", staff()
    ).json
    listed = page["items"] + rest["items"]
    assert [each["reconciliation_id"] for each in listed] == made[::-1]
    assert [(each["differences"], each["repaired"]) for each in listed] == [(1, 1)] * 3
    assert "findings" not in listed[0]
    assert rest["next_cursor"] is None


def test_scheduled_windows_begin_an_hour_before_the_last_end(reconciliation):
    reconcile.reconcile({"id": "hourly"}, Context())
    reconciliation.work()
    reconciliation.wait(timedelta(hours=1))
    reconcile.reconcile({"id": "hourly"}, Context())
    reconciliation.work()
    second, first = reconciliation.driver.get("/admin/reconciliations", staff()).json["items"]
    assert {first["asked_by"], second["asked_by"]} == {"schedule"}
    since, until = datetime.fromisoformat(second["since"]), datetime.fromisoformat(first["until"])
    assert since == until - timedelta(hours=1)


def test_a_dead_reconciliation_is_failed_and_replaced(reconciliation):
    first = reconciliation.request().json["reconciliation_id"]
    reconciliation.wait(DEAD_AFTER - timedelta(minutes=1))
    assert reconciliation.request().json["reconciliation_id"] == first
    reconciliation.wait(timedelta(minutes=2))
    second = reconciliation.request().json["reconciliation_id"]
    assert second != first
    given_up = reconciliation.report(first)
    assert (given_up["status"], given_up["reason"]) == (
        "failed",
        "The reconciliation stopped without a result.",
    )
    reconciliation.work()
    assert reconciliation.report(second)["status"] == "finished"
    assert reconciliation.report(first)["status"] == "failed"


def test_an_outdated_stream_record_changes_nothing(reconciliation):
    reconciliation.request()
    [queued] = [row for key, row in reconciliation.driver.rows("PAYMENTS_TABLE").items() if "rec_" in key]
    reconciliation.stream()
    before = reconciliation.driver.rows("PAYMENTS_TABLE")
    reconcile.reconcile(stream_event((None, queued)), Context())
    assert reconciliation.driver.rows("PAYMENTS_TABLE") == before


def test_other_rows_are_not_reconciliations(reconciliation):
    reconciliation.driver.order()
    reconciliation.driver.pay()
    rows = reconciliation.driver.rows("PAYMENTS_TABLE")
    reconcile.reconcile(stream_event(*((None, row) for row in rows.values())), Context())
    assert reconciliation.driver.rows("PAYMENTS_TABLE") == rows


def test_only_the_reconciler_imports_the_stripe_sdk():
    assert "stripe" not in loaded("payments.app.reads")
    assert {"stripe", "requests"} <= loaded("payments.app.reconcile")
