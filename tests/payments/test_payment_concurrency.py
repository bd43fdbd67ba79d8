"""Changes by shoppers, fulfilments and returns between two reads from Stripe."""

import pytest

from payments import stripe_gateway
from payments.service import captures, refunds, sweeper, syncing
from payments.stripe_gateway import sessions
from shared.contracts.events.orders import RefundDueData
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import Unavailable
from tests.payments.payments_driver import gbp
from tests.payments.samples import authorized_payment, intent_state
from tests.payments.test_checkout_sessions import pay_by_session, submit_card


def before_first_call(monkeypatch, module, name, action):
    """Run `action` just before the first call of `module.name`."""
    real = getattr(module, name)
    done: list[bool] = []

    def act_first(*args, **kwargs):
        if not done:
            done.append(True)
            action()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, act_first)


def declined_session(driver):
    """Open a session on which a card was declined; its intent stays open."""
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"], "4000000000000002")
    driver.deliver_all()
    return opened


@pytest.mark.parametrize(("capture_method", "status"), [("automatic", "succeeded"), ("manual", "authorized")])
def test_a_session_paid_during_a_sync_is_not_taken_for_expired(
    driver, request, monkeypatch, capture_method, status
):
    if capture_method == "manual":
        request.getfixturevalue("manual")
    opened = declined_session(driver)
    before_first_call(monkeypatch, sessions, "session", lambda: submit_card(opened["checkout_url"]))
    assert syncing.sync_from_stripe(opened["payment_id"], driver.now()).status == status
    driver.deliver_all()
    assert driver.status(opened["payment_id"]) == status


def test_another_method_does_not_cancel_a_new_authorization(driver, manual):
    driver.order()
    opened = pay_by_session(driver).json
    submit_card(opened["checkout_url"])
    assert driver.pay().status == 409
    assert "payment.authorized" in driver.deliver_all()
    payment = driver.payment(opened["payment_id"])
    assert (payment.status, payment.cancel_requested) == ("authorized", False)


def test_a_session_paid_while_another_method_is_requested_stays_paid(driver, manual, monkeypatch):
    driver.order()
    opened = pay_by_session(driver).json
    before_first_call(monkeypatch, sessions, "expire", lambda: submit_card(opened["checkout_url"]))
    assert driver.pay().status == 409
    assert "payment.voided" not in driver.deliver_all()
    payment = driver.payment(opened["payment_id"])
    assert (payment.status, payment.cancel_requested, payment.authorization.capturable) == (
        "authorized",
        False,
        2000,
    )


def test_an_authorization_is_not_replaced_during_a_capture(driver, manual, monkeypatch):
    old_payment_id, old_intent_id = authorized_payment(driver)
    driver.order(status="paid", expires_at=None)
    driver.paid_by["ord_1"] = old_payment_id
    driver.advance(days=6, hours=1)
    driver.sweep()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    new = syncing.sync_from_stripe(opened["payment_id"], driver.now())
    seen = driver.payment(old_payment_id)

    def release_replaced():
        with monkeypatch.context() as patch:
            patch.setattr(captures, "capture_due", lambda *_: seen)  # its read preceded the fulfilment
            with pytest.raises(ConcurrentUpdate):
                sweeper._release_replaced(new, old_payment_id, driver.now())

    before_first_call(monkeypatch, captures, "_send", release_replaced)
    driver.receive(driver.shipped(old_payment_id, 700))
    driver.deliver_all()
    driver.sweep_later()
    states = intent_state(driver, old_intent_id), intent_state(driver, opened["provider_id"])
    assert sum(captured for _, captured, _ in states) == 700, states


def test_a_partial_refund_does_not_void_an_uncaptured_payment(driver, manual, monkeypatch):
    payment_id, _ = authorized_payment(driver)

    def refuse(*_):
        raise stripe_gateway.StripeRefused("declined", "The capture was declined.")

    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "capture", refuse)
        driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    due = RefundDueData(
        order_id="ord_1", payment_id=payment_id, amount=gbp(300), reason="returned", refund_key="ord_1:r"
    )
    with pytest.raises(Unavailable):
        refunds.refund_due(due, driver.now())
    payment = driver.payment(payment_id)
    assert (payment.authorization.capturable, payment.cancel_requested) == (2000, False)
