"""The routes of reconciliations, for staff."""

from payments.schemas.requests import RequestReconciliation
from payments.schemas.responses import ReconciliationReport, ReconciliationView
from payments.service import reconciliations
from payments.service.reconciliations import NoSuchReconciliation
from shared.http.identity import STAFF, Caller
from shared.http.paging import Page, PageQuery
from shared.http.routing import Routes
from shared.runtime import clock

routes = Routes()


@routes.get("/admin/reconciliations", role=STAFF)
def list_reconciliations(query: PageQuery) -> Page[ReconciliationView]:
    """List the reconciliations with Stripe, newest first."""
    found = reconciliations.list_runs(query.limit, query.cursor)
    return Page[ReconciliationView].of_items(found, ReconciliationView.of)


@routes.get("/admin/reconciliations/{reconciliation_id}", role=STAFF, raises=(NoSuchReconciliation,))
def get_reconciliation(reconciliation_id: str) -> ReconciliationReport:
    """Get one reconciliation with its differences and their repairs."""
    return ReconciliationReport.of(reconciliations.get(reconciliation_id))


@routes.post("/admin/reconciliations", role=STAFF, status=202)
def request_reconciliation(caller: Caller, body: RequestReconciliation) -> ReconciliationView:
    """Start a reconciliation, or return the running one."""
    return ReconciliationView.of(reconciliations.request(caller.user_id, body.since, clock.now()))
