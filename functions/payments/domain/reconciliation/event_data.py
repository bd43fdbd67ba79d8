"""The data of the event about a reconciliation's unexplained differences."""

from payments.domain.reconciliation.runs import Run
from shared.contracts.events.payments import DifferencesData

MAX_NAMED = 5  # payments per kind in an email to staff; the reconciliation lists all of them


def unexplained_by_kind(run: Run) -> list[DifferencesData]:
    """Return the stored unexplained findings by kind, the most frequent kind first."""
    ids: dict[str, list[str]] = {}
    for finding in run.findings:
        if finding.repaired is False:
            ids.setdefault(finding.kind.value, []).append(finding.payment_id or finding.provider_id)
    return [
        DifferencesData(kind=kind, count=len(found), ids=[*dict.fromkeys(found)][:MAX_NAMED])
        for kind, found in sorted(ids.items(), key=lambda pair: -len(pair[1]))
    ]
