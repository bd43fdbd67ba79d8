"""Scheduled actions: expiry of authorizations and sessions, delayed refunds and debits, dispute deadlines."""

import logging
from collections.abc import Callable

from localstack.stripe.errors import StripeError
from localstack.stripe.resources import checkout, disputes, holds, refund_outcomes
from localstack.stripe.unit import Unit

log = logging.getLogger(__name__)
_ACTIONS: dict[str, Callable[[Unit, str], None]] = {
    "expire_session": checkout.expire_if_open,
    "close_dispute": disputes.close_unanswered,
    "end_evidence": disputes.end_evidence,
    "finish_debit": checkout.finish_debit,
    "finish_refund": refund_outcomes.finish,
    "void_authorization": holds.expire,
}


def run_due(unit: Unit) -> None:
    """Run the due timers, and those that they make due, in the caller's transaction.

    A timer that fails is logged and deleted, so that it does not block the others.
    """
    while due := unit.store.rows("SELECT * FROM timers WHERE due_at <= ? ORDER BY due_at, id", unit.now):
        for timer in due:
            unit.store.rows("DELETE FROM timers WHERE id = ?", timer["id"])
            try:
                with unit.store.attempt():
                    _ACTIONS[timer["action"]](unit, timer["target"])
            except StripeError:
                log.exception("timer failed: %s %s", timer["action"], timer["target"])
