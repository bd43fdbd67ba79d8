"""Notifications by email and text message, in the language and by the preferences of the recipient."""

import random
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote
from uuid import uuid4

import pytest

from localstack.cloud.shop import Shop
from localstack.demo.shopper import Shopper, ship_order, until
from localstack.mail.feedback import publish
from localstack.mail.mailbox import emails
from tests.journeys.calls import problem_of
from tests.journeys.conftest import after_pause, new_key, pay_and_wait, wait_for_messages
from tests.journeys.waiting import (
    bounces,
    capture_raw_emails,
    one_click,
    send_email,
    send_offer,
    text_messages,
    wait_for_emails,
    wait_for_notification,
    wait_for_notifications,
    wait_for_offers,
)


@pytest.fixture
def number():
    """A mobile number without notifications."""
    return f"+447700{random.randrange(10**6):06}"


@pytest.fixture
def address():
    """An email address without an account."""
    return f"shopper.{uuid4().hex[:10]}@example.com"


@pytest.fixture
def customer(local, url, anonymous, address, number):
    """A registered customer with a mobile number."""
    account = {"email": address, "password": f"A8!{uuid4().hex}"}
    written = f"{number[:3]} (0){number[3:7]} {number[7:]}"
    anonymous.expect(201, "POST", "/users/register", account | {"name": "Ada Reader", "phone": written})
    tokens = anonymous.expect(200, "POST", "/users/login", account)
    customer = Shopper(local, Shop(url, tokens["access_token"]), address)
    wait_for_messages(customer, "welcome")
    return customer


def _choose(customer, if_match=None, **choice):
    """PUT the default preferences, changed by `choice`."""
    usual = {"email": {"orders": True, "marketing": False}, "sms": {"orders": False, "marketing": False}}
    headers = {} if if_match is None else {"If_Match": if_match}
    return customer.shop.call("PUT", "/notifications/preferences", usual | choice, **headers)


def _by_text(*, orders):
    return {"sms": {"orders": orders, "marketing": False}}


def test_a_customer_gets_german_emails_and_text_messages(local, staff, customer, number, place_order):
    preferences = customer.shop.call("GET", "/notifications/preferences")
    assert (preferences.body["version"], preferences.body["sms"]["orders"]) == (0, False)
    unchosen = preferences.headers["etag"]
    chosen = _choose(customer, unchosen, language="de", **_by_text(orders=True))
    assert (chosen.status, chosen.body["version"], chosen.body["language"]) == (200, 1, "de")
    assert _choose(customer, unchosen, language="en").status == 412
    security = _choose(customer, email={"orders": True, "marketing": False, "security": False})
    assert (security.status, security.body["errors"][0]["pointer"]) == (422, "/email/security")
    read = customer.shop.call("GET", "/notifications/preferences")
    assert (read.body, read.headers["etag"]) == (chosen.body, chosen.headers["etag"])

    order = _pay(customer, place_order(customer, quantity=2, price=1250, title="Kännchen"))
    until(lambda: text_messages(local, number), "the confirmation by text")
    ship_order(staff, order)
    sent = [(template, "email") for template in ("welcome", "order_confirmation", "order_shipped")]
    sent += [(template, "sms") for template in ("order_confirmation", "order_shipped")]
    notifications = wait_for_notifications(customer, dict.fromkeys(sent, "sent"))

    by_subject = {email.subject: email for email in wait_for_emails(local, customer.email, 3)}
    confirmation = by_subject[f"Ihre Bestellung {order['number']} ist bestätigt"]
    assert "2 × Kännchen" in confirmation.text
    assert "25,00" in confirmation.text
    assert "liegt dieser E-Mail als PDF bei" in " ".join(confirmation.text.split())
    assert '<html lang="de"' in confirmation.html
    assert f"Ein Paket Ihrer Bestellung {order['number']} ist unterwegs" in by_subject
    confirmed, shipped = text_messages(local, number)
    assert f"Bestellung {order['number']}" in confirmed and "bestätigt" in confirmed
    assert f"Bestellung {order['number']} ist unterwegs mit Royal Mail" in shipped
    by_text = notifications["order_confirmation", "sms"]
    assert (by_text["to"], by_text["language"], by_text["instead_of"]) == (number, "de", None)

    email = notifications["order_confirmation", "email"]
    for _ in range(2):
        publish(local, email["notification_id"], "delivery")
    delivered = dict.fromkeys(sent, "sent") | {("order_confirmation", "email"): "delivered"}
    wait_for_notifications(customer, delivered)
    notifications = after_pause(lambda: wait_for_notifications(customer, delivered), seconds=1)
    email = notifications["order_confirmation", "email"]
    assert [change["status"] for change in email["history"]] == ["queued", "sent", "delivered"]
    assert bounces(customer, order) == []


