"""The kinds of emails in the local mailbox, recognised by their English subjects and sentences."""

from collections import Counter

from localstack.cloud.local_cloud import Cloud
from localstack.mail.mailbox import Email, emails

SUBJECTS = {
    "welcome": "Welcome to ",
    "confirmed": " is confirmed",
    "invoice": "Your invoice ",
    "shipped": " is on its way",
    "delivered": " has been delivered",
    "cancelled": " has been cancelled",
    "expired": " has expired",
    "return approved": " is approved",
    "return rejected": " was not accepted",
    "return received": " has arrived",
    "payment failed": "Payment failed ",
    "refund failed": " did not arrive",
    "refunded": "Your refund ",
    "pay again": "Please pay again ",
    "inquiry opened": "A bank asks about ",
    "dispute opened": " disputes ",
    "evidence due": "Evidence for ",
    "dispute won": "Dispute won",
    "dispute lost": "Dispute lost",
    "capture failed": "could not be charged",
    "staff refund failed": "A refund for ",
    "review": "Please review ",
    "unreconciled": "Reconciliation ",
}
INVOICE_ATTACHED = " is attached to this email as a PDF."


def kind_of(subject: str) -> str:
    """Return the kind of email; `other` if it is unknown."""
    return next((name for name, text in SUBJECTS.items() if text in subject), "other")


def kinds_of(email: Email) -> list[str]:
    """Return the email's kind; two kinds for a confirmation with the invoice attached."""
    kind = kind_of(email.subject)
    has_invoice = kind == "confirmed" and INVOICE_ATTACHED in " ".join(email.text.split())
    return [kind, "invoice"] if has_invoice else [kind]


def count_by_kind(cloud: Cloud, to: str) -> Counter[str]:
    """Return how often each kind of email was sent to the address; see `kinds_of`."""
    return Counter(kind for email in emails(cloud, to) for kind in kinds_of(email))
