"""Notify's own queue, for what staff write: the notification is a row by then, the message names it."""

import json

from notify.settings import settings
from shared.runtime import observability
from shared.runtime.aws import client

SEND = "send_notification"


def send(notification_id: str) -> None:
    """Have a notification sent, once however often this is asked."""
    message = {"id": notification_id, "command": SEND, "requestid": observability.request_id()}
    client("sqs").send_message(QueueUrl=settings().notify_queue_url, MessageBody=json.dumps(message))
