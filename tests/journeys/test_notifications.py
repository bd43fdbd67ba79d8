"""What people are told: by mail and text message, in their language, as they chose."""

import random
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote
from uuid import uuid4

import pytest

from localstack.cloud.shop import Shop
from localstack.demo.shopper import Shopper, ship_order, until
from localstack.mail.feedback import publish
from localstack.mail.mailbox import mails
from tests.journeys.calls import refusal
from tests.journeys.conftest import await_letters, new_key, paid_for, settled
from tests.journeys.waiting import (
    bounces,
    mails_when,
    of_recipient_when,
    offer,
    offered,
    one_click,
    raw_mails,
    texts,
    told_when,
    write_mail,
)


@pytest.fixture
def number():
    """A mobile number that nobody was told anything by yet."""
    return f"+447700{random.randrange(10**6):06}"


@pytest.fixture
def address():
    """An address without an account."""
    return f"reader.{uuid4().hex[:10]}@example.com"


@pytest.fixture
def reader(local, url, stranger, address, number):
    """A customer who gave a number; the shop knows of them."""
    account = {"email": address, "password": f"A8!{uuid4().hex}"}
    written = f"{number[:3]} (0){number[3:7]} {number[7:]}"
    stranger.expect(201, "POST", "/users/register", account | {"name": "Ada Reader", "phone": written})
    tokens = stranger.expect(200, "POST", "/users/login", account)
    shopper = Shopper(local, Shop(url, tokens["access_token"]), address)
    await_letters(shopper, "welcome")
    return shopper


def _choose(reader, if_match=None, **choice):
    """PUT of the preferences of those who never chose, but for `choice`."""
    usual = {"email": {"orders": True, "marketing": False}, "sms": {"orders": False, "marketing": False}}
    headers = {} if if_match is None else {"If_Match": if_match}
    return reader.shop.call("PUT", "/notifications/preferences", usual | choice, **headers)


def _by_text(*, orders):
    return {"sms": {"orders": orders, "marketing": False}}


def test_a_customer_reads_german_and_gets_text_messages_too(local, staff, reader, number, ordered):
    preferences = reader.shop.call("GET", "/notifications/preferences")
    assert (preferences.body["version"], preferences.body["sms"]["orders"]) == (0, False)
    unchosen = preferences.headers["etag"]
    chosen = _choose(reader, unchosen, language="de", **_by_text(orders=True))
    assert (chosen.status, chosen.body["version"], chosen.body["language"]) == (200, 1, "de")
    assert _choose(reader, unchosen, language="en").status == 412
    security = _choose(reader, email={"orders": True, "marketing": False, "security": False})
    assert (security.status, security.body["errors"][0]["pointer"]) == (422, "/email/security")
    read = reader.shop.call("GET", "/notifications/preferences")
    assert (read.body, read.headers["etag"]) == (chosen.body, chosen.headers["etag"])

    order = _pay(reader, ordered(reader, quantity=2, price=1250, title="Kännchen"))
    until(lambda: texts(local, number), "the confirmation by text")
    ship_order(staff, order)
    sent = [(template, "email") for template in ("welcome", "order_confirmation", "invoice", "order_shipped")]
    sent += [(template, "sms") for template in ("order_confirmation", "order_shipped")]
    told = told_when(reader, dict.fromkeys(sent, "sent"))

    post = {mail.subject: mail for mail in mails_when(local, reader.email, 4)}
    confirmation = post[f"Ihre Bestellung {order['number']} ist bestätigt"]
    assert "2 × Kännchen" in confirmation.text
    assert "25,00" in confirmation.text
    assert '<html lang="de"' in confirmation.html
    assert f"Ein Paket Ihrer Bestellung {order['number']} ist unterwegs" in post
    confirmed, shipped = texts(local, number)
    assert f"Bestellung {order['number']}" in confirmed and "bestätigt" in confirmed
    assert f"Bestellung {order['number']} ist unterwegs mit Royal Mail" in shipped
    by_text = told["order_confirmation", "sms"]
    assert (by_text["to"], by_text["language"], by_text["instead_of"]) == (number, "de", None)

    mail = told["order_confirmation", "email"]
    for _ in range(2):
        publish(local, mail["notification_id"], "delivery")
    delivered = dict.fromkeys(sent, "sent") | {("order_confirmation", "email"): "delivered"}
    told_when(reader, delivered)
    mail = settled(lambda: told_when(reader, delivered), seconds=1)["order_confirmation", "email"]
    assert [change["status"] for change in mail["history"]] == ["queued", "sent", "delivered"]
    assert bounces(reader, order) == []


