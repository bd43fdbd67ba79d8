"""Notifications, emails and text messages as shoppers, staff and email clients see them."""

import json
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, quote

from localstack.cloud.local_cloud import REGION, Cloud
from localstack.demo.shopper import until
from localstack.mail.mailbox import emails
from tests.journeys.conftest import after_pause, new_key


def text_messages(local, number):
    """Return the text messages that were sent to a number, oldest first."""
    query = f"phoneNumber={quote(number)}&region={REGION}"
    with urllib.request.urlopen(f"{local.endpoint}/_ministack/sns/sms-messages?{query}", timeout=30) as page:
        return [sent["Message"] for sent in json.load(page)["sms_messages"][number]]


def _notifications(shopper, order=None):
    """Return the shopper's notifications, optionally of one order, by template and channel."""
    items = shopper.shop.expect(200, "GET", "/notifications?limit=100")["items"]
    found = [item for item in items if order is None or item["order_id"] == order["order_id"]]
    notifications = {(item["template"], item["channel"]): item for item in found}
    assert len(notifications) == len(found), "each notification is sent once per channel"
    return notifications


def wait_for_notifications(shopper, statuses, order=None):
    """Wait until the notifications have exactly these statuses, and return them."""

    def look():
        notifications = _notifications(shopper, order)
        found = {key: item["status"] for key, item in notifications.items()}
        return notifications if found == statuses else None

    return until(look, f"{shopper.email} to have the notifications {statuses}")


def wait_for_emails(local, to, count):
    """Wait for this number of emails to an address, check that no more follow, and return them."""
    until(lambda: len(emails(local, to)) >= count, f"{count} emails to {to}")
    found = after_pause(lambda: emails(local, to), seconds=1)
    assert len(found) == count, [email.subject for email in found]
    return found


def bounces(shopper, order):
    """Return the details of the order's timeline entries about messages that bounced."""
    timeline = shopper.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline")
    return [entry["detail"] for entry in timeline if entry["type"] == "notification.bounced"]


def send_email(staff, to, **body):
    """Send an email as staff and return the id of its notification."""
    email = {"to": to, "subject": "Your question", "text": "All lamps are in stock."} | body
    return staff.expect(202, "POST", "/notifications/email", email, **new_key())["notification_id"]


def send_offer(staff, to):
    return send_email(staff, to, subject="Lamps, half price", category="marketing")


def wait_for_offers(local, staff, to, count):
    """Send an offer, wait until the address has this number of emails, and return them."""
    assert wait_for_notification(staff, to, send_offer(staff, to))["status"] == "sent"
    return wait_for_emails(local, to, count)


def _of_recipient(staff, to):
    return staff.expect(200, "GET", f"/notifications?recipient={quote(to)}")["items"]


def wait_for_notification(staff, to, notification_id):
    """Wait until the notification is not `queued` and return it as staff see it."""

    def look():
        items = _of_recipient(staff, to)
        return [i for i in items if i["notification_id"] == notification_id and i["status"] != "queued"]

    return until(look, f"{notification_id} to be processed")[0]


def one_click(url, link):
    """Unsubscribe as an email client (RFC 8058, 3.2) and the page's button do; return the status."""
    request = urllib.request.Request(url + link, b"List-Unsubscribe=One-Click", method="POST")
    request.add_header("Content-Type", "application/x-www-form-urlencoded")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@contextmanager
def capture_raw_emails(local: Cloud) -> Iterator[list[EmailMessage]]:
    """Collect every email that is sent within the block, with the headers that the mailbox does not keep.

    The sending function uses a proxy of AWS meanwhile. All emails must be sent before the block ends.
    """
    captured: list[EmailMessage] = []

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            engine = HTTPConnection("127.0.0.1", local.engine_port, timeout=30)
            engine.request("POST", self.path, body, dict(self.headers))
            answer = engine.getresponse()
            content = answer.read()
            engine.close()
            params = parse_qs(body.decode("latin-1"))
            if params.get("Action") == ["SendRawEmail"]:
                mime = b64decode(params["RawMessage.Data"][0])
                captured.append(message_from_bytes(mime, policy=policy.default))
            self.send_response(answer.status)
            for name in ("Content-Type", "x-amz-crc32", "x-amzn-ErrorType", "X-Amz-Function-Error"):
                if value := answer.headers[name]:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        _set_sender_endpoint(local, f"http://127.0.0.1:{server.server_port}")
        try:
            yield captured
        finally:
            _set_sender_endpoint(local, None)
            server.shutdown()


def _set_sender_endpoint(local: Cloud, endpoint: str | None) -> None:
    client = local.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    (name,) = [name for name in names if "NotifyConsumer" in name]
    known = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables = {key: value for key, value in known.items() if key != "AWS_ENDPOINT_URL"}
    variables |= {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
