"""Payments to look at, and Stripe's events for staff."""

from payments.schemas import (
    LedgerEntryView,
    PaymentsQuery,
    PaymentView,
    RefundView,
    ReplayAccepted,
    WebhooksQuery,
    WebhookView,
)
from payments.service import deliveries, reading
from shared.http.identity import GUEST, STAFF, Caller
from shared.http.paging import Page, PageQuery
from shared.http.routing import Routes

routes = Routes()


@routes.get("/payments/{payment_id}", role=GUEST)
def get_payment(caller: Caller, payment_id: str) -> PaymentView:
    """One of your payments."""
    return PaymentView.of(reading.payment(caller, payment_id))


@routes.get("/payments", role=GUEST)
def list_payments(caller: Caller, query: PaymentsQuery) -> Page[PaymentView]:
    """The payments of one of your orders, oldest first."""
    found, cursor = reading.payments_of(caller, query.order_id, query.limit, query.cursor)
    return Page[PaymentView](items=[PaymentView.of(each) for each in found], next_cursor=cursor)


@routes.get("/payments/{payment_id}/refunds", role=STAFF)
def list_refunds(payment_id: str, query: PageQuery) -> Page[RefundView]:
    """A payment's refunds, those made at Stripe by hand included."""
    held, found, cursor = reading.refunds_of(payment_id, query.limit, query.cursor)
    items = [RefundView.of(each, held.amount.currency) for each in found]
    return Page[RefundView](items=items, next_cursor=cursor)


@routes.get("/payments/{payment_id}/ledger", role=STAFF)
def list_ledger(payment_id: str, query: PageQuery) -> Page[LedgerEntryView]:
    """What happened to a payment's money, in double entry, oldest first."""
    found, cursor = reading.ledger_of(payment_id, query.limit, query.cursor)
    return Page[LedgerEntryView](items=[LedgerEntryView.of(each) for each in found], next_cursor=cursor)


@routes.get("/admin/webhooks", role=STAFF)
def list_webhooks(query: WebhooksQuery) -> Page[WebhookView]:
    """The events that Stripe sent, newest first; where no status is asked for, what failed comes first."""
    found, cursor = deliveries.listed(query.status, query.limit, query.cursor)
    return Page[WebhookView](items=[WebhookView.of(each) for each in found], next_cursor=cursor)


@routes.post("/admin/webhooks/{event_id}/replay", role=STAFF, status=202, repeatable=True)
def replay_webhook(event_id: str) -> ReplayAccepted:
    """Apply an event of Stripe's once more."""
    deliveries.replay(event_id)
    return ReplayAccepted(event_id=event_id)
