"""Comparisons with Stripe, for staff."""

from payments.schemas import AskReconciliation, ReconciliationReport, ReconciliationView
from payments.service import reconciliations
from shared.http.identity import STAFF, Caller
from shared.http.paging import Page, PageQuery
from shared.http.routing import Routes
from shared.runtime import clock

routes = Routes()


@routes.get("/admin/reconciliations", role=STAFF)
def list_reconciliations(query: PageQuery) -> Page[ReconciliationView]:
    """Comparisons of what is held here with what Stripe has, newest first."""
    found, cursor = reconciliations.listed(query.limit, query.cursor)
    return Page[ReconciliationView](items=[ReconciliationView.of(each) for each in found], next_cursor=cursor)


@routes.get("/admin/reconciliations/{reconciliation_id}", role=STAFF)
def get_reconciliation(reconciliation_id: str) -> ReconciliationReport:
    """One comparison: each difference, and what was done about it."""
    return ReconciliationReport.of(reconciliations.one(reconciliation_id))


@routes.post("/admin/reconciliations", role=STAFF, status=202)
def ask_reconciliation(caller: Caller, body: AskReconciliation) -> ReconciliationView:
    """Compare now; where a comparison runs, that one is answered."""
    return ReconciliationView.of(reconciliations.ask(caller.user_id, body.since, clock.now()))
