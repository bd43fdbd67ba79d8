"""A comparison's slices: they die, race, wait for Stripe, and all of it is compared in the end."""

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
def books(driver, monkeypatch) -> ReconciliationDriver:
    return ReconciliationDriver(driver, monkeypatch)


class Died(BaseException):
    """The process ended here."""


def test_a_process_that_dies_between_finding_and_repair_leaves_the_finding_to_the_next(books, monkeypatch):
    payment_id = books.paid_unnoticed()
    books.wait()
    reconciliation_id = books.request().json["reconciliation_id"]

    def dies(*about, **more):
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(syncing, "sync_from_stripe", dies)
        books.work()
    [finding] = books.report(reconciliation_id)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("paid_unknown", None)

    books.seen = {}  # the stream hands over the same record again
    books.work()
    report = books.report(reconciliation_id)
    assert report["status"] == "finished"
    assert [(each["kind"], each["repaired"]) for each in report["findings"]] == [("paid_unknown", True)]
    assert books.driver.payment(payment_id).captures.captured == 2000


def test_a_process_that_dies_after_a_repair_repeats_it_in_vain_and_loses_no_finding(books, monkeypatch):
    payment_id = books.paid_unnoticed()
    books.wait()
    reconciliation_id = books.request().json["reconciliation_id"]
    settle = syncing.sync_from_stripe

    def settles_and_dies(*about, **more):
        settle(*about, **more)
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(syncing, "sync_from_stripe", settles_and_dies)
        books.work()
    version = books.driver.payment(payment_id).version
    books.seen = {}
    books.work()
    [finding] = books.report(reconciliation_id)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("paid_unknown", True)
    assert books.driver.payment(payment_id).version == version


def test_of_two_slices_at_once_the_slower_one_writes_nothing(books, monkeypatch):
    payment_id = books.paid_unnoticed()
    books.wait()
    reconciliation_id = books.request().json["reconciliation_id"]
    [queued] = [row for key, row in books.driver.rows("PAYMENTS_TABLE").items() if "rec_" in key]
    read, met = stripe_lists.intents, list[bool]()

    def and_another_slice_does_it_all(*about):
        found = read(*about)
        if not met:
            met.append(True)
            books.work()
        return found

    monkeypatch.setattr(stripe_lists, "intents", and_another_slice_does_it_all)
    reconcile.reconcile(stream_event((None, queued)), Context())
    report = books.report(reconciliation_id)
    assert report["status"] == "finished"
    assert [(each["kind"], each["repaired"]) for each in report["findings"]] == [("paid_unknown", True)]
    assert books.driver.payment(payment_id).captures.captured == 2000


def test_it_goes_page_by_page_and_slice_by_slice(books, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", 2)
    paid = [books.paid_unnoticed(f"ord_{number}") for number in range(5)]
    books.wait()
    report = books.compare()
    assert books.slices > 5
    assert report["looked_at"]["payment_intents"] == 5
    assert {each["payment_id"] for each in report["findings"]} == set(paid)
    assert report["repaired"] == 5
    assert {books.driver.payment(each).captures.captured for each in paid} == {2000}


def test_with_time_left_a_slice_does_it_all(books, monkeypatch):
    monkeypatch.setattr(reconciler, "MIN_SECONDS_LEFT", 1.0)
    books.paid_unnoticed()
    assert books.find() == [("paid_unknown", "settle", True)]
    assert books.slices == 2  # the second one hears that it is over


def test_while_stripe_is_away_it_fails_visibly_and_the_next_one_compares_the_same(books):
    payment_id = books.paid_unnoticed()
    books.wait()
    books.driver.break_stripe(path="/v1/payment_intents", method="GET", times=1, status=429)
    report = books.compare()
    assert report["status"] == "failed"
    assert report["reason"].startswith("StripeUnavailable")
    assert report["finished_at"]
    assert books.driver.payment(payment_id).captures.captured == 0
    reconcile.reconcile({}, Context())  # the next hour
    books.work()
    [again, _] = books.driver.get("/admin/reconciliations", staff()).json["items"]
    assert (again["status"], again["asked_by"]) == ("finished", "schedule")
    again = books.report(again["reconciliation_id"])
    assert [(each["kind"], each["repaired"]) for each in again["findings"]] == [("paid_unknown", True)]


def test_while_orders_are_away_it_fails_visibly_too(books, monkeypatch):
    books.paid()
    books.wait()

    def away(function, question):
        raise Unavailable("A part of the shop does not answer; ask again.")

    with monkeypatch.context() as patched:
        patched.setattr(rpc, "call", away)
        assert books.compare()["status"] == "failed"
    assert books.find() == NOTHING


def test_a_comparison_can_go_back_as_far_as_it_is_asked_to(books):
    payment_id = books.paid_unnoticed()
    books.wait(timedelta(days=3))
    assert books.compare()["findings"] == []
    [finding] = books.compare(since=clock.now() - timedelta(days=4))["findings"]
    assert (finding["kind"], finding["payment_id"]) == ("paid_unknown", payment_id)
