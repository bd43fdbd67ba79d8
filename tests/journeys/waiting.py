"""What people were told, as they, staff and their mail programs see it."""

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
from localstack.mail.mailbox import mails
from tests.journeys.conftest import new_key, settled


def texts(local, number):
    """What text messages said to a number, oldest first."""
    query = f"phoneNumber={quote(number)}&region={REGION}"
    with urllib.request.urlopen(f"{local.endpoint}/_ministack/sns/sms-messages?{query}", timeout=30) as page:
        return [sent["Message"] for sent in json.load(page)["sms_messages"][number]]


def _told(reader, order=None):
    """What they were told, of an order where it is given: by template and channel."""
    items = reader.shop.expect(200, "GET", "/notifications?limit=100")["items"]
    found = [item for item in items if order is None or item["order_id"] == order["order_id"]]
    told = {(item["template"], item["channel"]): item for item in found}
    assert len(told) == len(found), "each thing is told once by each channel"
    return told


def told_when(reader, statuses, order=None):
    """What they were told, as soon as it has come to exactly this."""

    def look():
        told = _told(reader, order)
        return told if {key: item["status"] for key, item in told.items()} == statuses else None

    return until(look, f"{reader.email} to be told {statuses}")


def mails_when(local, to, count):
    """All mails to an address, as soon as there are so many; a moment later there are no more."""
    until(lambda: len(mails(local, to)) >= count, f"{count} mails to {to}")
    found = settled(lambda: mails(local, to), seconds=1)
    assert len(found) == count, [mail.subject for mail in found]
    return found


def bounces(reader, order):
    """What the order's timeline says of mails that did not arrive."""
    timeline = reader.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline")
    return [entry["detail"] for entry in timeline if entry["type"] == "notification.bounced"]


def write_mail(staff, to, **body):
    """Staff's mail to somebody; its notification's id."""
    letter = {"to": to, "subject": "Your question", "text": "All lamps are in stock."} | body
    return staff.expect(202, "POST", "/notifications/email", letter, **new_key())["notification_id"]


def offer(staff, to):
    return write_mail(staff, to, subject="Lamps, half price", category="marketing")


def offered(local, staff, to, count):
    """All mails to an address, once an offer was sent as the last of so many."""
    assert of_recipient_when(staff, to, offer(staff, to))["status"] == "sent"
    return mails_when(local, to, count)


def _of_recipient(staff, to):
    return staff.expect(200, "GET", f"/notifications?recipient={quote(to)}")["items"]


def of_recipient_when(staff, to, notification_id):
    """A notification as staff see it, as soon as it was sent or not."""

    def look():
        items = _of_recipient(staff, to)
        return [i for i in items if i["notification_id"] == notification_id and i["status"] != "queued"]

    return until(look, f"{notification_id} to be settled")[0]


def one_click(url, link):
    """What a mail program does (RFC 8058, 3.2), and what the page's button does; the answer's status."""
    request = urllib.request.Request(url + link, b"List-Unsubscribe=One-Click", method="POST")
    request.add_header("Content-Type", "application/x-www-form-urlencoded")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@contextmanager
def raw_mails(local: Cloud) -> Iterator[list[EmailMessage]]:
    """Every mail that leaves within the block, with its headers, which the mailbox does not keep: the
    function that sends them finds AWS behind an ear. Let it come to rest before the block ends."""
    heard: list[EmailMessage] = []

    class Ear(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            engine = HTTPConnection("127.0.0.1", local.engine_port, timeout=30)
            engine.request("POST", self.path, body, dict(self.headers))
            answer = engine.getresponse()
            content = answer.read()
            engine.close()
            said = parse_qs(body.decode("latin-1"))
            if said.get("Action") == ["SendRawEmail"]:
                mime = b64decode(said["RawMessage.Data"][0])
                heard.append(message_from_bytes(mime, policy=policy.default))
            self.send_response(answer.status)
            for name in ("Content-Type", "x-amz-crc32", "x-amzn-ErrorType", "X-Amz-Function-Error"):
                if value := answer.headers[name]:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        _sender_finds_aws(local, f"http://127.0.0.1:{server.server_port}")
        try:
            yield heard
        finally:
            _sender_finds_aws(local, None)
            server.shutdown()


def _sender_finds_aws(local: Cloud, endpoint: str | None) -> None:
    client = local.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    (name,) = [name for name in names if "NotifyConsumer" in name]
    known = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables = {key: value for key, value in known.items() if key != "AWS_ENDPOINT_URL"}
    variables |= {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
