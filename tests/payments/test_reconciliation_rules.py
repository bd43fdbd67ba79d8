"""The rules of reconciliations, tested with plain values."""

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
from payments.domain.reconciliation.runs import Latest, Run, RunStatus, Stage, Tally
from payments.tables.reconciliations import RunRow
from shared.values.money import Money
from tests.payments.samples import ORDER, having

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(**about) -> Run:
    known: dict[str, Any] = {
        "since": NOW - HOUR,
        "until": NOW,
        "asked_by": "usr_1",
        "asked_at": NOW,
        "updated_at": NOW,
    }
    return Run("rec_1", **(known | about))


def finding(number: int = 1, repair: Repair | None = Repair.SYNC, **about) -> Finding:
    return Finding(
        Kind.PAID_UNKNOWN, f"pi_{number}", "so", "otherwise", f"pay_{number}", "ord_1", repair, **about
    )


def payment(**about) -> Payment:
    known = Payment("pay_1", ORDER, Money(amount=2000, currency="GBP"), 1, NOW, NOW)
    return having(known, **({"stripe__intent_id": "pi_1"} | about))


def intent(status: str = "succeeded", received: int = 2000, **about) -> ListedIntent:
    known: dict[str, Any] = {
        "currency": "GBP",
        "amount_capturable": 0,
        "amount_refunded": 0,
        "payment_id": "pay_1",
    }
    known |= {"order_id": "ord_1", "changed_at": NOW}
    return ListedIntent("pi_1", status, amount_received=received, **(known | about))


def test_a_window_begins_an_hour_before_the_last_end_or_a_day_ago():
    assert runs.window(Latest(), None, NOW) == (NOW - timedelta(hours=24), NOW)
    known = Latest(compared_until=NOW - HOUR, wide_until=NOW - 23 * HOUR)
    assert runs.window(known, None, NOW) == (NOW - 2 * HOUR, NOW)
    assert runs.window(known, NOW - 9 * HOUR, NOW) == (NOW - 9 * HOUR, NOW)


def test_a_window_begins_five_weeks_ago_once_a_day():
    begin = NOW - timedelta(days=35)
    known = Latest(compared_until=NOW - HOUR, wide_until=NOW - 24 * HOUR)
    assert runs.window(known, None, NOW) == (begin, NOW)
    assert runs.window(replace(known, wide_until=None), None, NOW) == (begin, NOW)
    assert runs.ended(known, finished(since=begin)).wide_until == NOW
    assert runs.ended(known, finished()).wide_until == known.wide_until
    failed = runs.failed(run(since=begin), "Stripe was unavailable.", NOW)
    assert runs.ended(known, failed) == replace(known, wide_until=NOW), "recent objects do not wait for it"
    assert runs.ended(Latest(), finished()).wide_until == NOW, "a day after the first"
    long_ago = replace(known, compared_until=NOW - timedelta(days=50))
    assert runs.window(long_ago, None, NOW) == (NOW - timedelta(days=50) - HOUR, NOW)


def test_the_compared_time_grows_without_gaps():
    known = Latest(compared_until=NOW - 3 * HOUR)
    assert runs.ended(known, finished(since=NOW - 4 * HOUR)).compared_until == NOW
    assert runs.ended(known, finished(since=NOW - HOUR)).compared_until == NOW - 3 * HOUR
    assert runs.ended(known, run(since=NOW - 4 * HOUR)).compared_until == NOW - 3 * HOUR
    assert runs.ended(Latest(compared_until=NOW + HOUR), finished()).compared_until == NOW + HOUR
    assert runs.ended(Latest(), finished()).compared_until == NOW


def test_follow_ups_pass_to_the_next_run_until_they_are_decided():
    waiting = runs.with_repair(runs.with_findings(run(), [finding()]), finding(), None)
    assert (waiting.pending, waiting.tally) == ([], Tally(1, 0, 0))
    assert runs.with_findings(waiting, [finding()]) == waiting, "it changed a moment ago"
    latest = runs.ended(Latest(), waiting)
    assert latest.follow_ups == (finding(attempts=1),)

    undecided = run()
    assert runs.remaining_follow_ups(undecided, latest) == latest.follow_ups
    assert runs.ended(latest, undecided).follow_ups == latest.follow_ups
    found_again = runs.with_findings(undecided, [finding()], latest.follow_ups)
    assert found_again.pending == [finding(attempts=1)]
    assert runs.ended(latest, found_again).follow_ups == latest.follow_ups, "it died before the repair"
    for decided in (True, False):
        over = runs.with_findings(undecided, [finding(attempts=1, repaired=decided)], latest.follow_ups)
        assert over.tally == Tally(1, decided, not decided)
        assert runs.with_findings(over, [finding(repaired=decided)], latest.follow_ups) == over
        assert runs.ended(latest, over).follow_ups == ()


def test_a_repair_attempted_three_times_is_left_to_staff():
    latest = Latest()
    for times in (1, 2, 3):
        again = runs.with_findings(run(), [finding()], latest.follow_ups)
        [pending] = again.pending
        latest = runs.ended(latest, runs.with_repair(again, pending, None))
        assert [each.attempts for each in latest.follow_ups] == [times]
    in_vain = runs.with_findings(run(), [finding()], latest.follow_ups)
    assert (in_vain.pending, in_vain.tally) == ([], Tally(1, 0, 1))
    assert runs.ended(latest, in_vain).follow_ups == ()


