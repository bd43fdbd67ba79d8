"""The local mailbox: every email that the shop sent."""

import json
import urllib.request
from dataclasses import dataclass

from localstack.cloud.local_cloud import Cloud


@dataclass(frozen=True)
class Email:
    to: str
    subject: str
    text: str
    html: str


def emails(cloud: Cloud, to: str | None = None) -> list[Email]:
    """Return the emails sent so far, oldest first; only those to the address `to`, if given."""
    with urllib.request.urlopen(cloud.mailbox_url, timeout=30) as response:
        accounts = json.load(response)["messages"].values()
    found = [
        Email(address, entry["Subject"], entry["BodyText"], entry["BodyHtml"] or "")
        for entry in sorted(
            (entry for sent in accounts for entry in sent), key=lambda entry: entry["Timestamp"]
        )
        for address in entry["To"]
    ]
    return [email for email in found if to is None or email.to.lower() == to.lower()]
