"""The pages a shopper sees: the bank's authentication and the hosted checkout."""

import html
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from localstack.stripe import money
from localstack.stripe.errors import CardError, Object, StripeError
from localstack.stripe.resources import checkout, confirmation
from localstack.stripe.unit import Unit

_AUTHENTICATE = re.compile(r"/_pages/authenticate/(pi_\w+)/(\w+)")
_CHECKOUT = re.compile(r"/c/pay/(cs_test_\w+)")
_STYLE = (
    "body{font:16px/1.5 system-ui;max-width:28rem;margin:3rem auto;padding:0 1rem}"
    "button,input{font:inherit;padding:.5rem;margin:.3rem 0;width:100%;box-sizing:border-box}"
    "li{display:flex;justify-content:space-between}ul{padding:0}.bad{color:#b00020}"
)


class Page(NamedTuple):
    """`text` is HTML; with status 303 the shopper goes on to `location`."""

    status: int
    text: str = ""
    location: str | None = None


def owns(path: str) -> bool:
    return path.startswith(("/_pages/", "/c/pay/"))


def show(unit: Unit, method: str, path: str, body: str) -> Page:
    """The page at a path, or what its form brings about; runs within a transaction."""
    form = {name: values[0] for name, values in parse_qs(body).items()}
    try:
        if found := _AUTHENTICATE.fullmatch(path):
            intent = confirmation.challenged(unit, found[1], found[2])
            return _authenticated(unit, intent, form) if method == "POST" else _challenge(intent, path)
        if found := _CHECKOUT.fullmatch(path):
            session = unit.get("checkout.session", found[1])
            return _pay(unit, session, path, form) if method == "POST" else _checkout(unit, session, path)
    except StripeError as error:
        return _page(error.status, "Not here", f"<p>{html.escape(str(error))}</p>")
    return _page(404, "Not here", "<p>There is no such page.</p>")


def _challenge(intent: Object, path: str) -> Page:
    amount = money.show(intent["amount"], intent["currency"])
    return _page(
        200,
        "Your bank asks",
        f"<p>Is this payment of <b>{amount}</b> yours? (A test page: no bank, no money.)</p>"
        f'<form method="post" action="{html.escape(path)}">'
        '<button name="outcome" value="complete">Yes, complete it</button>'
        '<button name="outcome" value="fail">No, fail it</button></form>',
    )


def _authenticated(unit: Unit, intent: Object, form: dict[str, str]) -> Page:
    outcome = form.get("outcome")
    if outcome not in ("complete", "fail"):
        return _page(400, "Which?", "<p>The outcome is complete or fail.</p>")
    back = intent["_return_url"]
    intent = confirmation.authenticate(unit, intent, passed=outcome == "complete")
    session = checkout.settle(unit, intent)
    paid = intent["status"] in ("succeeded", "requires_capture")
    if session:
        return Page(303, location=_success(session) if session["status"] == "complete" else session["url"])
    if back is None:
        return _page(
            200,
            "Done",
            f"<p>The payment {'went through' if paid else 'failed'}. You may close this page.</p>",
        )
    return Page(
        303,
        location=_with_query(
            back,
            {
                "payment_intent": intent["id"],
                "payment_intent_client_secret": intent["client_secret"],
                "redirect_status": "succeeded" if paid else "failed",
            },
        ),
    )


def _checkout(unit: Unit, session: Object, path: str, refusal: str = "") -> Page:
    if session["status"] == "complete":
        return Page(303, location=_success(session))
    if session["status"] == "expired":
        return _page(410, "Too late", "<p>This checkout session has expired.</p>")
    lines = "".join(
        f"<li><span>{line['quantity']} × {html.escape(line['description'])}</span>"
        f"<span>{money.show(line['amount_total'], line['currency'])}</span></li>"
        for line in session["_line_items"]
    )
    if refusal == "" and session["payment_intent"]:
        last = unit.get("payment_intent", session["payment_intent"])["last_payment_error"]
        refusal = last["message"] if last else ""
    total = money.show(session["amount_total"], session["currency"])
    email = html.escape(session["customer_email"] or "")
    back = (
        f'<p><a href="{html.escape(session["cancel_url"])}">Back to the shop</a></p>'
        if session["cancel_url"]
        else ""
    )
    return _page(
        402 if refusal else 200,
        "Pay",
        f'<ul>{lines}</ul><p><b>Total {total}</b></p><p class="bad">{html.escape(refusal)}</p>'
        f'<form method="post" action="{html.escape(path)}">'
        f'<input name="email" type="email" placeholder="E-mail" value="{email}">'
        '<input name="number" value="4242 4242 4242 4242" aria-label="Card number">'
        f"<button>Pay {total}</button></form>{back}"
        "<p><small>A test page: test cards only, no money.</small></p>",
    )


def _pay(unit: Unit, session: Object, path: str, form: dict[str, str]) -> Page:
    if session["status"] != "open":
        return _checkout(unit, session, path)
    try:
        intent = checkout.pay(unit, session, form.get("email", ""), form.get("number", "4242424242424242"))
    except CardError as refusal:
        return _checkout(unit, session, path, str(refusal))
    if intent["status"] == "requires_action":
        return Page(303, location=intent["next_action"]["redirect_to_url"]["url"])
    return Page(303, location=_success(checkout.settle(unit, intent) or session))


def _success(session: Object) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))


def _page(status: int, title: str, content: str) -> Page:
    return Page(
        status,
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{content}</html>",
    )