def test_a_mail_that_bounces_is_told_by_text_and_no_further_one_goes_there(
    local, staff, reader, number, ordered
):
    order = paid_for(reader, ordered(reader))
    both = {("order_confirmation", "email"): "sent", ("invoice", "email"): "sent"}
    mail = told_when(reader, both, order)["order_confirmation", "email"]
    assert texts(local, number) == []
    assert _choose(reader, **_by_text(orders=True)).status == 200

    publish(local, mail["notification_id"], "bounce")
    bounced = both | {("order_confirmation", "email"): "bounced", ("order_confirmation", "sms"): "sent"}
    told = told_when(reader, bounced, order)
    mail, text = told["order_confirmation", "email"], told["order_confirmation", "sms"]
    assert mail["instead"] == "sms" and "550 5.1.1" in mail["reason"]
    assert (text["instead_of"], text["to"]) == (mail["notification_id"], number)
    assert [order["number"] in words for words in texts(local, number)] == [True]
    until(lambda: bounces(reader, order), "the order to hear of it")
    assert bounces(reader, order) == ["order_confirmation email bounced, sent by sms instead"]

    second = _pay(reader, ordered(reader))
    suppressed = {
        ("order_confirmation", "email"): "suppressed",
        ("order_confirmation", "sms"): "sent",
        ("invoice", "email"): "suppressed",
    }
    told = told_when(reader, suppressed, second)
    mail, text = told["order_confirmation", "email"], told["order_confirmation", "sms"]
    assert (mail["instead"], text["instead_of"]) == ("sms", mail["notification_id"])
    assert told["invoice", "email"]["instead"] is None
    assert [second["number"] in words for words in texts(local, number)] == [False, True]
    until(lambda: len(bounces(reader, second)) == 2, "the second order to hear of both mails")
    assert {detail.partition(";")[0] for detail in bounces(reader, second)} == {
        "order_confirmation email suppressed",
        "invoice email suppressed",
    }

    assert _choose(reader, **_by_text(orders=False)).status == 200
    ship_order(staff, second)
    told = told_when(reader, suppressed | {("order_shipped", "email"): "suppressed"}, second)
    assert told["order_shipped", "email"]["instead"] is None
    assert len(settled(lambda: texts(local, number), seconds=1)) == 2
    mails_when(local, reader.email, 3)  # the welcome and the first order's two: nothing since


def test_staff_write_a_mail_and_a_text_message(local, staff, shopper, address, number):
    letter = {
        "to": address,
        "subject": "About <i>your</i> lamp",
        "text": "Dear Ada,\n\nit is here.",
        "html": "<p>Dear <b>Ada</b>,</p><script>alert(1)</script><p onclick=alert(2)>it is here.</p>",
    }
    key = new_key()
    promised = staff.call("POST", "/notifications/email", letter, **key)
    assert promised.status == 202
    (mail,) = mails_when(local, address, 1)
    assert mail.subject == letter["subject"]
    assert letter["text"].splitlines() == mail.text.splitlines()[2:5]
    assert "<b>Ada</b>" in mail.html and "it is here." in mail.html
    assert "About &lt;i&gt;your&lt;/i&gt; lamp</h1>" in mail.html
    assert "<script" not in mail.html and "alert" not in mail.html
    assert "somebody at Tillstack wrote it to you" in " ".join(mail.html.split())

    replayed = staff.call("POST", "/notifications/email", letter, **key)
    assert (replayed.status, replayed.body) == (202, promised.body)
    assert replayed.headers["idempotent-replayed"] == "true"
    reused = staff.call("POST", "/notifications/email", letter | {"text": "Another."}, **key)
    assert refusal(reused) == (422, "/problems/idempotency-key-reused")
    eve = f"eve.{address}"
    for pointer, value in {
        "/to": f"{address}, {eve}",
        "/subject": f"Hello\r\nBcc: {eve}",
        "/bcc": eve,
    }.items():
        refused = staff.call("POST", "/notifications/email", letter | {pointer[1:]: value}, **new_key())
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer)
    header_in_address = letter | {"to": f"{address}\r\nBcc: {eve}"}
    assert staff.call("POST", "/notifications/email", header_in_address, **new_key()).status == 422
    assert staff.call("POST", "/notifications/email", letter).status == 400

    text = {"to": f"{number[:3]} {number[3:]}", "message": "Your lamp is here."}
    texted = staff.expect(202, "POST", "/notifications/sms", text, **new_key())
    until(lambda: texts(local, number) == [text["message"]], "the text message")
    seen = of_recipient_when(staff, address.upper(), promised.body["notification_id"])
    assert (seen["channel"], seen["status"], seen["to"]) == ("email", "sent", address)
    seen = of_recipient_when(staff, text["to"], texted["notification_id"])
    assert (seen["channel"], seen["status"], seen["to"]) == ("sms", "sent", number)
    mails_when(local, address, 1)
    assert mails(local, eve) == []

    customer = shopper().shop
    assert customer.call("POST", "/notifications/email", letter, **new_key()).status == 403
    assert customer.call("POST", "/notifications/sms", text, **new_key()).status == 403
    assert customer.call("GET", f"/notifications?recipient={quote(address)}").status == 403


