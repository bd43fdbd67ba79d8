"""What people read."""

from datetime import timedelta
from typing import Any

import pytest

from notify.app.consume import consume
from notify.domain import accounts, messages, orders, payments, staff
from notify.domain.letters import Category, Letter, Mail, Template
from notify.rendering import render
from shared.contracts.events import ReconciliationData, ReviewData
from tests.notify.event_data import (
    AT,
    NUMBER,
    back,
    dispute,
    gbp,
    issued,
    order,
    parcel,
    payment,
    refunded,
    registered,
    returned,
)
from tests.notify.mailbox import the_mail
from tests.notify.recipients import Seen
from tests.support import deliver

ORDER_PAGE = "https://shop.tillstack.example/orders/ord_1"


def read(letter: Letter | None, language: str = "en") -> Mail:
    assert letter is not None
    return render(letter, language)


def bodies(mail: Mail) -> tuple[str, str]:
    """The text and the words of the page, each on one line."""
    return " ".join(mail.text.split()), " ".join(Seen(mail.html).text.split())


def test_a_new_user_is_welcomed(cloud: None) -> None:
    assert deliver(consume, registered("Ada")) == []
    mail = the_mail()
    assert mail.to == ["ada@example.com"]
    assert mail.subject == "Welcome to Tillstack"
    assert "Hello Ada," in mail.text and "Hello Ada ," in Seen(mail.html).text
    assert mail.headers["From"] == "Tillstack <orders@tillstack.example>"
    assert mail.headers["To"] == "ada@example.com"
    assert mail.headers["Reply-To"] == "help@tillstack.example"
    assert mail.headers["Auto-Submitted"] == "auto-generated"


def test_a_welcome_is_not_a_letter_that_one_can_refuse() -> None:
    assert accounts.welcome(registered().data).category is Category.SECURITY


def test_a_paid_order_is_confirmed_with_lines_and_totals() -> None:
    mail = read(orders.confirmation(order()))
    assert mail.subject == "Your order 7K4M2-9QX2D is confirmed"
    assert "1 × Brass lamp\n    LAMP-9, each £1,234.00: £1,234.00\n" in mail.text
    assert "2 × White mug\n    MUG-1, each £2.95: £5.90\n" in mail.text
    assert "Subtotal: £1,239.90\nDiscount: -£10.00\nShipping: £3.95\nTotal: £1,233.85\n" in mail.text
    text, page = bodies(mail)
    assert "1 × Brass lamp LAMP-9 · each £1,234.00 £1,234.00 2 × White mug MUG-1 · each £2.95 £5.90" in page
    assert "Subtotal £1,239.90 Discount -£10.00 Shipping £3.95 Total £1,233.85" in page
    for body in (text, page):
        assert "21 November 2026" in body and ORDER_PAGE in body


def test_a_confirmation_is_true_of_money_that_came_in_and_of_money_that_is_held() -> None:
    for body in bodies(read(orders.confirmation(order()))):
        assert "Your payment is secured" in body
        assert "arrived" not in body and "charged" not in body


def test_a_confirmation_in_german() -> None:
    mail = read(orders.confirmation(order()), "de")
    assert mail.subject == "Ihre Bestellung 7K4M2-9QX2D ist bestätigt"
    text, _ = bodies(mail)
    assert "1 × Brass lamp LAMP-9, je 1.234,00 £: 1.234,00 £" in text
    assert "Zwischensumme: 1.239,90 £ Rabatt: -10,00 £ Versand: 3,95 £ Gesamt: 1.233,85 £" in text
    assert "Bestellt am: 21. November 2026" in text


def test_a_decline_is_told_with_its_reason_and_the_way_back() -> None:
    mail = read(payments.failed(payment(), "e"))
    assert mail.subject == "Payment failed for your order 7K4M2-9QX2D"
    for body in bodies(mail):
        assert "£12.99" in body and "Your card was declined." in body and "Please try again" in body
        assert ORDER_PAGE in body


def test_a_decline_without_a_reason_gives_none() -> None:
    mail = read(payments.failed(payment(reason=None), "e"))
    assert "says:" not in mail.text + mail.html


def test_a_hold_that_lapses_is_told_with_the_day_to_pay_by_and_where() -> None:
    held = payment(status="authorized", reason=None, secured=gbp(1299), capture_before=AT + timedelta(days=1))
    mail = read(payments.reauthorize(held))
    assert mail.subject == "Please pay again for your order 7K4M2-9QX2D"
    for body in bodies(mail):
        assert "£12.99" in body and "pay again by 22 November 2026, 09:30 UTC" in body
        assert "you do not pay twice" in body and ORDER_PAGE in body


