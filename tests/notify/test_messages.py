"""The content of each message."""

from datetime import timedelta
from typing import Any

import pytest

from notify.app.consume import consume
from notify.domain import accounts, alerts, orders, payments
from notify.domain.messages import Category, Email, Message, Template
from notify.domain.staff_messages import staff_message
from notify.rendering import render
from shared.contracts.reasons import CancelReason
from tests.notify.event_data import (
    AT,
    NUMBER,
    cancelled,
    capture_failed,
    decided,
    declined,
    delivered,
    disputed,
    expired,
    expiring,
    gbp,
    invoiced,
    paid,
    refund_failed,
    refunded,
    registered,
    returned,
    reviewed,
    shipped,
    unreconciled,
)
from tests.notify.html_page import Page
from tests.notify.mailbox import only_email
from tests.notify.requests import deliver

ORDER_PAGE = "https://shop.tillstack.example/orders/ord_1"


def rendered(message: Message | None, language: str = "en") -> Email:
    assert message is not None
    return render(message, language)


def bodies(email: Email) -> tuple[str, str]:
    """Return the text and the HTML's text, each on one line."""
    return " ".join(email.text.split()), " ".join(Page(email.html).text.split())


def test_a_new_user_is_welcomed(cloud: None) -> None:
    assert deliver(consume, registered("Ada")) == []
    email = only_email()
    assert email.to == ["ada@example.com"]
    assert email.subject == "Welcome to Tillstack"
    assert "Hello Ada," in email.text and "Hello Ada ," in Page(email.html).text
    assert email.headers["From"] == "Tillstack <orders@tillstack.example>"
    assert email.headers["To"] == "ada@example.com"
    assert email.headers["Reply-To"] == "help@tillstack.example"
    assert email.headers["Auto-Submitted"] == "auto-generated"


def test_a_welcome_cannot_be_turned_off() -> None:
    assert accounts.welcome(registered()).category is Category.SECURITY


def test_a_confirmation_shows_lines_and_totals() -> None:
    email = rendered(orders.confirmation(paid()))
    assert email.subject == "Your order 7K4M2-9QX2D is confirmed"
    assert "1 × Brass lamp\n    LAMP-9, each £1,234.00: £1,234.00\n" in email.text
    assert "2 × White mug\n    MUG-1, each £2.95: £5.90\n" in email.text
    assert "Subtotal: £1,239.90\nDiscount: -£10.00\nShipping: £3.95\nTotal: £1,233.85\n" in email.text
    text, page = bodies(email)
    assert "1 × Brass lamp LAMP-9 · each £1,234.00 £1,234.00 2 × White mug MUG-1 · each £2.95 £5.90" in page
    assert "Subtotal £1,239.90 Discount -£10.00 Shipping £3.95 Total £1,233.85" in page
    for body in (text, page):
        assert "21 November 2026" in body and ORDER_PAGE in body


def test_a_confirmation_says_that_the_payment_is_secured_not_charged() -> None:
    for body in bodies(rendered(orders.confirmation(paid()))):
        assert "Your payment is secured" in body
        assert "arrived" not in body and "charged" not in body


def test_a_german_confirmation_shows_lines_and_totals() -> None:
    email = rendered(orders.confirmation(paid()), "de")
    assert email.subject == "Ihre Bestellung 7K4M2-9QX2D ist bestätigt"
    text, _ = bodies(email)
    assert "1 × Brass lamp LAMP-9, je 1.234,00 £: 1.234,00 £" in text
    assert "Zwischensumme: 1.239,90 £ Rabatt: -10,00 £ Versand: 3,95 £ Gesamt: 1.233,85 £" in text
    assert "Bestellt am: 21. November 2026" in text


def test_a_decline_shows_its_reason_and_how_to_try_again() -> None:
    email = rendered(payments.failed(declined()))
    assert email.subject == "Payment failed for your order 7K4M2-9QX2D"
    for body in bodies(email):
        assert "£12.99" in body and "The card has insufficient funds." in body and "Please try again" in body
        assert ORDER_PAGE in body


def test_a_decline_without_a_reason_shows_no_reason() -> None:
    email = rendered(payments.failed(declined(reason=None)))
    assert "Reason:" not in email.text + email.html


