"""What people read."""

import re

import pytest

from notify.app import consume
from notify.domain import orders
from notify.domain.letters import Letter
from notify.rendering import render
from shared.events import Event
from tests.notify.conftest import Orders
from tests.notify.facts import (
    NUMBER,
    back,
    cancelled,
    decided,
    declined,
    delivered,
    expired,
    gbp,
    invoiced,
    issued,
    order,
    paid,
    parcel,
    refunded,
    registered,
    returned,
    shipped,
)
from tests.notify.mailbox import mails, the_mail
from tests.notify.reader import Seen
from tests.support import deliver


def test_a_new_user_is_welcomed(cloud: None) -> None:
    assert deliver(consume, registered("Ada")) == []
    mail = the_mail()
    assert mail.to == ["ada@example.com"]
    assert mail.subject == "Welcome to Tillstack"
    assert "Hello Ada," in mail.text and "Hello Ada," in mail.html
    assert mail.headers["From"] == "Tillstack <orders@tillstack.example>"
    assert mail.headers["To"] == "ada@example.com"
    assert mail.headers["Reply-To"] == "help@tillstack.example"
    assert mail.headers["Auto-Submitted"] == "auto-generated"


def test_a_paid_order_is_confirmed_with_lines_and_totals(cloud: None) -> None:
    assert deliver(consume, paid()) == []
    mail = the_mail()
    assert mail.subject == "Your order 7K4M2-9QX2D is confirmed"
    assert "1 × Brass lamp\n    LAMP-9, £1,234.00 each: £1,234.00\n" in mail.text
    assert "2 × White mug\n    MUG-1, £2.95 each: £5.90\n" in mail.text
    assert "Subtotal: £1,239.90\nDiscount: -£10.00\nShipping: £3.95\nTotal: £1,233.85\n" in mail.text
    assert "1 × Brass lamp LAMP-9 £1,234.00 £1,234.00 2 × White mug MUG-1 £2.95 £5.90" in Seen(mail.html).text
    assert "Subtotal £1,239.90 Discount -£10.00 Shipping £3.95 Total £1,233.85" in Seen(mail.html).text
    assert "https://shop.tillstack.example/orders/ord_1" in mail.text
    assert "https://shop.tillstack.example/orders/ord_1" in mail.html


def test_a_decline_is_told_with_its_reason_and_the_way_back(cloud: None) -> None:
    assert deliver(consume, declined()) == []
    mail = the_mail()
    assert mail.subject == "Payment failed for your order ord_1"
    for body in (mail.text, mail.html):
        assert "£12.99" in body and "Your card was declined." in body and "Please try again" in body
        assert "https://shop.tillstack.example/orders/ord_1" in body


def test_a_decline_without_a_reason_gives_none(cloud: None) -> None:
    assert deliver(consume, declined(reason=None)) == []
    assert "says:" not in the_mail().text + the_mail().html


def test_an_expired_order_is_told_with_its_lines(cloud: None) -> None:
    assert deliver(consume, expired()) == []
    mail = the_mail()
    assert mail.subject == "Your order 7K4M2-9QX2D has expired"
    assert "2 × White mug" in mail.text and "refunded by itself" in mail.text
    assert "Brass lamp" in mail.html and "refunded by itself" in mail.html


def test_an_order_that_never_became_payable_mails_nobody(cloud: None) -> None:
    assert deliver(consume, expired(lines=[])) == []
    assert mails() == []


def test_a_cancelled_order_is_told_with_its_reason_and_what_becomes_of_the_money(cloud: None) -> None:
    assert deliver(consume, cancelled(reason="cancelled by the shop")) == []
    mail = the_mail()
    assert mail.subject == "Your order 7K4M2-9QX2D is cancelled"
    for body in (mail.text, Seen(mail.html).text):
        assert "The reason: cancelled by the shop" in body
        assert "Anything you paid comes back to you" in body
        assert "2 × White mug" in body and "£1,233.85" in body


def test_a_cancellation_without_a_reason_gives_none(cloud: None) -> None:
    deliver(consume, cancelled())
    assert "reason" not in the_mail().text + the_mail().html


def test_an_order_that_was_refused_while_it_was_placed_mails_nobody(cloud: None) -> None:
    assert deliver(consume, cancelled(lines=[], reason="refused")) == []
    assert mails() == []


def test_a_parcel_is_told_with_what_is_in_it_and_how_to_follow_it(cloud: None) -> None:
    assert deliver(consume, shipped()) == []
    mail = the_mail()
    assert mail.subject == "A parcel of your order 7K4M2-9QX2D is on its way"
    assert "2 × White mug\n    MUG-1\n" in mail.text
    assert "Carrier: Royal Mail\nTracking number: JD014600009876543210\n" in mail.text
    assert "2 × White mug MUG-1 Carrier: Royal Mail" in Seen(mail.html).text
    assert "Tracking number: JD014600009876543210 The rest" in Seen(mail.html).text
    assert "https://shop.tillstack.example/orders/ord_1" in mail.text


