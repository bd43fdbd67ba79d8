"""The local cloud's mailbox: every mail that the shop sent."""

import json
import urllib.request
from dataclasses import dataclass

from localstack.cloud.local_cloud import Cloud


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str


def mails(cloud: Cloud, to: str | None = None) -> list[Mail]:
    """The mails sent so far, oldest first; those to one address, if it is given."""
    with urllib.request.urlopen(cloud.mailbox_url, timeout=30) as response:
        accounts = json.load(response)["messages"].values()
    found = [
        Mail(address, entry["Subject"], entry["BodyText"], entry["BodyHtml"] or "")
        for entry in sorted(
            (entry for sent in accounts for entry in sent), key=lambda entry: entry["Timestamp"]
        )
        for address in entry["To"]
    ]
    return [mail for mail in found if to is None or mail.to.lower() == to.lower()]