def test_a_request_to_pay_again_shows_the_amount_the_deadline_and_the_link() -> None:
    email = rendered(payments.reauthorize(expiring(hold_until=AT + timedelta(days=1))))
    assert email.subject == "Please pay again for your order 7K4M2-9QX2D"
    for body in bodies(email):
        assert "£12.99" in body and "pay again by 22 November 2026, 09:30 UTC" in body
        assert "you will not pay twice" in body and ORDER_PAGE in body


def test_a_request_to_pay_again_without_a_deadline_shows_no_date() -> None:
    text, _ = bodies(rendered(payments.reauthorize(expiring(hold_until=None))))
    assert "please pay again soon." in text


def test_one_request_to_pay_again_is_sent_per_payment() -> None:
    request = payments.reauthorize(expiring())
    assert request.id == payments.reauthorize(expiring(hold_until=AT)).id
    assert request.id != payments.reauthorize(expiring(payment_id="pay_2")).id


def test_an_expiry_shows_the_lines_of_the_order() -> None:
    email = rendered(orders.expired(expired()))
    assert email.subject == "Your order 7K4M2-9QX2D has expired"
    for body in bodies(email):
        assert "2 × White mug" in body and "we will refund it automatically" in body


def test_a_cancellation_shows_its_reason_and_announces_the_refund() -> None:
    email = rendered(orders.cancelled(cancelled(reason=CancelReason.REQUESTED_BY_SHOP)))
    assert email.subject == "Your order 7K4M2-9QX2D has been cancelled"
    for body in bodies(email):
        assert "Reason: We cancelled the order." in body
        assert "Anything that you have paid will be refunded" in body
        assert "2 × White mug" in body and "£1,233.85" in body


@pytest.mark.parametrize(
    ("reason", "language", "sentence"),
    [
        (CancelReason.REQUESTED_BY_CUSTOMER, "en", "Reason: You cancelled the order."),
        (CancelReason.REQUESTED_BY_CUSTOMER, "de", "Grund: Sie haben die Bestellung storniert."),
        (CancelReason.PAYMENT_REFUNDED, "de", "Grund: Ihre Zahlung wurde erstattet."),
        ("a new reason", "en", "Reason: The order could not be completed."),
        ("a new reason", "de", "Grund: Die Bestellung konnte nicht ausgeführt werden."),
    ],
)
def test_a_cancellation_shows_its_reason_in_the_recipients_language(
    reason: str, language: str, sentence: str
) -> None:
    for body in bodies(rendered(orders.cancelled(cancelled(reason=reason)), language)):
        assert sentence in body
        assert reason not in body


def test_a_cancellation_without_a_reason_shows_no_reason() -> None:
    email = rendered(orders.cancelled(cancelled()))
    assert "reason" not in (email.text + email.html).lower()


def test_a_fulfilment_shows_its_items_carrier_and_tracking_number() -> None:
    email = rendered(orders.shipped(shipped()))
    assert email.subject == "A package of your order 7K4M2-9QX2D is on its way"
    assert "2 × White mug\n    MUG-1\n" in email.text
    assert "Carrier: Royal Mail\nTracking number: JD014600009876543210\n" in email.text
    _, page = bodies(email)
    assert "2 × White mug MUG-1 Carrier Royal Mail Tracking number JD014600009876543210 The rest" in page
    assert ORDER_PAGE in email.text


@pytest.mark.parametrize(
    ("fully_shipped", "shown", "not_shown"),
    [
        (True, "This completes your order", "The rest of your order"),
        (False, "The rest of your order will be shipped separately", "completes your order"),
    ],
)
def test_a_fulfilment_shows_whether_it_completes_the_order(
    fully_shipped: bool, shown: str, not_shown: str
) -> None:
    for body in bodies(rendered(orders.shipped(shipped(fully_shipped=fully_shipped)))):
        assert shown in body and not_shown not in body


def test_a_fulfilment_without_a_carrier_shows_no_carrier_and_no_tracking() -> None:
    for body in bodies(rendered(orders.shipped(shipped(carrier=None, tracking=None)))):
        assert "Carrier" not in body and "Tracking" not in body


def test_a_delivery_shows_the_lines_of_the_order() -> None:
    email = rendered(orders.delivered(delivered()))
    assert email.subject == "Your order 7K4M2-9QX2D has been delivered"
    for body in bodies(email):
        assert "1 × Brass lamp" in body and "2 × White mug" in body


