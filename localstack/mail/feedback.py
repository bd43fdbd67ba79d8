"""Simulated delivery feedback: the local AWS engine sends none.

`python -m localstack.mail.feedback --name dev NOTIFICATION_ID bounce|complaint|delivery`
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import Any

from localstack.cloud.local_cloud import Cloud, LocalCloudError

TABLE = "tillstack-local-notifications"
TOPIC = "tillstack-local-notify-feedback"
KINDS = ("bounce", "complaint", "delivery")


def publish(cloud: Cloud, notification_id: str, kind: str) -> None:
    """Publish SES's event of this kind for a sent email. Raises LocalCloudError if there is none."""
    key = {"pk": {"S": notification_id}}
    row = cloud.client("dynamodb").get_item(TableName=TABLE, Key=key).get("Item")
    if row is None or row["channel"]["S"] != "email" or "provider_id" not in row:
        raise LocalCloudError(
            f"{notification_id} is not an email that was sent; GET /notifications lists them"
        )
    sns = cloud.client("sns")
    pages = sns.get_paginator("list_topics").paginate()
    arns = [topic["TopicArn"] for page in pages for topic in page["Topics"]]
    arn = next((arn for arn in arns if arn.endswith(f":{TOPIC}")), None)
    if arn is None:
        raise LocalCloudError(f"the local cloud '{cloud.name}' has no topic {TOPIC}")
    feedback = event(kind, notification_id, row["to"]["S"], row["provider_id"]["S"], datetime.now(UTC))
    sns.publish(TopicArn=arn, Message=json.dumps(feedback))


def event(kind: str, notification_id: str, to: str, message_id: str, at: datetime) -> dict[str, Any]:
    """Return the event as SES publishes it.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
    """
    timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    details: dict[str, Any] = {"timestamp": timestamp}
    if kind == "bounce":
        diagnostic = "smtp; 550 5.1.1 user unknown"
        failed = {"emailAddress": to, "action": "failed", "status": "5.1.1", "diagnosticCode": diagnostic}
        details |= {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [failed]}
    elif kind == "complaint":
        details |= {"complainedRecipients": [{"emailAddress": to}], "complaintFeedbackType": "abuse"}
    else:
        details |= {"processingTimeMillis": 1200, "recipients": [to], "smtpResponse": "250 2.6.0 Received"}
    email = {
        "timestamp": timestamp,
        "messageId": message_id,
        "destination": [to],
        "headersTruncated": False,
        "headers": [{"name": "To", "value": to}, {"name": "X-Notification-Id", "value": notification_id}],
        "tags": {"notification": [notification_id]},
    }
    return {"eventType": kind.capitalize(), kind: details, "mail": email}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m localstack.mail.feedback", description=__doc__)
    parser.add_argument("--name", default="dev")
    parser.add_argument("notification_id")
    parser.add_argument("kind", choices=KINDS)
    options = parser.parse_args()
    try:
        publish(Cloud.load(options.name), options.notification_id, options.kind)
    except LocalCloudError as error:
        sys.exit(f"feedback: {error}")