def test_a_bounced_email_is_replaced_by_a_text_message_and_suppressed(
    local, staff, customer, number, place_order
):
    order = pay_and_wait(customer, place_order(customer))
    sent = {("order_confirmation", "email"): "sent"}
    email = wait_for_notifications(customer, sent, order)["order_confirmation", "email"]
    assert text_messages(local, number) == []
    assert _choose(customer, **_by_text(orders=True)).status == 200

    publish(local, email["notification_id"], "bounce")
    bounced = {("order_confirmation", "email"): "bounced", ("order_confirmation", "sms"): "sent"}
    notifications = wait_for_notifications(customer, bounced, order)
    email, text = notifications["order_confirmation", "email"], notifications["order_confirmation", "sms"]
    assert email["instead"] == "sms" and "550 5.1.1" in email["reason"]
    assert (text["instead_of"], text["to"]) == (email["notification_id"], number)
    assert [order["number"] in words for words in text_messages(local, number)] == [True]
    until(lambda: bounces(customer, order), "the order to record the bounce")
    assert bounces(customer, order) == ["order_confirmation email bounced, sent by sms instead"]

    second = _pay(customer, place_order(customer))
    suppressed = {
        ("order_confirmation", "email"): "suppressed",
        ("order_confirmation", "sms"): "sent",
    }
    notifications = wait_for_notifications(customer, suppressed, second)
    email, text = notifications["order_confirmation", "email"], notifications["order_confirmation", "sms"]
    assert (email["instead"], text["instead_of"]) == ("sms", email["notification_id"])
    assert [second["number"] in words for words in text_messages(local, number)] == [False, True]
    until(lambda: bounces(customer, second), "the second order to record the suppressed email")
    (detail,) = bounces(customer, second)
    assert detail.partition(", ")[0] == "order_confirmation email suppressed"

    assert _choose(customer, **_by_text(orders=False)).status == 200
    ship_order(staff, second)
    notifications = wait_for_notifications(
        customer, suppressed | {("order_shipped", "email"): "suppressed"}, second
    )
    assert notifications["order_shipped", "email"]["instead"] is None
    assert len(after_pause(lambda: text_messages(local, number), seconds=1)) == 2
    wait_for_emails(local, customer.email, 2)  # the welcome and that of the first order


def test_staff_send_an_email_and_a_text_message(local, staff, shopper, address, number):
    email = {
        "to": address,
        "subject": "About <i>your</i> lamp",
        "text": "Dear Ada,\n\nit is here.",
        "html": "<p>Dear <b>Ada</b>,</p><script>alert(1)</script><p onclick=alert(2)>it is here.</p>",
    }
    key = new_key()
    queued = staff.call("POST", "/notifications/email", email, **key)
    assert queued.status == 202
    (received,) = wait_for_emails(local, address, 1)
    assert received.subject == email["subject"]
    assert email["text"].splitlines() == received.text.splitlines()[2:5]
    assert "<b>Ada</b>" in received.html and "it is here." in received.html
    assert "About &lt;i&gt;your&lt;/i&gt; lamp</h1>" in received.html
    assert "<script" not in received.html and "alert" not in received.html
    assert "our team at Tillstack wrote to you" in " ".join(received.html.split())

    replayed = staff.call("POST", "/notifications/email", email, **key)
    assert (replayed.status, replayed.body) == (202, queued.body)
    assert replayed.headers["idempotent-replayed"] == "true"
    reused = staff.call("POST", "/notifications/email", email | {"text": "Another."}, **key)
    assert problem_of(reused) == (422, "/problems/idempotency-key-reused")
    eve = f"eve.{address}"
    for pointer, value in {
        "/to": f"{address}, {eve}",
        "/subject": f"Hello\r\nBcc: {eve}",
        "/bcc": eve,
    }.items():
        refused = staff.call("POST", "/notifications/email", email | {pointer[1:]: value}, **new_key())
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer)
    header_in_address = email | {"to": f"{address}\r\nBcc: {eve}"}
    assert staff.call("POST", "/notifications/email", header_in_address, **new_key()).status == 422
    assert staff.call("POST", "/notifications/email", email).status == 400

    text = {"to": f"{number[:3]} {number[3:]}", "message": "Your lamp is here."}
    texted = staff.expect(202, "POST", "/notifications/sms", text, **new_key())
    until(lambda: text_messages(local, number) == [text["message"]], "the text message")
    seen = wait_for_notification(staff, address.upper(), queued.body["notification_id"])
    assert (seen["channel"], seen["status"], seen["to"]) == ("email", "sent", address)
    seen = wait_for_notification(staff, text["to"], texted["notification_id"])
    assert (seen["channel"], seen["status"], seen["to"]) == ("sms", "sent", number)
    wait_for_emails(local, address, 1)
    assert emails(local, eve) == []

    customer = shopper().shop
    assert customer.call("POST", "/notifications/email", email, **new_key()).status == 403
    assert customer.call("POST", "/notifications/sms", text, **new_key()).status == 403
    assert customer.call("GET", f"/notifications?recipient={quote(address)}").status == 403


