"""The bank's page for 3-D Secure authentication."""

import html
from urllib.parse import urlencode, urlsplit, urlunsplit

from localstack.stripe import money
from localstack.stripe.errors import StripeError
from localstack.stripe.pages.layout import Page, document, redirect
from localstack.stripe.resources import checkout, confirmation
from localstack.stripe.unit import Unit


def show(unit: Unit, id_: str, challenge: str, path: str) -> Page:
    """Return the page, or a redirect to the checkout if its challenge is no longer valid."""
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
    """Complete or fail the authentication (`outcome`) and redirect to the page on which the payment began."""
    outcome = form.get("outcome")
    if outcome not in ("complete", "fail"):
        return document(400, "Invalid outcome", "<p>The outcome must be complete or fail.</p>")
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
        result = "succeeded" if paid else "failed"
        return document(200, "Done", f"<p>The payment {result}. You may close this page.</p>")
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
    return document(404, "Page not found", "<p>This page was used already or never existed.</p>")


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))
