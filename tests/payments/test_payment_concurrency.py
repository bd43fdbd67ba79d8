"""Actions of the shopper, fulfilments and refunds between two calls to Stripe."""

import pytest

from payments import stripe_gateway
from payments.service import captures, refunds, sweeper, syncing
from payments.stripe_gateway import sessions
from shared.contracts.events import RefundDueData
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import Unavailable
from tests.payments.payments_driver import gbp
from tests.payments.samples import authorized_payment
from tests.payments.test_captures import at_stripe
from tests.payments.test_checkout_sessions import fill_in, page


def before_the_first(monkeypatch, what, name, act):
    """Run `act` just before the first call of `what.name`."""
    plain = getattr(what, name)
    done: list[bool] = []

    def late(*args, **kwargs):
        if not done:
            done.append(True)
            act()
        return plain(*args, **kwargs)

    monkeypatch.setattr(what, name, late)


def declined_page(driver):
    """Open a session on which a card was declined, so that its intent awaits another card."""
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"], "4000000000000002")
    driver.deliver_all()
    return opened


@pytest.mark.parametrize(("how", "status"), [("automatic", "succeeded"), ("manual", "authorized")])
def test_a_session_paid_during_a_synchronization_is_not_closed(driver, request, monkeypatch, how, status):
    if how == "manual":
        request.getfixturevalue("manual")
    opened = declined_page(driver)
    before_the_first(monkeypatch, sessions, "session", lambda: fill_in(opened["checkout_url"]))
    assert syncing.sync_from_stripe(opened["payment_id"], driver.now()).status == status
    driver.deliver_all()
    assert driver.status(opened["payment_id"]) == status


def test_the_other_method_does_not_cancel_a_new_authorization(driver, manual):
    driver.order()
    opened = page(driver).json
    fill_in(opened["checkout_url"])
    assert driver.pay().status == 409
    assert "payment.authorized" in driver.deliver_all()
    held = driver.payment(opened["payment_id"])
    assert (held.status, held.cancel_requested) == ("authorized", False)


def test_a_session_paid_during_a_request_for_the_other_method_stays_paid(driver, manual, monkeypatch):
    driver.order()
    opened = page(driver).json
    before_the_first(monkeypatch, sessions, "expire", lambda: fill_in(opened["checkout_url"]))
    assert driver.pay().status == 409
    assert "payment.voided" not in driver.deliver_all()
    held = driver.payment(opened["payment_id"])
    assert (held.status, held.cancel_requested, held.authorization.capturable) == ("authorized", False, 2000)


def test_a_payment_that_is_being_captured_is_not_replaced(driver, manual, monkeypatch):
    before, old_intent = authorized_payment(driver)
    driver.order(status="paid", expires_at=None)
    driver.paid_by["ord_1"] = before
    driver.advance(days=6, hours=1)
    driver.sweep()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    new = syncing.sync_from_stripe(opened["payment_id"], driver.now())
    seen = driver.payment(before)

    def release():
        with monkeypatch.context() as patch:
            patch.setattr(captures, "capture_due", lambda *_: seen)  # it synchronized before the fulfilment
            with pytest.raises(ConcurrentUpdate):
                sweeper._release_replaced(new, before, driver.now())

    before_the_first(monkeypatch, captures, "_send", release)
    driver.receive(driver.shipped(before, 700))
    driver.deliver_all()
    driver.sweep_later()
    taken = at_stripe(driver, old_intent), at_stripe(driver, opened["provider_id"])
    assert sum(captured for _, captured, _ in taken) == 700, taken


def test_a_partial_refund_does_not_void_an_uncaptured_payment(driver, manual, monkeypatch):
    payment_id, _ = authorized_payment(driver)

    def refuse(*_):
        raise stripe_gateway.StripeRefused("declined", "Not now.")

    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "capture", refuse)
        driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    due = RefundDueData(
        order_id="ord_1", payment_id=payment_id, amount=gbp(300), reason="returned", refund_key="ord_1:r"
    )
    with pytest.raises(Unavailable):
        refunds.refund_due(due, driver.now())
    held = driver.payment(payment_id)
    assert (held.authorization.capturable, held.cancel_requested) == (2000, False)
