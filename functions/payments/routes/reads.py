"""The routes that read payments, and Stripe's events for staff."""

from payments.domain.payments import NoSuchPayment
from payments.schemas.requests import PaymentsQuery, WebhooksQuery
from payments.schemas.responses import LedgerEntryView, PaymentView, RefundView, ReplayAccepted, WebhookView
from payments.service import inbox_list, queries
from payments.service.inbox_list import NoSuchEvent
from shared.http.identity import GUEST, STAFF, Caller
from shared.http.paging import Page, PageQuery
from shared.http.routing import Routes

routes = Routes()


@routes.get("/payments/{payment_id}", role=GUEST, raises=(NoSuchPayment,))
def get_payment(caller: Caller, payment_id: str) -> PaymentView:
    """Get one of your payments."""
    return PaymentView.of(queries.payment(caller, payment_id), caller)


@routes.get("/payments", role=GUEST)
def list_payments(caller: Caller, query: PaymentsQuery) -> Page[PaymentView]:
    """List the payments of one of your orders, oldest first."""
    found = queries.payments_of(caller, query.order_id, query.limit, query.cursor)
    return Page[PaymentView].of_items(found, lambda each: PaymentView.of(each, caller))


@routes.get("/payments/{payment_id}/refunds", role=STAFF, raises=(NoSuchPayment,))
def list_refunds(payment_id: str, query: PageQuery) -> Page[RefundView]:
    """List a payment's refunds, including those created in Stripe."""
    held, found = queries.refunds_of(payment_id, query.limit, query.cursor)
    return Page[RefundView].of_items(found, lambda each: RefundView.of(each, held.amount.currency))


@routes.get("/payments/{payment_id}/ledger", role=STAFF, raises=(NoSuchPayment,))
def list_ledger(payment_id: str, query: PageQuery) -> Page[LedgerEntryView]:
    """List a payment's postings in double entry, oldest first."""
    found = queries.ledger_of(payment_id, query.limit, query.cursor)
    return Page[LedgerEntryView].of_items(found, LedgerEntryView.of)


@routes.get("/admin/webhooks", role=STAFF)
def list_webhooks(query: WebhooksQuery) -> Page[WebhookView]:
    """List the events that Stripe sent, newest first.

    Without a status, failed events come first. An event is listed once it was applied, ignored or failed, and
    as `received` if it is not applied after some minutes.
    """
    found = inbox_list.list_events(query.status, query.limit, query.cursor)
    return Page[WebhookView].of_items(found, WebhookView.of)


@routes.post(
    "/admin/webhooks/{event_id}/replay", role=STAFF, status=202, repeatable=True, raises=(NoSuchEvent,)
)
def replay_webhook(event_id: str) -> ReplayAccepted:
    """Apply a Stripe event again."""
    inbox_list.replay(event_id)
    return ReplayAccepted(event_id=event_id)
