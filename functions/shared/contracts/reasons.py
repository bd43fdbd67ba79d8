"""The reason codes that services exchange; the wording of each, in every language, is in notify."""

from enum import StrEnum

# Decline codes whose reason the cardholder must not learn (https://docs.stripe.com/declines/codes).
CONFIDENTIAL_DECLINES = frozenset(
    {"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "stolen_card"}
)


def cardholder_reason(code: str | None) -> str:
    """Return the decline code that the cardholder may learn: a general one for a confidential or unknown
    reason."""
    return "generic_decline" if code is None or code in CONFIDENTIAL_DECLINES else code


class CancelReason(StrEnum):
    """The reason why an order was cancelled or expired."""

    REQUESTED_BY_CUSTOMER = "requested_by_customer"
    REQUESTED_BY_SHOP = "requested_by_shop"
    PAYMENT_OVERDUE = "payment_overdue"
    AUTHORIZATION_EXPIRED = "authorization_expired"
    PAYMENT_REFUNDED = "payment_refunded"
    REJECTED = "rejected"


class RefundReason(StrEnum):
    """The reason for a refund. Staff may give a text of their own instead of a code."""

    REQUESTED_BY_CUSTOMER = "requested_by_customer"
    REQUESTED_BY_SHOP = "requested_by_shop"
    REQUESTED_BY_STAFF = "requested_by_staff"
    GOODS_RETURNED = "goods_returned"
    AMOUNT_MISMATCH = "amount_mismatch"
    ORDER_NOT_PAYABLE = "order_not_payable"
    CREATED_IN_STRIPE = "created_in_stripe"
