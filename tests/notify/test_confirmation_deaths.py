"""The death of the process at each call while a paid order is confirmed and invoiced."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from notify import own_queue
from notify.app.consume import consume
from shared.runtime import clock
from tests.notify.conftest import InvoiceFunction
from tests.notify.event_data import invoiced, paid
from tests.notify.mailbox import emails, notifications
from tests.notify.requests import DEFAULTS, ProcessDied, register_customer
from tests.notify.test_process_death import dying_at
from tests.support import Context, sqs_event


class Queue:
    """The service's queue with a process that dies once: what it did not finish returns after 180 s."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *bodies: str) -> None:
        self.monkeypatch = monkeypatch
        self.start = clock.now()
        self.due = [(0, number, body) for number, body in enumerate(bodies)]

    def run(self) -> None:
        """Deliver every message until it succeeds, at most five times as before a dead-letter queue."""
        tries: Counter[str] = Counter()
        while self.due:
            at, number, body = min(self.due)
            self.due.remove((at, number, body))
            tries[body] += 1
            assert tries[body] <= 5, body
            self.monkeypatch.setattr(clock, "now", lambda at=at: self.start + timedelta(seconds=at))
            try:
                failed = consume(sqs_event(body), Context())["batchItemFailures"]
            except ProcessDied:
                failed = [body]
            if failed:
                self.due.append((at + 180, number, body))


CALLS = range(1, 13)  # all events together make fewer calls


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("call_number", CALLS)
@pytest.mark.parametrize("names", ["new invoiced due", "new due invoiced", "invoiced new due"])
def test_after_a_death_at_any_call_nothing_is_lost_and_at_most_one_email_is_repeated(
    cloud: None,
    orders: InvoiceFunction,
    monkeypatch: pytest.MonkeyPatch,
    names: str,
    call_number: int,
    answered: bool,
) -> None:
    register_customer(DEFAULTS)
    before = len(emails())
    known = {
        "new": paid().model_dump_json(exclude_none=True),
        "due": json.dumps(own_queue.postponed(paid())),
        "invoiced": invoiced().model_dump_json(exclude_none=True),
    }
    queue = Queue(monkeypatch, *(known[name] for name in names.split()))
    with dying_at(call_number, answered=answered):
        queue.run()
    sent = emails()[before:]
    copies = Counter(email.headers["X-Notification-Id"] for email in sent)
    assert "Your order 7K4M2-9QX2D is confirmed" in {email.subject for email in sent}
    assert sum(copies.values()) - len(copies) <= 1
    invoices = {email.headers["X-Notification-Id"] for email in sent if email.attachments}
    assert len(invoices) == 1, "the invoice is attached to the confirmation or sent alone"
    assert {row.status for row in notifications()} == {"sent"}