def test_a_hold_of_unknown_end_is_told_without_a_day() -> None:
    text, _ = bodies(read(payments.reauthorize(payment(capture_before=None))))
    assert "please pay again soon." in text


def test_a_payment_is_asked_for_anew_once() -> None:
    asked = payments.reauthorize(payment())
    assert asked.id == payments.reauthorize(payment(capture_before=AT)).id
    assert asked.id != payments.reauthorize(payment(payment_id="pay_2")).id


def test_an_expired_order_is_told_with_its_lines() -> None:
    mail = read(orders.expired(order(status="expired")))
    assert mail.subject == "Your order 7K4M2-9QX2D has expired"
    for body in bodies(mail):
        assert "2 × White mug" in body and "refunded by itself" in body


def test_a_cancelled_order_is_told_with_its_reason_and_what_becomes_of_the_money() -> None:
    mail = read(orders.cancelled(order(reason="cancelled by the shop")))
    assert mail.subject == "Your order 7K4M2-9QX2D is cancelled"
    for body in bodies(mail):
        assert "The reason: cancelled by the shop" in body
        assert "Anything you paid comes back to you" in body
        assert "2 × White mug" in body and "£1,233.85" in body


@pytest.mark.parametrize(
    ("reason", "language", "said"),
    [
        ("cancelled by the customer", "en", "The reason: cancelled by you"),
        ("cancelled by the customer", "de", "Der Grund: von Ihnen storniert"),
        ("its payment was given back", "de", "Der Grund: Ihre Zahlung wurde erstattet"),
        ("a new reason", "en", "The reason: a new reason"),
    ],
)
def test_a_cancelled_order_gives_its_reason_in_the_readers_words(
    reason: str, language: str, said: str
) -> None:
    for body in bodies(read(orders.cancelled(order(reason=reason)), language)):
        assert said in body
        assert reason == "a new reason" or reason not in body


def test_a_reason_without_words_of_the_readers_language_is_not_given() -> None:
    mail = read(orders.cancelled(order(reason="a new reason")), "de")
    assert "reason" not in mail.text + mail.html and "Grund" not in mail.text + mail.html


def test_a_cancellation_without_a_reason_gives_none() -> None:
    mail = read(orders.cancelled(order()))
    assert "reason" not in mail.text + mail.html


def test_a_parcel_is_told_with_what_is_in_it_and_how_to_follow_it() -> None:
    mail = read(orders.shipped(parcel()))
    assert mail.subject == "A parcel of your order 7K4M2-9QX2D is on its way"
    assert "2 × White mug\n    MUG-1\n" in mail.text
    assert "Carrier: Royal Mail\nTracking number: JD014600009876543210\n" in mail.text
    _, page = bodies(mail)
    assert "2 × White mug MUG-1 Carrier Royal Mail Tracking number JD014600009876543210 The rest" in page
    assert ORDER_PAGE in mail.text


@pytest.mark.parametrize(
    ("complete", "said", "unsaid"),
    [
        (True, "all of your order has been sent", "The rest of your order"),
        (False, "The rest of your order comes separately", "all of your order"),
    ],
)
def test_a_parcel_says_whether_more_follow(complete: bool, said: str, unsaid: str) -> None:
    for body in bodies(read(orders.shipped(parcel(fully_shipped=complete)))):
        assert said in body and unsaid not in body


def test_a_parcel_without_carrier_or_tracking_names_none() -> None:
    for body in bodies(read(orders.shipped(parcel(carrier=None, tracking=None)))):
        assert "Carrier" not in body and "Tracking" not in body


def test_a_delivered_order_is_told_with_its_lines() -> None:
    mail = read(orders.delivered(order(status="delivered")))
    assert mail.subject == "Your order 7K4M2-9QX2D has been delivered"
    for body in bodies(mail):
        assert "1 × Brass lamp" in body and "2 × White mug" in body


@pytest.mark.parametrize(
    ("status", "subject", "said"),
    [
        ("approved", "Your return for order 7K4M2-9QX2D is approved", "You may send back"),
        ("rejected", "Your return for order 7K4M2-9QX2D is not accepted", "we cannot take back"),
    ],
)
def test_a_return_that_was_decided_is_told_with_its_lines_and_reason(
    status: str, subject: str, said: str
) -> None:
    mail = read(orders.return_decided(back(status=status)))
    assert mail.subject == subject
    for body in bodies(mail):
        assert said in body and "1 × White mug" in body and "Your reason: One too many" in body