@pytest.mark.parametrize(
    ("status", "subject", "sentence"),
    [
        ("approved", "Your return for order 7K4M2-9QX2D is approved", "You can return these items"),
        ("rejected", "Your return for order 7K4M2-9QX2D was not accepted", "we cannot accept the return"),
    ],
)
def test_a_decision_on_a_return_shows_its_lines_and_reason(status: str, subject: str, sentence: str) -> None:
    email = rendered(orders.return_decided(decided(status)))
    assert email.subject == subject
    for body in bodies(email):
        assert sentence in body and "1 × White mug" in body and "Your reason: One too many" in body


def test_a_received_return_shows_the_amount_to_be_refunded() -> None:
    email = rendered(orders.return_received(returned()))
    assert email.subject == "Your return for order 7K4M2-9QX2D has arrived"
    for body in bodies(email):
        assert "1 × White mug" in body and "We will refund £2.95" in body


def test_a_received_return_without_a_refund_mentions_no_money() -> None:
    email = rendered(orders.return_received(returned(refund=gbp(0))))
    assert "£" not in email.text + email.html and "refund" not in email.text + email.html


def test_a_refund_shows_its_amount() -> None:
    email = rendered(payments.refunded(refunded(295, 295)))
    assert email.subject == "Your refund for order 7K4M2-9QX2D"
    for body in bodies(email):
        assert "£2.95" in body and "in total" not in body


def test_a_later_refund_also_shows_the_total() -> None:
    for body in bodies(rendered(payments.refunded(refunded(295, 1295)))):
        assert "£2.95" in body and "this makes £12.95 in total" in body


def test_a_refund_without_an_amount_shows_the_total_as_the_amount() -> None:
    text, _ = bodies(rendered(payments.refunded(refunded(None, 700))))
    assert "£7.00" in text and "in total" not in text


def test_a_failed_refund_says_that_the_customer_will_still_get_the_money() -> None:
    email = rendered(payments.refund_failed(refund_failed(failed_refund_amount=gbp(295))))
    assert email.subject == "Your refund for order 7K4M2-9QX2D did not arrive"
    for body in bodies(email):
        assert "A refund of £2.95 for your order" in body and "still yours" in body
    text, _ = bodies(rendered(payments.refund_failed(refund_failed())))
    assert "A refund for your order 7K4M2-9QX2D was not accepted" in text


def test_a_staff_message_keeps_its_text_and_paragraphs() -> None:
    message = staff_message(
        "msg_1", user_id="usr_1", to="ada@example.com", subject="Your\nlamp", text="Dear Ada,\n\none\ntwo"
    )
    email = render(message)
    assert email.subject == "Your lamp"
    assert email.text.startswith("Your lamp\n\nDear Ada,\n\none\ntwo\n")
    assert ">Dear Ada,</p>" in email.html and "one<br>two" in email.html
    assert "our team at Tillstack wrote to you" in " ".join(email.text.split())
    assert message.category is Category.SERVICE


def test_html_of_a_staff_message_is_in_the_html_part_only() -> None:
    html = '<p>Dear <b>Ada</b> <a href="https://shop.tillstack.example/x">see</a><script>x</script>'
    email = render(
        staff_message("m", user_id="u", to="a@b.example", subject="Hi", text="Dear Ada", html=html)
    )
    link = '<a class="link" href="https://shop.tillstack.example/x">see</a>'
    assert f"<p>Dear <b>Ada</b> {link}</p>" in email.html
    assert "<script" not in email.html and "Dear Ada" in email.text


@pytest.mark.parametrize(("language", "label"), [("en", "Unsubscribe"), ("de", "Abmelden")])
def test_only_marketing_has_an_unsubscribe_link(language: str, label: str) -> None:
    url = "https://api.tillstack.example/notifications/unsubscribe?token=a.b-c_d"
    offer = staff_message(
        "m",
        user_id="u",
        to="a@b.example",
        subject="Offer",
        text="A tenth off.",
        category=Category.MARKETING,
        unsubscribe_url=url,
    )
    email = render(offer, language)
    assert url in email.text and label in email.text
    assert Page(email.html).links == [url] and label in email.html
    other = staff_message("m", user_id="u", to="a@b.example", subject="Offer", text="A tenth off.")
    assert label not in render(other, language).html