def test_a_recipient_has_a_limit_of_messages_per_hour(local, staff, number):
    def write(to):
        return staff.call("POST", "/notifications/sms", {"to": to, "message": "Ring us."}, **new_key())

    queued = 0
    while (answer := write(number)).status == 202:
        queued += 1
        assert queued <= 40, "twenty, or up to forty if a new hour starts meanwhile"
    assert queued >= 20
    assert problem_of(answer) == (429, "/problems/too-many-notifications")
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    assert write(f"{number}0").status == 202, "the limit is per recipient"
    until(lambda: len(text_messages(local, number)) == queued, "all queued messages to be sent")


def test_an_address_unsubscribes_with_one_click(local, url, staff, address):
    with capture_raw_emails(local) as raw:
        (email,) = wait_for_offers(local, staff, address, 1)
    link = _link(url, email)
    assert [sent["To"] for sent in raw] == [address]
    assert raw[0]["List-Unsubscribe"] == f"<{url}{link}>"
    assert raw[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    page = staff.call("GET", link)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<form method=post>" in page.body
    wait_for_offers(local, staff, address, 2)  # GET, as by a link scanner, does not unsubscribe

    assert one_click(url, _forged(link, address, f"not.{address}")) == 400
    assert staff.call("GET", _forged(link, address, f"not.{address}")).status == 400
    wait_for_offers(local, staff, f"not.{address}", 1)

    assert one_click(url, link) == 200
    assert one_click(url, link) == 200
    refused = send_offer(staff, address)
    assert wait_for_notification(staff, address, refused)["status"] == "suppressed"
    service = send_email(staff, address, category="service")
    assert wait_for_notification(staff, address, service)["status"] == "sent"
    subjects = [email.subject for email in wait_for_emails(local, address, 3)]
    assert subjects == ["Lamps, half price", "Lamps, half price", "Your question"]


def test_unsubscribing_by_link_changes_the_preferences(local, url, staff, customer):
    not_wanted = send_offer(staff, customer.email)
    item = wait_for_notification(staff, customer.email, not_wanted)
    assert (item["status"], item["reason"]) == ("suppressed", "the recipient does not want marketing")
    wanted = {"email": {"orders": True, "marketing": True}}
    assert _choose(customer, language="de", **wanted).body["version"] == 1
    email = wait_for_offers(local, staff, customer.email, 2)[-1]  # the first is the welcome
    assert "Abmelden: http" in " ".join(email.text.split())

    assert one_click(url, _link(url, email)) == 200
    now = customer.shop.expect(200, "GET", "/notifications/preferences")
    assert now["email"] == {"orders": True, "marketing": False}
    assert (now["language"], now["version"]) == ("de", 2)
    not_wanted = send_offer(staff, customer.email)
    assert wait_for_notification(staff, customer.email, not_wanted)["status"] == "suppressed"
    wait_for_emails(local, customer.email, 2)


def _pay(customer, placed):
    assert customer.pay(placed)["status"] == "succeeded"
    return customer.wait_for_order(placed["order_id"], "paid")


def _link(url, email):
    """Return the path of the unsubscribe link, which the email has in its text and in its HTML."""
    (link,) = re.findall(r"http\S+/notifications/unsubscribe\?token=\S+", email.text)
    assert link.startswith(url)
    assert f'href="{link}"' in email.html
    return link.removeprefix(url)


def _forged(link, ours, other):
    """Return the link with another address and the same signature."""
    path, token = link.split("?token=")
    head, claims, signature = token.split(".")
    content = urlsafe_b64decode(claims + "==")
    assert ours.encode() in content
    forged = urlsafe_b64encode(content.replace(ours.encode(), other.encode())).decode().rstrip("=")
    return f"{path}?token={head}.{forged}.{signature}"