@pytest.mark.parametrize(
    ("complete", "said", "unsaid"),
    [
        (True, "all of your order has been sent", "The rest of your order"),
        (False, "The rest of your order comes separately", "all of your order"),
    ],
)
def test_a_parcel_says_whether_more_follow(cloud: None, complete: bool, said: str, unsaid: str) -> None:
    deliver(consume, shipped(complete=complete))
    for body in (the_mail().text, the_mail().html):
        assert said in body and unsaid not in body


def test_a_parcel_without_carrier_or_tracking_names_none(cloud: None) -> None:
    deliver(consume, shipped(carrier=None, tracking=None))
    for body in (the_mail().text, the_mail().html):
        assert "Carrier" not in body and "Tracking" not in body


def test_a_delivered_order_is_told_with_its_lines(cloud: None) -> None:
    assert deliver(consume, delivered()) == []
    mail = the_mail()
    assert mail.subject == "Your order 7K4M2-9QX2D has been delivered"
    assert "1 × Brass lamp" in mail.text and "2 × White mug" in Seen(mail.html).text


@pytest.mark.parametrize(
    ("status", "subject", "said"),
    [
        ("approved", "Your return for order 7K4M2-9QX2D is approved", "You may send back"),
        ("rejected", "Your return for order 7K4M2-9QX2D is not accepted", "we cannot take back"),
    ],
)
def test_a_return_that_was_decided_is_told_with_its_lines_and_reason(
    cloud: None, status: str, subject: str, said: str
) -> None:
    assert deliver(consume, decided(status)) == []
    mail = the_mail()
    assert mail.subject == subject
    for body in (mail.text, Seen(mail.html).text):
        assert said in body and "1 × White mug" in body and "Your reason: One too many" in body


def test_a_return_that_arrived_is_told_with_what_will_be_refunded(cloud: None) -> None:
    assert deliver(consume, returned()) == []
    mail = the_mail()
    assert mail.subject == "Your return for order 7K4M2-9QX2D has arrived"
    for body in (mail.text, Seen(mail.html).text):
        assert "1 × White mug" in body and "we give back £2.95" in body


def test_a_return_that_brings_nothing_speaks_of_no_money(cloud: None) -> None:
    deliver(consume, returned(refund=gbp(0)))
    for body in (the_mail().text, the_mail().html):
        assert "£" not in body and "give back" not in body


def test_a_refund_is_told_with_what_it_gave_back(cloud: None) -> None:
    assert deliver(consume, refunded(295, 295)) == []
    mail = the_mail()
    assert mail.subject == "A refund for your order ord_1"
    for body in (mail.text, Seen(mail.html).text):
        assert "£2.95" in body and "in all" not in body


def test_a_later_refund_is_told_with_the_sum_so_far(cloud: None) -> None:
    deliver(consume, refunded(295, 1295))
    for body in (the_mail().text, Seen(the_mail().html).text):
        assert "£2.95" in body and "which makes £12.95 in all" in body


def test_a_refund_that_says_no_more_than_the_sum_is_told_as_that(cloud: None) -> None:
    deliver(consume, refunded(None, 700))
    assert "£7.00" in the_mail().text and "in all" not in the_mail().text


@pytest.mark.parametrize(
    "letter",
    [
        orders.confirmation(order()),
        orders.expired(order()),
        orders.cancelled(order()),
        orders.shipped(parcel()),
        orders.delivered(order()),
        orders.invoice(issued()),
        orders.return_decided(back()),
        orders.return_decided(back(status="rejected")),
        orders.return_received(back()),
    ],
    ids=lambda letter: letter.template,
)
def test_people_read_the_orders_number_and_its_id_in_links_alone(letter: Letter) -> None:
    mail = render(letter)
    for body in (mail.text, Seen(mail.html).text):
        assert NUMBER in body
        assert "ord_1" not in body.replace("https://shop.tillstack.example/orders/ord_1", "")
    assert "ord_1" not in mail.subject


@pytest.mark.parametrize(
    "event",
    [
        registered(),
        paid(),
        declined(),
        expired(),
        cancelled(reason="cancelled by the shop"),
        shipped(),
        shipped(carrier=None, tracking=None, complete=True),
        delivered(),
        decided(),
        decided("rejected"),
        returned(),
        refunded(295, 1295),
        invoiced(),
    ],
    ids=lambda event: event.type,
)
def test_mails_load_nothing_from_elsewhere_and_are_whole(cloud: None, orders: Orders, event: Event) -> None:
    assert deliver(consume, event) == []
    mail = the_mail()
    tags = Seen(mail.html).tags
    assert not {"img", "script", "link", "iframe", "object", "form", "style"} & set(tags)
    assert not re.search(r"src=|url\(|@import|javascript:|\bon\w+=", mail.html)
    assert "{{" not in mail.text + mail.html and "None" not in mail.text + mail.html
    assert all(len(row) < 100 for row in mail.text.splitlines())
    assert max(len(row) for row in the_mail().headers.values()) < 200