def test_a_return_that_arrived_is_told_with_what_will_be_refunded() -> None:
    mail = read(orders.return_received(returned().data))
    assert mail.subject == "Your return for order 7K4M2-9QX2D has arrived"
    for body in bodies(mail):
        assert "1 × White mug" in body and "we give back £2.95" in body


def test_a_return_that_brings_nothing_speaks_of_no_money() -> None:
    mail = read(orders.return_received(back(refund=gbp(0))))
    assert "£" not in mail.text + mail.html and "give back" not in mail.text + mail.html


def test_a_refund_is_told_with_what_it_gave_back() -> None:
    mail = read(payments.refunded(refunded(295, 295).data, "e"))
    assert mail.subject == "A refund for your order 7K4M2-9QX2D"
    for body in bodies(mail):
        assert "£2.95" in body and "in all" not in body


def test_a_later_refund_is_told_with_the_sum_so_far() -> None:
    for body in bodies(read(payments.refunded(refunded(295, 1295).data, "e"))):
        assert "£2.95" in body and "which makes £12.95 in all" in body


def test_a_refund_that_says_no_more_than_the_sum_is_told_as_that() -> None:
    text, _ = bodies(read(payments.refunded(refunded(None, 700).data, "e")))
    assert "£7.00" in text and "in all" not in text


def test_a_refund_that_did_not_arrive_is_told_and_is_still_theirs() -> None:
    mail = read(payments.refund_failed(payment(failed_refund_amount=gbp(295)), "e"))
    assert mail.subject == "Your refund for order 7K4M2-9QX2D did not arrive"
    for body in bodies(mail):
        assert "A refund of £2.95 for your order" in body and "still yours" in body
    text, _ = bodies(read(payments.refund_failed(payment(), "e")))
    assert "A refund for your order 7K4M2-9QX2D did not get through" in text


def test_what_staff_write_is_read_as_they_wrote_it() -> None:
    letter = messages.staff_message(
        "msg_1", user_id="usr_1", to="ada@example.com", subject="Your\nlamp", text="Dear Ada,\n\none\ntwo"
    )
    mail = render(letter)
    assert mail.subject == "Your lamp"
    assert mail.text.startswith("Your lamp\n\nDear Ada,\n\none\ntwo\n")
    assert ">Dear Ada,</p>" in mail.html and "one<br>two" in mail.html
    assert "somebody at Tillstack wrote it" in mail.text
    assert letter.category is Category.SERVICE


def test_html_that_staff_write_stands_in_the_page_and_the_text_beside_it() -> None:
    html = '<p>Dear <b>Ada</b> <a href="https://shop.tillstack.example/x">see</a><script>x</script>'
    mail = render(
        messages.staff_message("m", user_id="u", to="a@b.example", subject="Hi", text="Dear Ada", html=html)
    )
    link = '<a class="link" href="https://shop.tillstack.example/x">see</a>'
    assert f"<p>Dear <b>Ada</b> {link}</p>" in mail.html
    assert "<script" not in mail.html and "Dear Ada" in mail.text


@pytest.mark.parametrize(("language", "label"), [("en", "Unsubscribe"), ("de", "Abmelden")])
def test_an_offer_shows_how_to_end_offers_and_other_letters_do_not(language: str, label: str) -> None:
    url = "https://api.tillstack.example/notifications/unsubscribe?token=a.b-c_d"
    offer = messages.staff_message(
        "m",
        user_id="u",
        to="a@b.example",
        subject="Offer",
        text="A tenth off.",
        category=Category.MARKETING,
        unsubscribe_url=url,
    )
    mail = render(offer, language)
    assert url in mail.text and label in mail.text
    assert Seen(mail.html).links == [url] and label in mail.html
    other = messages.staff_message("m", user_id="u", to="a@b.example", subject="Offer", text="A tenth off.")
    assert label not in render(other, language).html