@pytest.mark.parametrize(
    ("status", "days", "template", "subject"),
    [
        ("needs_response", 9, Template.DISPUTE_OPENED, "A customer disputes £12.99 of order 7K4M2-9QX2D"),
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
def test_an_alert_about_a_dispute_shows_its_subject_and_details(
    status: str, days: int, template: Template, subject: str
) -> None:
    message = alerts.dispute(disputed(status, evidence_due=AT + timedelta(days=days)), AT)
    assert message and message.template is template
    assert (message.to, message.category, message.order_id) == ("", Category.INTERNAL, None)
    email = render(message)
    assert email.subject == subject
    for body in bodies(email):
        for value in (NUMBER, "dp_1", "the product was not received", "£12.99", "pay_1", "ord_1"):
            assert value in body


def test_a_dispute_without_a_deadline_is_reported_as_opened() -> None:
    message = alerts.dispute(disputed("needs_response", evidence_due=None), AT)
    assert message and message.template is Template.DISPUTE_OPENED
    assert "Evidence due" not in render(message).text


@pytest.mark.parametrize("status", ["under_review", "warning_under_review", "warning_closed", "unknown"])
def test_a_dispute_that_needs_no_action_is_not_reported(status: str) -> None:
    assert alerts.dispute(disputed(status), AT) is None


def test_a_dispute_is_reported_once_per_stage() -> None:
    def alert(status: str, **changes: Any) -> Message:
        message = alerts.dispute(disputed(status, **changes), AT)
        assert message
        return message

    opened, due = alert("needs_response"), alert("needs_response", evidence_due=AT)
    won, lost = alert("won"), alert("lost")
    assert opened.id == alert("needs_response", amount=gbp(1)).id
    assert len({message.id for message in (opened, due, won, lost)}) == 4
    assert {won.id, lost.id, due.id} == set(opened.superseded_by)
    assert {won.id, lost.id} == set(due.superseded_by)
    other = alert("won", dispute_id="dp_2")
    assert other.id not in opened.superseded_by


def test_other_alerts_have_their_subject_and_content() -> None:
    changes: dict[str, Any] = {
        "secured": gbp(1299),
        "reason": "expired_card",
        "failed_refund_amount": gbp(295),
    }
    expected = [
        (
            alerts.refund_failed(refund_failed(**changes)),
            "A refund for order 7K4M2-9QX2D failed",
            "£2.95",
        ),
        (
            alerts.capture_failed(capture_failed(**changes)),
            "Order 7K4M2-9QX2D was shipped but could not be charged",
            "£12.99",
        ),
        (alerts.review(reviewed()), "Please review the payment of order 7K4M2-9QX2D", "pay_1"),
        (
            alerts.unreconciled(unreconciled("pi_1", "pi_\n2", count=3)),
            "Reconciliation with Stripe: 3 unexplained",
            "pi_1, pi_ 2",
        ),
    ]
    for message, subject, text in expected:
        assert message and message.to == "" and message.category is Category.INTERNAL
        email = render(message)
        assert email.subject == subject
        assert all(text in body for body in bodies(email))
    assert alerts.review(reviewed("approved")) is None


def test_each_failure_has_its_own_alert() -> None:
    assert alerts.refund_failed(refund_failed(2)).id != alerts.refund_failed(refund_failed(3)).id
    assert alerts.capture_failed(capture_failed(2)).id != alerts.capture_failed(capture_failed(3)).id
    assert alerts.refund_failed(refund_failed()).id != payments.refund_failed(refund_failed()).id


@pytest.mark.parametrize(
    "message",
    [
        orders.confirmation(paid()),
        orders.expired(expired()),
        orders.cancelled(cancelled()),
        orders.shipped(shipped()),
        orders.delivered(delivered()),
        orders.invoice(invoiced()),
        orders.return_decided(decided()),
        orders.return_decided(decided("rejected")),
        orders.return_received(returned()),
        payments.failed(declined()),
        payments.reauthorize(expiring()),
        payments.refunded(refunded(None, 0)),
        payments.refund_failed(refund_failed()),
    ],
    ids=lambda message: message.template,
)
def test_messages_show_the_order_number_and_its_id_in_links_only(message: Message) -> None:
    assert message.order_id == "ord_1" and message.category is Category.ORDERS
    for language in ("en", "de"):
        email = render(message, language)
        for body in bodies(email):
            assert NUMBER in body
            assert "ord_1" not in body.replace(ORDER_PAGE, "")
        assert "ord_1" not in email.subject
