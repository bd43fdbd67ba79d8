"""What time itself brings about: authorisations and sessions that run out, refunds that settle."""

from collections.abc import Callable

from localstack.stripe.resources import checkout, confirmation, refunds
from localstack.stripe.unit import Unit

_ACTIONS: dict[str, Callable[[Unit, str], None]] = {
    "expire_session": checkout.lapse,
    "settle_refund": refunds.settle,
    "void_authorization": confirmation.void,
}


def run_due(unit: Unit) -> None:
    """Do, within the caller's transaction, all that is due at the unit's time."""
    due = unit.store.rows("SELECT * FROM timers WHERE due_at <= ? ORDER BY due_at, id", unit.now)
    for timer in due:
        unit.store.rows("DELETE FROM timers WHERE id = ?", timer["id"])
        _ACTIONS[timer["action"]](unit, timer["target"])