@pytest.mark.parametrize(
    ("status", "days", "template", "subject"),
    [
        ("needs_response", 9, Template.DISPUTE_OPENED, "A shopper disputes £12.99 of order 7K4M2-9QX2D"),
        (
            "warning_needs_response",
            9,
            Template.DISPUTE_OPENED,
            "A bank asks about £12.99 of order 7K4M2-9QX2D",
        ),
        (
            "needs_response",
            3,
            Template.DISPUTE_DUE,
            "Evidence for order 7K4M2-9QX2D is due by 24 November 2026",
        ),
        (
            "needs_response",
            -1,
            Template.DISPUTE_DUE,
            "Evidence for order 7K4M2-9QX2D is due by 20 November 2026",
        ),
        ("won", 9, Template.DISPUTE_WON, "Dispute won: £12.99 of order 7K4M2-9QX2D"),
        ("lost", 9, Template.DISPUTE_LOST, "Dispute lost: £12.99 of order 7K4M2-9QX2D"),
    ],
)
def test_staff_hear_of_a_dispute_what_they_must_do(
    status: str, days: int, template: Template, subject: str
) -> None:
    letter = staff.disputed(dispute(status, evidence_due=AT + timedelta(days=days)), AT)
    assert letter and letter.template is template
    assert (letter.to, letter.category, letter.order_id) == ("", Category.INTERNAL, None)
    mail = render(letter)
    assert mail.subject == subject
    for body in bodies(mail):
        for fact in (NUMBER, "dp_1", "product not received", "£12.99", "pay_1", "ord_1"):
            assert fact in body


def test_a_dispute_without_a_day_is_one_that_opened() -> None:
    letter = staff.disputed(dispute("needs_response", evidence_due=None), AT)
    assert letter and letter.template is Template.DISPUTE_OPENED
    assert "Evidence due" not in render(letter).text


@pytest.mark.parametrize("status", ["under_review", "warning_under_review", "warning_closed", "unheard_of"])
def test_staff_hear_nothing_of_a_dispute_that_wants_nothing(status: str) -> None:
    assert staff.disputed(dispute(status), AT) is None


def test_a_dispute_is_told_once_a_stage_and_not_after_it_ended() -> None:
    def told(status: str, **changes: Any) -> Letter:
        letter = staff.disputed(dispute(status, **changes), AT)
        assert letter
        return letter

    opened, due = told("needs_response"), told("needs_response", evidence_due=AT)
    won, lost = told("won"), told("lost")
    assert opened.id == told("needs_response", amount=gbp(1)).id
    assert len({letter.id for letter in (opened, due, won, lost)}) == 4
    assert {won.id, lost.id, due.id} == set(opened.overtaken_by)
    assert {won.id, lost.id} == set(due.overtaken_by)
    other = told("won", dispute_id="dp_2")
    assert other.id not in opened.overtaken_by


def test_staff_hear_what_else_needs_a_person() -> None:
    failed = payment(secured=gbp(1299), reason="expired_card", failed_refund_amount=gbp(295))
    review = {"payment_id": "pay_1", "order_id": "ord_1", "number": NUMBER, "user_id": "usr_1"}
    found = ReconciliationData(reconciliation_id="rec_1", unexplained=2, summary="one\nand two")
    read_by_staff = [
        (staff.refund_failed(failed, "e"), "A refund of order 7K4M2-9QX2D failed", "£2.95"),
        (staff.capture_failed(failed, "e"), "Order 7K4M2-9QX2D has left and could not be charged", "£12.99"),
        (
            staff.reviewed(ReviewData(**review, status="open")),
            "Please review the payment of order 7K4M2-9QX2D",
            "pay_1",
        ),
        (staff.unreconciled(found), "The books differ from Stripe's: 2 not explained", "one and two"),
    ]
    for letter, subject, said in read_by_staff:
        assert letter and letter.to == "" and letter.category is Category.INTERNAL
        mail = render(letter)
        assert mail.subject == subject
        assert all(said in body for body in bodies(mail))
    assert staff.reviewed(ReviewData(**review, status="approved")) is None


def test_staff_hear_of_each_failure() -> None:
    for tell in (staff.refund_failed, staff.capture_failed):
        assert tell(payment(), "e1").id != tell(payment(), "e2").id
    assert staff.refund_failed(payment(), "e1").id != payments.refund_failed(payment(), "e1").id


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
        payments.failed(payment(), "e"),
        payments.reauthorize(payment()),
        payments.refunded(payment(), "e"),
        payments.refund_failed(payment(), "e"),
    ],
    ids=lambda letter: letter.template,
)
def test_people_read_the_orders_number_and_its_id_in_links_alone(letter: Letter) -> None:
    assert letter.order_id == "ord_1" and letter.category is Category.ORDERS
    for language in ("en", "de"):
        mail = render(letter, language)
        for body in bodies(mail):
            assert NUMBER in body
            assert "ord_1" not in body.replace(ORDER_PAGE, "")
        assert "ord_1" not in mail.subject
