"""The domain rules of reconciliations: windows, runs, findings and differences."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import domain_events
from payments.domain.disputes import Dispute
from payments.domain.payments import Payment, Status
from payments.domain.reconciliation import differences as rules
from payments.domain.reconciliation import runs
from payments.domain.reconciliation.differences import Finding, Kind, KnownOrder, ListedIntent, Repair
from payments.domain.reconciliation.event_data import unexplained_by_kind
from payments.domain.reconciliation.runs import Latest, Run, RunStatus, Stage, Tally
from payments.tables.reconciliations import RunRow
from shared.values.money import Money
from tests.payments.samples import ORDER, having

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(**fields) -> Run:
    known: dict[str, Any] = {
        "since": NOW - HOUR,
        "until": NOW,
        "asked_by": "usr_1",
        "asked_at": NOW,
        "updated_at": NOW,
    }
    return Run("rec_1", **(known | fields))


def finding(number: int = 1, repair: Repair | None = Repair.SYNC, **fields) -> Finding:
    return Finding(
        Kind.PAID_UNKNOWN, f"pi_{number}", "so", "otherwise", f"pay_{number}", "ord_1", repair, **fields
    )


def payment(**fields) -> Payment:
    known = Payment("pay_1", ORDER, Money(amount=2000, currency="GBP"), 1, NOW, NOW)
    return having(known, **({"stripe__intent_id": "pi_1"} | fields))


def intent(status: str = "succeeded", received: int = 2000, **fields) -> ListedIntent:
    known: dict[str, Any] = {
        "currency": "GBP",
        "amount_capturable": 0,
        "amount_refunded": 0,
        "payment_id": "pay_1",
    }
    known |= {"order_id": "ord_1", "changed_at": NOW}
    return ListedIntent("pi_1", status, amount_received=received, **(known | fields))


def test_a_window_overlaps_the_last_by_an_hour_and_the_first_covers_a_day():
    assert runs.window(Latest(), None, NOW) == (NOW - timedelta(hours=24), NOW)
    known = Latest(compared_until=NOW - HOUR, wide_until=NOW - 23 * HOUR)
    assert runs.window(known, None, NOW) == (NOW - 2 * HOUR, NOW)
    assert runs.window(known, NOW - 9 * HOUR, NOW) == (NOW - 9 * HOUR, NOW)


def test_once_a_day_the_window_covers_five_weeks():
    begin = NOW - timedelta(days=35)
    known = Latest(compared_until=NOW - HOUR, wide_until=NOW - 24 * HOUR)
    assert runs.window(known, None, NOW) == (begin, NOW)
    assert runs.window(replace(known, wide_until=None), None, NOW) == (begin, NOW)
    assert runs.ended(known, finished(since=begin)).wide_until == NOW
    assert runs.ended(known, finished()).wide_until == known.wide_until
    failed = runs.failed(run(since=begin), "Stripe was unavailable.", NOW)
    assert runs.ended(known, failed) == replace(known, wide_until=NOW), (
        "a failed wide run does not delay the next ones"
    )
    assert runs.ended(Latest(), finished()).wide_until == NOW, "the first run counts as a wide one"
    long_ago = replace(known, compared_until=NOW - timedelta(days=50))
    assert runs.window(long_ago, None, NOW) == (NOW - timedelta(days=50) - HOUR, NOW)


def test_the_reconciled_time_grows_without_gaps():
    known = Latest(compared_until=NOW - 3 * HOUR)
    assert runs.ended(known, finished(since=NOW - 4 * HOUR)).compared_until == NOW
    assert runs.ended(known, finished(since=NOW - HOUR)).compared_until == NOW - 3 * HOUR
    assert runs.ended(known, run(since=NOW - 4 * HOUR)).compared_until == NOW - 3 * HOUR
    assert runs.ended(Latest(compared_until=NOW + HOUR), finished()).compared_until == NOW + HOUR
    assert runs.ended(Latest(), finished()).compared_until == NOW


def test_a_follow_up_is_kept_until_a_run_decides_it():
    requested = runs.with_repair(runs.with_findings(run(), [finding()]), finding(), None)
    assert (requested.pending, requested.tally) == ([], Tally(1, 0, 0))
    assert runs.with_findings(requested, [finding()]) == requested, "the payment changed a moment ago"
    latest = runs.ended(Latest(), requested)
    assert latest.follow_ups == (finding(attempts=1),)

    undecided = run()
    assert runs.remaining_follow_ups(undecided, latest) == latest.follow_ups
    assert runs.ended(latest, undecided).follow_ups == latest.follow_ups
    found_again = runs.with_findings(undecided, [finding()], latest.follow_ups)
    assert found_again.pending == [finding(attempts=1)]
    assert runs.ended(latest, found_again).follow_ups == latest.follow_ups, (
        "the run crashed before the repair"
    )
    for decided in (True, False):
        after = runs.with_findings(undecided, [finding(attempts=1, repaired=decided)], latest.follow_ups)
        assert after.tally == Tally(1, decided, not decided)
        assert runs.with_findings(after, [finding(repaired=decided)], latest.follow_ups) == after
        assert runs.ended(latest, after).follow_ups == ()


def test_a_repair_tried_three_times_is_left_to_staff():
    latest = Latest()
    for times in (1, 2, 3):
        again = runs.with_findings(run(), [finding()], latest.follow_ups)
        [pending] = again.pending
        latest = runs.ended(latest, runs.with_repair(again, pending, None))
        assert [each.attempts for each in latest.follow_ups] == [times]
    unrepaired = runs.with_findings(run(), [finding()], latest.follow_ups)
    assert (unrepaired.pending, unrepaired.tally) == ([], Tally(1, 0, 1))
    assert runs.ended(latest, unrepaired).follow_ups == ()


def test_follow_ups_are_the_last_stage_if_there_are_any():
    last = replace(run(), stage=Stage.DISPUTES)
    assert runs.advance(last, 0, None, False, NOW).status is RunStatus.FINISHED
    current = runs.advance(last, 0, None, False, NOW, follow_ups=3)
    assert (current.stage, current.status) == (Stage.FOLLOW_UPS, RunStatus.QUEUED)
    latest = Latest(follow_ups=tuple(finding(number, attempts=1) for number in range(3)))
    current = runs.advance(current, 2, "pi_1", True, NOW, follow_ups=3)
    assert runs.remaining_follow_ups(current, latest) == latest.follow_ups[2:]
    assert runs.advance(current, 1, "pi_2", False, NOW, follow_ups=3).status is RunStatus.FINISHED


def finished(**fields) -> Run:
    return replace(run(**fields), status=RunStatus.FINISHED)


def test_a_run_reads_all_lists_and_finishes():
    current = runs.started(run(), NOW)
    assert (current.status, current.started_at) == (RunStatus.RUNNING, NOW)
    assert runs.started(current, NOW + HOUR) == current
    current = runs.advance(current, 100, "pi_100", True, NOW)
    assert (current.stage, current.after) == (Stage.INTENTS, "pi_100")
    current = runs.advance(current, 3, "pi_103", False, NOW)
    assert (current.stage, current.after) == (Stage.REFUNDS, None)
    current = runs.advance(runs.advance(current, 0, None, False, NOW), 2, "du_2", False, NOW + HOUR)
    assert (current.status, current.finished_at) == (RunStatus.FINISHED, NOW + HOUR)
    assert current.looked_at == {"payment_intents": 103, "refunds": 0, "disputes": 2}


def test_a_finding_without_a_repair_is_unexplained_at_once():
    found = runs.with_findings(run(), [finding(1), finding(2, repair=None)])
    assert found.pending == [finding(1)]
    assert found.tally == Tally(differences=2, repaired=0, unexplained=1)
    done = runs.with_repair(found, finding(1), True)
    assert done.pending == []
    assert done.tally == Tally(differences=2, repaired=1, unexplained=1)


def test_a_finding_that_reappears_after_its_repair_is_unexplained():
    found = runs.with_findings(run(), [finding()])
    assert runs.with_findings(found, [finding()]).findings == found.findings
    done = runs.with_repair(found, finding(), True)
    assert runs.with_findings(done, []).findings == done.findings
    assert runs.with_findings(done, [finding()]).tally == Tally(1, 0, 1)


@given(st.lists(st.integers(0, 60), max_size=30), st.randoms(use_true_random=False))
def test_all_findings_are_counted_and_unexplained_ones_are_kept_first(pages, chance):
    current, number, unexplained = run(), 0, 0
    for size in pages:
        found = []
        for _ in range(size):
            number += 1
            is_unexplained = chance.random() < 0.1
            unexplained += is_unexplained
            found.append(finding(number, repair=None if is_unexplained else Repair.SYNC))
        current = runs.with_findings(current, found)
        for each in current.pending:
            current = runs.with_repair(current, each, True)
        current = replace(runs.advance(current, size, f"pi_{number}", True, NOW), stage=Stage.INTENTS)
    assert current.tally == Tally(number, number - unexplained, unexplained)
    assert len(current.findings) <= runs.MAX_FINDINGS
    kept = sum(each.repaired is False for each in current.findings)
    assert kept == min(unexplained, runs.MAX_FINDINGS)


def test_a_run_with_the_most_findings_and_one_more_page_fits_into_a_row():
    long = "x" * rules.MAX_TEXT
    found = [
        Finding(
            Kind.REFUNDED_ELSEWHERE,
            f"re_{number:024}",
            long,
            long,
            f"pay_{number:026}",
            f"ord_{number:026}",
            Repair.SYNC,
        )
        for number in range(runs.MAX_FINDINGS + 200)
    ]
    row = RunRow.of(runs.with_findings(run(), found)).serialize()
    assert len(json.dumps(row)) < 400 * 1024
    assert RunRow.from_raw_data(row).run().findings == runs.with_findings(run(), found).findings


def test_the_unexplained_findings_are_counted_by_kind_with_five_ids():
    unknown = [finding(number, repair=None) for number in range(7)]
    foreign = replace(finding(8, repair=None), kind=Kind.FOREIGN, payment_id=None, provider_id="pi_8")
    found = unexplained_by_kind(runs.with_findings(run(), [foreign, *unknown, finding(9)]))
    assert [(each.kind, each.count, each.ids) for each in found] == [
        ("paid_unknown", 7, ["pay_0", "pay_1", "pay_2", "pay_3", "pay_4"]),
        ("foreign", 1, ["pi_8"]),
    ]
    assert unexplained_by_kind(run(unlisted=Tally(1, 0, 1))) == []


@pytest.mark.parametrize(
    ("stored", "listed", "same"),
    [
        (payment(status=Status.SUCCEEDED, captures__captured=2000), intent(), True),
        (
            payment(status=Status.REFUNDED, captures__captured=2000, refunds__refunded=2000),
            intent(amount_refunded=2000),
            True,
        ),
        (payment(status=Status.DISPUTED, captures__captured=2000), intent(), True),
        (payment(), intent(), False),
        (payment(), intent("requires_payment_method", 0), True),
        (payment(status=Status.PROCESSING), intent("requires_payment_method", 0), False),
        (
            payment(status=Status.AUTHORIZED, authorization__capturable=2000),
            intent("requires_capture", 0, amount_capturable=2000),
            True,
        ),
        (payment(status=Status.AUTHORIZED, authorization__capturable=2000), intent("canceled", 0), False),
        (payment(status=Status.CANCELLED), intent("canceled", 0), True),
        (payment(status=Status.CANCELLED), intent("requires_action", 0), False),
    ],
)
def test_a_listed_intent_is_compared_with_the_stored_payment(stored, listed, same):
    assert rules.seems_same(stored, listed) is same


def order(status: str = "paid", payment_id: str | None = "pay_1", refunded: int = 0) -> KnownOrder:
    return KnownOrder("ord_1", status, payment_id, refunded)


PAID = payment(status=Status.SUCCEEDED, captures__captured=2000)
WITHHELD = Dispute("du_1", "needs_response", 2000, "fraudulent", withheld=2000)


@pytest.mark.parametrize(
    ("stored", "known", "kind"),
    [
        (PAID, order(), None),
        (PAID, order("awaiting_payment", None), Kind.ORDER_UNPAID),
        (
            payment(status=Status.AUTHORIZED, authorization__capturable=2000),
            order("awaiting_payment", None),
            Kind.ORDER_UNPAID,
        ),
        (payment(status=Status.AUTHORIZED, authorization__capturable=2000), order("paid", "pay_2"), None),
        (PAID, order("paid", "pay_2"), Kind.TWO_PAYMENTS),
        (PAID, order("expired", None), Kind.LATE_MONEY),
        (having(PAID, refunds__reserved=2000), order("expired", None), None),
        (having(PAID, refunds__reserved=2000, refunds__refunded=2000), order("paid", "pay_2"), None),
        (
            having(PAID, refunds__reserved=500, refunds__refunded=500),
            order("paid", "pay_2"),
            Kind.TWO_PAYMENTS,
        ),
        (having(PAID, refunds__reserved=500, refunds__refunded=500), order(refunded=500), None),
        (having(PAID, refunds__reserved=500, refunds__refunded=500), order(), Kind.REFUNDED_DIFFERS),
        (PAID, order(refunded=500), Kind.REFUNDED_DIFFERS),
        (PAID, order("cancelled"), Kind.LATE_MONEY),
        (PAID, order("cancelled", refunded=500), Kind.REFUNDED_DIFFERS),
        (having(PAID, refunds__reserved=2000), order("cancelled"), None),
        (
            having(PAID, refunds__reserved=500, refunds__refunded=500),
            order("cancelled", refunded=500),
            Kind.LATE_MONEY,
        ),
        (having(PAID, disputes__items=(WITHHELD,)), order("cancelled"), None),
        (payment(status=Status.AUTHORIZED, authorization__capturable=2000), order("cancelled"), None),
    ],
)
def test_a_payment_is_compared_with_its_order(stored, known, kind):
    found = rules.order_difference(stored, known)
    assert (found.kind if found else None) is kind


@pytest.mark.parametrize(("cancel_requested", "repair"), [(True, None), (False, Repair.CANCEL)])
def test_late_money_is_left_to_staff_if_cancellation_was_requested(cancel_requested, repair):
    found = rules.order_difference(replace(PAID, cancel_requested=cancel_requested), order("cancelled"))
    assert found is not None
    assert (found.kind, found.repair) == (Kind.LATE_MONEY, repair)


def test_the_unpaid_intent_of_an_expired_session_cannot_be_paid():
    closed = payment(status=Status.CANCELLED, stripe__session_id="cs_1")
    assert not rules.can_be_paid(closed, intent("requires_payment_method", 0))
    assert rules.can_be_paid(closed, intent("requires_capture", 0))
    assert rules.can_be_paid(payment(stripe__session_id="cs_1"), intent("requires_payment_method", 0))
    assert rules.can_be_paid(payment(status=Status.CANCELLED), intent("requires_payment_method", 0))
    assert not rules.can_be_paid(payment(), intent("canceled", 0))


def test_an_order_that_ended_recently_is_left_to_its_event():
    opened, listed = payment(), intent("requires_payment_method", 0)
    ended = replace(order("expired", None), expires_at=NOW)
    assert rules.cancellation_difference(opened, listed, ended, NOW + timedelta(minutes=4)) is None
    found = rules.cancellation_difference(opened, listed, ended, NOW + timedelta(minutes=6))
    assert found is not None
    assert (found.kind, found.repair) == (Kind.NOT_CANCELLED, Repair.CANCEL)
    assert rules.cancellation_difference(opened, listed, replace(ended, status="paid"), NOW + HOUR) is None


@pytest.mark.parametrize(
    ("stored", "kinds"),
    [
        (PAID, ["payment.succeeded"]),
        (having(PAID, refunds__reserved=500, refunds__refunded=500), ["payment.succeeded"]),
        (payment(status=Status.AUTHORIZED, authorization__capturable=2000), ["payment.authorized"]),
        (payment(), []),
    ],
)
def test_republishing_repeats_the_latest_event_about_the_money(stored, kinds):
    events = domain_events.derive(stored, replace(stored, republish_count=1))
    assert [each.event_class.event_type() for each in events] == kinds
    assert [*domain_events.derive(stored, stored)] == []
