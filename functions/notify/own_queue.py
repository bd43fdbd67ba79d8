"""The service's own queue, for sending stored messages of staff."""

import json

from notify.settings import settings
from shared.runtime import observability
from shared.runtime.aws import client

SEND = "send_notification"


def send(notification_id: str) -> None:
    """Queue a stored notification. Queued twice, it is still sent once."""
    message = {"id": notification_id, "command": SEND, "requestid": observability.request_id()}
    client("sqs").send_message(QueueUrl=settings().notify_queue_url, MessageBody=json.dumps(message))
