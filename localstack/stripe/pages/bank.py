"""The bank's page, on which a shopper proves to be the card's owner (3-D Secure)."""

import html
from urllib.parse import urlencode, urlsplit, urlunsplit

from localstack.stripe import money
from localstack.stripe.errors import StripeError
from localstack.stripe.pages.layout import Page, document, redirect
from localstack.stripe.resources import checkout, confirmation
from localstack.stripe.unit import Unit


def show(unit: Unit, id_: str, challenge: str, path: str) -> Page:
    """The question; where it is no longer asked, a checkout's shopper goes back to the checkout."""
    try:
        intent = confirmation.intent_of_challenge(unit, id_, challenge)
    except StripeError:
        return _gone(unit, id_)
    amount = money.format_amount(intent["amount"], intent["currency"])
    return document(
        200,
        "Your bank asks",
        f"<p>Is this payment of <b>{amount}</b> yours?</p>"
        f'<form method="post" action="{html.escape(path)}">'
        '<button name="outcome" value="complete">Yes, complete it</button>'
        '<button class="plain" name="outcome" value="fail">No, fail it</button></form>',
    )


def submit(unit: Unit, id_: str, challenge: str, form: dict[str, str]) -> Page:
    """What the shopper said: `outcome` is complete or fail. On to where the payment was begun."""
    outcome = form.get("outcome")
    if outcome not in ("complete", "fail"):
        return document(400, "Which?", "<p>The outcome is complete or fail.</p>")
    try:
        intent = confirmation.intent_of_challenge(unit, id_, challenge)
    except StripeError:
        return _gone(unit, id_)
    return_url = intent["_return_url"]
    intent = confirmation.authenticate(unit, intent, passed=outcome == "complete")
    session = checkout.complete_session(unit, intent)
    if session:
        complete = session["status"] == "complete"
        return redirect(checkout.success_url(session) if complete else session["url"])
    paid = intent["status"] in ("succeeded", "requires_capture")
    if return_url is None:
        words = "went through" if paid else "failed"
        return document(200, "Done", f"<p>The payment {words}. You may close this page.</p>")
    return redirect(
        _with_query(
            return_url,
            {
                "payment_intent": intent["id"],
                "payment_intent_client_secret": intent["client_secret"],
                "redirect_status": "succeeded" if paid else "failed",
            },
        )
    )


def _gone(unit: Unit, id_: str) -> Page:
    intent = unit.store.get("payment_intent", id_) or {}
    if session_id := intent.get("_session"):
        return redirect(f"{unit.base_url}/c/pay/{session_id}")
    return document(404, "Not here", "<p>This page has been used, or never was.</p>")


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))
