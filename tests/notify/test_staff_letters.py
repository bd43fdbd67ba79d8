"""What needs a person at the shop reaches one, and shoppers hear their part of it."""

from datetime import timedelta
from typing import Any

import pytest

from notify.app.consume import consume
from notify.settings import settings
from shared.contracts.events import (
    DisputeData,
    Event,
    PaymentCaptureFailed,
    PaymentDisputed,
    PaymentExpiring,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentsUnreconciled,
    ReconciliationData,
    ReviewData,
)
from shared.runtime import clock
from tests.notify.event_data import AT, NUMBER, gbp, paid, payment, registered
from tests.notify.mailbox import mails, notifications, texts
from tests.notify.ses_feedback import complaint, say
from tests.support import deliver

STAFF, ADA = "staff@tillstack.example", "ada@example.com"
OF = {"payment_id": "pay_1", "order_id": "ord_1", "number": NUMBER, "user_id": "usr_1"}


def disputed(status: str, version: int = 3, due_in: timedelta = timedelta(days=9)) -> Event:
    facts = DisputeData(
        **OF,
        dispute_id="dp_1",
        status=status,
        reason="product_not_received",
        amount=gbp(1299),
        withheld=gbp(1299),
        evidence_due=clock.now() + due_in,
    )
    return PaymentDisputed.of(facts, subject="dp_1", version=version, at=AT)


def reviewed(status: str = "open") -> Event:
    return PaymentReviewed.of(ReviewData(**OF, status=status), subject="pay_1", version=3, at=AT)


def of_payment(kind: type[Event], **changes: Any) -> Event:
    return kind.of(payment(**changes), subject="pay_1", version=4, at=AT)


def unreconciled() -> Event:
    facts = ReconciliationData(reconciliation_id="rec_1", unexplained=2, summary="Two charges are not ours.")
    return PaymentsUnreconciled.of(facts, subject="rec_1", version=1, at=AT)


@pytest.mark.parametrize(
    ("event", "readers"),
    [
        (disputed("needs_response"), [STAFF]),
        (disputed("won"), [STAFF]),
        (disputed("lost"), [STAFF]),
        (disputed("under_review"), []),
        (reviewed(), [STAFF]),
        (reviewed("approved"), []),
        (unreconciled(), [STAFF]),
        (of_payment(PaymentCaptureFailed, secured=gbp(1299), reason="The hold lapsed."), [STAFF]),
        (of_payment(PaymentRefundFailed, failed_refund_amount=gbp(295)), [ADA, STAFF]),
        (
            of_payment(PaymentExpiring, secured=gbp(1299), capture_before=clock.now() + timedelta(days=1)),
            [ADA],
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else None,
)
def test_who_hears_of_it(cloud: None, event: Event, readers: list[str]) -> None:
    for _ in range(2):
        assert deliver(consume, event) == []
    assert [mail.to for mail in mails()] == [[reader] for reader in readers]
    assert texts() == []
    assert {row.status for row in notifications()} <= {"sent"}


def test_a_dispute_is_told_step_by_step(cloud: None) -> None:
    steps = [
        disputed("needs_response"),
        disputed("needs_response", 4, timedelta(days=2)),
        disputed("lost", 5),
    ]
    for event in steps:
        assert deliver(consume, event) == []
    assert [row.template for row in sorted(notifications(), key=lambda row: row.at)] == [
        "dispute_opened",
        "dispute_due",
        "dispute_lost",
    ]


def test_an_inquiry_that_becomes_a_chargeback_is_told_anew(cloud: None) -> None:
    soon = timedelta(days=2)
    steps = [
        disputed("warning_needs_response"),
        disputed("warning_needs_response", 4, soon),
        disputed("needs_response", 5),
        disputed("needs_response", 6, soon),
        disputed("lost", 7),
    ]
    for event in steps:
        assert deliver(consume, event, event) == []
    assert [row.template for row in sorted(notifications(), key=lambda row: row.at)] == [
        "dispute_opened",
        "dispute_due",
        "dispute_opened",
        "dispute_due",
        "dispute_lost",
    ]
    assert {row.status for row in notifications()} == {"sent"}
    assert len(mails()) == 5


def test_without_staff_to_write_to_it_is_recorded(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    known = settings()
    monkeypatch.setattr(
        "notify.service.telling.settings", lambda: known.model_copy(update={"notify_staff": ""})
    )
    assert deliver(consume, reviewed()) == []
    (row,) = notifications()
    assert (row.status, row.reason) == ("failed", "not an address that mail can be sent to")


def test_a_shoppers_letter_without_an_address_is_nobody_elses(cloud: None) -> None:
    assert deliver(consume, paid(email=""), registered(email="")) == []
    assert mails() == []
    assert {row.status for row in notifications()} == {"failed"}


def test_staff_who_complain_once_still_hear_of_money(cloud: None) -> None:
    assert deliver(consume, disputed("needs_response")) == []
    assert say(complaint(notifications()[0].pk, STAFF)) == []
    assert deliver(consume, disputed("lost", 5)) == []
    assert len(mails()) == 2
