"""Comparisons with Stripe as staff and schedules ask for them: one at a time, seen as they go."""

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
def books(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


def test_asking_writes_it_down_and_does_nothing_else(books):
    asked = books.request()
    assert asked.status == 202
    found = asked.json
    assert (found["status"], found["asked_by"], found["looked_at"]) == ("queued", "usr_staff", {})
    assert found["started_at"] is found["finished_at"] is found["reason"] is None
    since = datetime.fromisoformat(found["since"])
    assert timedelta(hours=23) < clock.now() - since < timedelta(hours=25)


def test_who_asks_while_one_runs_gets_that_one(books):
    first = books.request().json["reconciliation_id"]
    assert books.request().json["reconciliation_id"] == first
    books.stream()
    running = books.request().json
    assert (running["reconciliation_id"], running["status"]) == (first, "running")
    assert running["started_at"]
    books.work()
    assert books.request().json["reconciliation_id"] != first


def test_two_who_ask_at_once_get_the_same_one(books, monkeypatch):
    read, first = table.latest, list[str]()

    def and_another_asks_meanwhile():
        known = read()
        if not first:
            first.append("")
            first[0] = books.request().json["reconciliation_id"]
        return known

    monkeypatch.setattr(table, "latest", and_another_asks_meanwhile)
    assert books.request().json["reconciliation_id"] == first[0]
    assert len(books.driver.get("/admin/reconciliations", staff()).json["items"]) == 1


def test_the_same_key_gets_the_same_answer_though_it_is_long_over(books):
    def ask():
        return call(
            reads.api,
            "POST",
            "/admin/reconciliations",
            body={},
            caller=staff(),
            headers=idempotency_headers("once"),
        )

    first = ask()
    books.work()
    again = ask()
    assert again.text == first.text
    assert again.header("Idempotent-Replayed") == "true"


@pytest.mark.parametrize("who", [customer(), guest()])
def test_it_is_for_staff(books, who: Identity):
    assert call(reads.api, "POST", "/admin/reconciliations", body={}, caller=who).status == 403
    assert books.driver.get("/admin/reconciliations", who).status == 403
    assert books.driver.get("/admin/reconciliations/rec_1", who).status == 403


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
def test_since_is_a_moment_in_stripes_past(books, since):
    refused = books.request(since=since)
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == "/since"
    assert books.driver.rows("PAYMENTS_TABLE") == {}


def test_since_is_told_in_utc(books):
    asked = books.request(since="2026-01-20T00:00:00+05:30")
    assert (asked.status, asked.json["since"]) == (202, "2026-01-19T18:30:00Z")


@pytest.mark.parametrize("reconciliation_id", ["rec_1", "latest", "payment"])
def test_what_there_is_not_is_not_found(books, reconciliation_id):
    books.request()
    assert books.driver.get(f"/admin/reconciliations/{reconciliation_id}", staff()).status == 404


def test_they_are_listed_newest_first_without_their_findings(books):
    made = list[str]()
    for _ in range(3):
        books.paid_unnoticed(f"ord_{len(made)}")
        books.wait()
        books.deliver_to_orders()
        made.append(books.compare()["reconciliation_id"])
    page = books.driver.get("/admin/reconciliations?limit=2", staff()).json
    rest = books.driver.get(f"/admin/reconciliations?limit=2&cursor={page['next_cursor']}", staff()).json
    listed = page["items"] + rest["items"]
    assert [each["reconciliation_id"] for each in listed] == made[::-1]
    assert [(each["differences"], each["repaired"]) for each in listed] == [(1, 1)] * 3
    assert "findings" not in listed[0]
    assert rest["next_cursor"] is None


def test_the_schedule_asks_too_and_each_goes_on_an_hour_before_the_last_ones_end(books):
    reconcile.reconcile({"id": "hourly"}, Context())
    books.work()
    books.wait(timedelta(hours=1))
    reconcile.reconcile({"id": "hourly"}, Context())
    books.work()
    second, first = books.driver.get("/admin/reconciliations", staff()).json["items"]
    assert {first["asked_by"], second["asked_by"]} == {"schedule"}
    since, until = datetime.fromisoformat(second["since"]), datetime.fromisoformat(first["until"])
    assert since == until - timedelta(hours=1)


def test_one_that_says_nothing_for_long_is_given_up_and_another_begins(books):
    first = books.request().json["reconciliation_id"]
    books.wait(DEAD_AFTER - timedelta(minutes=1))
    assert books.request().json["reconciliation_id"] == first
    books.wait(timedelta(minutes=2))
    second = books.request().json["reconciliation_id"]
    assert second != first
    given_up = books.report(first)
    assert (given_up["status"], given_up["reason"]) == (
        "failed",
        "The reconciliation stopped without a result.",
    )
    books.work()
    assert books.report(second)["status"] == "finished"
    assert books.report(first)["status"] == "failed"


def test_a_record_of_an_earlier_write_changes_nothing(books):
    books.request()
    [queued] = [row for key, row in books.driver.rows("PAYMENTS_TABLE").items() if "rec_" in key]
    books.stream()
    before = books.driver.rows("PAYMENTS_TABLE")
    reconcile.reconcile(stream_event((None, queued)), Context())
    assert books.driver.rows("PAYMENTS_TABLE") == before


def test_other_rows_of_the_table_are_none_of_its_concern(books):
    books.driver.order()
    books.driver.pay()
    rows = books.driver.rows("PAYMENTS_TABLE")
    reconcile.reconcile(stream_event(*((None, row) for row in rows.values())), Context())
    assert books.driver.rows("PAYMENTS_TABLE") == rows


def test_what_only_shows_comparisons_does_not_load_stripe_and_what_makes_them_does():
    assert "stripe" not in loaded("payments.app.reads")
    assert {"stripe", "requests"} <= loaded("payments.app.reconcile")