def test_nobody_is_written_to_above_the_limit_of_an_hour(local, staff, number):
    def write(to):
        return staff.call("POST", "/notifications/sms", {"to": to, "message": "Ring us."}, **new_key())

    promised = 0
    while (answer := write(number)).status == 202:
        promised += 1
        assert promised <= 40, "twenty, and as many where the clock's hour ended meanwhile"
    assert promised >= 20
    assert refusal(answer) == (429, "/problems/too-many-notifications")
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    assert write(f"{number}0").status == 202, "the limit is of a recipient"
    until(lambda: len(texts(local, number)) == promised, "what was promised to be sent")


def test_an_address_unsubscribes_by_one_click(local, url, staff, address):
    with raw_mails(local) as raw:
        (mail,) = offered(local, staff, address, 1)
    link = _link(url, mail)
    assert [sent["To"] for sent in raw] == [address]
    assert raw[0]["List-Unsubscribe"] == f"<{url}{link}>"
    assert raw[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    page = staff.call("GET", link)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<form method=post>" in page.body
    offered(local, staff, address, 2)  # a scanner of mails that follows the link ends nothing

    assert one_click(url, _forged(link, address, f"not.{address}")) == 400
    assert staff.call("GET", _forged(link, address, f"not.{address}")).status == 400
    offered(local, staff, f"not.{address}", 1)

    assert one_click(url, link) == 200
    assert one_click(url, link) == 200
    refused = offer(staff, address)
    assert of_recipient_when(staff, address, refused)["status"] == "suppressed"
    service = write_mail(staff, address, category="service")
    assert of_recipient_when(staff, address, service)["status"] == "sent"
    subjects = [mail.subject for mail in mails_when(local, address, 3)]
    assert subjects == ["Lamps, half price", "Lamps, half price", "Your question"]


def test_a_customer_unsubscribes_by_the_link_and_sees_it_in_the_preferences(local, url, staff, reader):
    unwanted = offer(staff, reader.email)
    item = of_recipient_when(staff, reader.email, unwanted)
    assert (item["status"], item["reason"]) == ("suppressed", "the reader wants no marketing")
    wanted = {"email": {"orders": True, "marketing": True}}
    assert _choose(reader, language="de", **wanted).body["version"] == 1
    mail = offered(local, staff, reader.email, 2)[-1]  # the first was the welcome
    assert "Abmelden: http" in " ".join(mail.text.split())

    assert one_click(url, _link(url, mail)) == 200
    now = reader.shop.expect(200, "GET", "/notifications/preferences")
    assert now["email"] == {"orders": True, "marketing": False}
    assert (now["language"], now["version"]) == ("de", 2)
    unwanted = offer(staff, reader.email)
    assert of_recipient_when(staff, reader.email, unwanted)["status"] == "suppressed"
    mails_when(local, reader.email, 2)


def _pay(reader, placed):
    assert reader.pay(placed)["status"] == "succeeded"
    return reader.wait_for_order(placed["order_id"], "paid")


def _link(url, mail):
    """The way to unsubscribe that a mail shows, both in its text and its HTML, as a path of the API."""
    (link,) = re.findall(r"http\S+/notifications/unsubscribe\?token=\S+", mail.text)
    assert link.startswith(url)
    assert f'href="{link}"' in mail.html
    return link.removeprefix(url)


def _forged(link, ours, other):
    """The link with another's address in it, under the same signature."""
    path, token = link.split("?token=")
    head, claims, signature = token.split(".")
    said = urlsafe_b64decode(claims + "==")
    assert ours.encode() in said
    forged = urlsafe_b64encode(said.replace(ours.encode(), other.encode())).decode().rstrip("=")
    return f"{path}?token={head}.{forged}.{signature}"
