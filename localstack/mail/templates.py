"""Which of the shop's letters a mail is: its subject tells."""

from collections import Counter

from localstack.cloud.local_cloud import Cloud
from localstack.mail.mailbox import mails

SUBJECTS = {
    "welcome": "Welcome to ",
    "confirmed": " is confirmed",
    "invoice": "Your invoice ",
    "shipped": " is on its way",
    "delivered": " has been delivered",
    "cancelled": " is cancelled",
    "expired": " has expired",
    "return approved": " is approved",
    "return rejected": " is not accepted",
    "return received": " has arrived",
    "payment failed": "Payment failed ",
    "refunded": "A refund ",
    "pay again": "Please pay again ",
    "refund failed": "Your refund ",
    "inquiry opened": "A bank asks about ",
    "dispute opened": " disputes ",
    "evidence due": "Evidence for ",
    "dispute won": "Dispute won",
    "dispute lost": "Dispute lost",
    "capture failed": "could not be charged",
    "review": "Please review ",
    "unreconciled": "The books differ",
}


def letter(subject: str) -> str:
    """The letter's name, `other` for one that is not known."""
    return next((name for name, words in SUBJECTS.items() if words in subject), "other")


def letters(cloud: Cloud, to: str) -> Counter[str]:
    """How often an address got each letter so far."""
    return Counter(letter(mail.subject) for mail in mails(cloud, to))