def test_follow_ups_are_the_last_stage_if_there_are_any():
    last = replace(run(), stage=Stage.DISPUTES)
    assert runs.advance(last, 0, None, False, NOW).status is RunStatus.FINISHED
    going = runs.advance(last, 0, None, False, NOW, follow_ups=3)
    assert (going.stage, going.status) == (Stage.FOLLOW_UPS, RunStatus.QUEUED)
    latest = Latest(follow_ups=tuple(finding(number, attempts=1) for number in range(3)))
    going = runs.advance(going, 2, "pi_1", True, NOW, follow_ups=3)
    assert runs.remaining_follow_ups(going, latest) == latest.follow_ups[2:]
    assert runs.advance(going, 1, "pi_2", False, NOW, follow_ups=3).status is RunStatus.FINISHED


def finished(**about) -> Run:
    return replace(run(**about), status=RunStatus.FINISHED)


def test_a_run_reads_all_lists():
    going = runs.started(run(), NOW)
    assert (going.status, going.started_at) == (RunStatus.RUNNING, NOW)
    assert runs.started(going, NOW + HOUR) == going
    going = runs.advance(going, 100, "pi_100", True, NOW)
    assert (going.stage, going.after) == (Stage.INTENTS, "pi_100")
    going = runs.advance(going, 3, "pi_103", False, NOW)
    assert (going.stage, going.after) == (Stage.REFUNDS, None)
    going = runs.advance(runs.advance(going, 0, None, False, NOW), 2, "du_2", False, NOW + HOUR)
    assert (going.status, going.finished_at) == (RunStatus.FINISHED, NOW + HOUR)
    assert going.looked_at == {"payment_intents": 103, "refunds": 0, "disputes": 2}


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
def test_all_findings_are_counted_and_unexplained_ones_are_stored_first(pages, chance):
    going, number, unexplained = run(), 0, 0
    for size in pages:
        found = []
        for _ in range(size):
            number += 1
            odd = chance.random() < 0.1
            unexplained += odd
            found.append(finding(number, repair=None if odd else Repair.SYNC))
        going = runs.with_findings(going, found)
        for each in going.pending:
            going = runs.with_repair(going, each, True)
        going = replace(runs.advance(going, size, f"pi_{number}", True, NOW), stage=Stage.INTENTS)
    assert going.tally == Tally(number, number - unexplained, unexplained)
    assert len(going.findings) <= runs.MAX_FINDINGS
    kept = sum(each.repaired is False for each in going.findings)
    assert kept == min(unexplained, runs.MAX_FINDINGS)


def test_a_full_run_and_one_more_page_fit_into_a_row():
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


def test_a_summary_counts_kinds_and_names_a_few_payments():
    odd = [finding(number, repair=None) for number in range(7)]
    published = runs.summary(runs.with_findings(run(), [*odd, finding(9)]))
    assert published == "7 paid_unknown: pay_0, pay_1, pay_2, pay_3, pay_4"
    assert runs.summary(run(unlisted=Tally(1, 0, 1))) == "no finding is stored"


@pytest.mark.parametrize(
    ("held", "listed", "same"),
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
def test_a_listed_intent_is_compared_with_the_payment(held, listed, same):
    assert rules.seems_same(held, listed) is same


def order(status: str = "paid", payment_id: str | None = "pay_1", refunded: int = 0) -> KnownOrder:
    return KnownOrder("ord_1", status, payment_id, refunded)


PAID = payment(status=Status.SUCCEEDED, captures__captured=2000)
WITHHELD = Dispute("du_1", "needs_response", 2000, "fraudulent", withheld=2000)


@pytest.mark.parametrize(
    ("held", "known", "kind"),
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
def test_a_payment_is_compared_with_its_order(held, known, kind):
    found = rules.order_difference(held, known)
    assert (found.kind if found else None) is kind


@pytest.mark.parametrize(("cancel_requested", "repair"), [(True, None), (False, Repair.CANCEL)])
def test_a_payment_of_a_recorded_ended_order_is_left_to_staff(cancel_requested, repair):
    found = rules.order_difference(replace(PAID, cancel_requested=cancel_requested), order("cancelled"))
    assert found is not None
    assert (found.kind, found.repair) == (Kind.LATE_MONEY, repair)


def test_the_intent_of_an_expired_session_cannot_be_paid():
    closed = payment(status=Status.CANCELLED, stripe__session_id="cs_1")
    assert not rules.can_be_paid(closed, intent("requires_payment_method", 0))
    assert rules.can_be_paid(closed, intent("requires_capture", 0))
    assert rules.can_be_paid(payment(stripe__session_id="cs_1"), intent("requires_payment_method", 0))
    assert rules.can_be_paid(payment(status=Status.CANCELLED), intent("requires_payment_method", 0))
    assert not rules.can_be_paid(payment(), intent("canceled", 0))


def test_a_recently_ended_order_is_left_to_its_event():
    opened, listed = payment(), intent("requires_payment_method", 0)
    ended = replace(order("expired", None), expires_at=NOW)
    assert rules.cancellation_difference(opened, listed, ended, NOW + timedelta(minutes=4)) is None
    found = rules.cancellation_difference(opened, listed, ended, NOW + timedelta(minutes=6))
    assert found is not None
    assert (found.kind, found.repair) == (Kind.NOT_CANCELLED, Repair.CANCEL)
    assert rules.cancellation_difference(opened, listed, replace(ended, status="paid"), NOW + HOUR) is None


@pytest.mark.parametrize(
    ("held", "kinds"),
    [
        (PAID, ["payment.succeeded"]),
        (having(PAID, refunds__reserved=500, refunds__refunded=500), ["payment.succeeded"]),
        (payment(status=Status.AUTHORIZED, authorization__capturable=2000), ["payment.authorized"]),
        (payment(), []),
    ],
)
def test_publishing_again_repeats_the_latest_event(held, kinds):
    events = domain_events.derive(held, replace(held, republish_count=1))
    assert [each.event_class.event_type() for each in events] == kinds
    assert [*domain_events.derive(held, held)] == []
