"""Events that SES publishes about emails, in the format of its documentation."""

import json
from typing import Any

from notify.app.feedback import consume
from tests.support import Context, sqs_event

AT = "2026-11-21T09:42:30.669Z"


def mail_object(notification_id: str, to: str = "ada@example.com", *, tagged: bool = True) -> dict[str, Any]:
    """Return the `mail` object of an event: `tagged` by the configuration set, or that of an identity."""
    headers = [
        {"name": "From", "value": "Tillstack <orders@tillstack.example>"},
        {"name": "To", "value": to},
        {"name": "X-Notification-Id", "value": notification_id},
    ]
    tags = {"ses:configuration-set": ["tillstack-test"], "notification": [notification_id]}
    return {
        "timestamp": AT,
        "source": "Tillstack <orders@tillstack.example>",
        "sendingAccountId": "123456789012",
        "messageId": "EXAMPLE7c191be45",
        "destination": [to],
        "headersTruncated": False,
        "headers": headers,
        "commonHeaders": {"to": [to], "subject": "Your order"},
    } | ({"tags": tags} if tagged else {})


def bounce(
    notification_id: str, kind: str = "Permanent", to: str = "ada@example.com", *, tagged: bool = True
) -> str:
    recipient = {
        "emailAddress": to,
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return json.dumps(
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [recipient],
                "timestamp": AT,
                "feedbackId": "01000157c44f053b",
                "reportingMTA": "dsn; mta.example.com",
            },
            "mail": mail_object(notification_id, to, tagged=tagged),
        }
    )


def complaint(notification_id: str, to: str = "ada@example.com") -> str:
    details = {
        "complainedRecipients": [{"emailAddress": to}],
        "timestamp": AT,
        "feedbackId": "01000157c44f053b",
        "complaintFeedbackType": "abuse",
    }
    return json.dumps(
        {"eventType": "Complaint", "complaint": details, "mail": mail_object(notification_id, to)}
    )


def delivery(notification_id: str, to: str = "ada@example.com") -> str:
    details = {
        "timestamp": AT,
        "processingTimeMillis": 11893,
        "recipients": [to],
        "smtpResponse": "250 2.6.0 Message received",
    }
    return json.dumps(
        {"eventType": "Delivery", "delivery": details, "mail": mail_object(notification_id, to)}
    )


def reject(notification_id: str) -> str:
    details = {"reason": "Bad content"}
    return json.dumps({"eventType": "Reject", "reject": details, "mail": mail_object(notification_id)})


def delayed(notification_id: str) -> str:
    details = {"delayType": "TransientCommunicationFailure", "expirationTime": AT, "delayedRecipients": []}
    return json.dumps(
        {"eventType": "DeliveryDelay", "deliveryDelay": details, "mail": mail_object(notification_id)}
    )


def deliver_feedback(*events: str) -> list[str]:
    """Pass SES events to the consumer as one SQS batch; return the ids of the failed messages."""
    response = consume(sqs_event(*events), Context())
    return [item["itemIdentifier"] for item in response["batchItemFailures"]]
