"""What notify hears, and the letter that each is a reason for."""

from notify.domain import accounts, orders, payments, staff
from notify.domain.addresses import e164
from notify.service.telling import tell
from notify.tables import readers
from shared.contracts.events import (
    DisputeData,
    FulfilmentData,
    InvoiceData,
    OrderData,
    PaymentData,
    ReconciliationData,
    ReturnData,
    ReviewData,
    UserData,
)
from shared.runtime import clock


def welcome(user: UserData, event_id: str, version: int) -> None:
    """Remember how a new user is reached, and greet them."""
    readers.keep_contact(user.user_id, user.email, user.name, e164(user.phone or ""), version)
    tell(accounts.welcome(user), event_id)


def confirm_order(order: OrderData, event_id: str) -> None:
    """Confirm a paid order."""
    tell(orders.confirmation(order), event_id)


def report_expiry(order: OrderData, event_id: str) -> None:
    """Say that an unpaid order was given up."""
    tell(orders.expired(order), event_id)


def report_cancellation(order: OrderData, event_id: str) -> None:
    """Say that an order was cancelled, and why."""
    tell(orders.cancelled(order), event_id)


def send_invoice(issued: InvoiceData, event_id: str) -> None:
    """Send an invoice as a PDF."""
    tell(orders.invoice(issued), event_id)


def report_parcel(parcel: FulfilmentData, event_id: str) -> None:
    """Say that a parcel is on its way."""
    tell(orders.shipped(parcel), event_id)


def report_delivery(order: OrderData, event_id: str) -> None:
    """Say that all of an order arrived."""
    tell(orders.delivered(order), event_id)


def report_decision(back: ReturnData, event_id: str) -> None:
    """Say whether goods may come back."""
    tell(orders.return_decided(back), event_id)


def report_return(back: ReturnData, event_id: str) -> None:
    """Say that goods came back, and what that brings."""
    tell(orders.return_received(back), event_id)


def report_decline(payment: PaymentData, event_id: str) -> None:
    """Say that a payment failed and how to try again."""
    tell(payments.failed(payment, event_id), event_id)


def report_refund(payment: PaymentData, event_id: str) -> None:
    """Say that money went back."""
    tell(payments.refunded(payment, event_id), event_id)


def ask_to_pay_again(payment: PaymentData, event_id: str) -> None:
    """Say that a hold lapses soon, and how to pay anew."""
    tell(payments.reauthorize(payment), event_id)


def report_failed_refund(payment: PaymentData, event_id: str) -> None:
    """Say that money did not get back, to whom it belongs and to staff."""
    tell(payments.refund_failed(payment, event_id), event_id)
    tell(staff.refund_failed(payment, event_id), event_id)


def report_failed_capture(payment: PaymentData, event_id: str) -> None:
    """Tell staff that goods left and their money does not come."""
    tell(staff.capture_failed(payment, event_id), event_id)


def report_dispute(dispute: DisputeData, event_id: str) -> None:
    """Tell staff of a dispute: what is to be done, or how it ended."""
    tell(staff.disputed(dispute, clock.now()), event_id)


def report_review(review: ReviewData, event_id: str) -> None:
    """Tell staff that Stripe wants a person to look."""
    tell(staff.reviewed(review), event_id)


def report_unreconciled(found: ReconciliationData, event_id: str) -> None:
    """Tell staff what a comparison with Stripe could not explain."""
    tell(staff.unreconciled(found), event_id)
