"""The hosted checkout page: line items and a form with an error next to each invalid field."""

import html
import re
from datetime import UTC, datetime

from localstack.stripe import cards, money
from localstack.stripe.errors import CardError, Object, StripeError
from localstack.stripe.pages.layout import Page, document, redirect
from localstack.stripe.resources import checkout
from localstack.stripe.unit import Unit

# Name, label and HTML attributes.
_FIELDS = {
    "email": ("E-mail", 'type="email" autocomplete="email"'),
    "number": ("Card number", 'inputmode="numeric" autocomplete="cc-number" list="cards"'),
    "exp": ("Expiry (MM / YY)", 'inputmode="numeric" autocomplete="cc-exp" placeholder="12 / 40"'),
    "cvc": ("Security code", 'inputmode="numeric" autocomplete="cc-csc" placeholder="123"'),
    "sort_code": ("Sort code", 'inputmode="numeric" placeholder="10-88-00"'),
    "account_number": ("Account number", 'inputmode="numeric" placeholder="00012345"'),
    "name": ("Name", 'autocomplete="name"'),
}
_TEST_CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 3220", "requires authentication (3-D Secure)"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "is declined: insufficient funds"),
    ("4000 0000 0000 0259", "pays, and is disputed"),
    ("4000 0000 0000 5126", "pays; its refund fails later"),
)
_TEST_ACCOUNTS = (
    ("10-88-00 00012345", "pays after 2 seconds"),
    ("10-88-00 22222227", "fails after 2 seconds"),
)
_BUTTON_LABELS = {"auto": "Pay", "pay": "Pay", "book": "Book", "donate": "Donate", "subscribe": "Subscribe"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_EXPIRY = re.compile(r"(\d{1,2})\s*/?\s*(?:20)?(\d\d)")


def show(unit: Unit, session: Object, path: str) -> Page:
    """Return the form with the last payment error, or a page that says that the session is over."""
    decline_message = ""
    if session["payment_intent"]:
        last = unit.get("payment_intent", session["payment_intent"])["last_payment_error"]
        decline_message = last["message"] if last else ""
    values = {"email": session["customer_email"] or ""}
    return _page(session, path, values, {}, decline_message)


def pay(unit: Unit, session: Object, path: str, form: dict[str, str]) -> Page:
    """Pay, and return a redirect to the shop or the bank, or the form with its errors.

    A field that is missing, rather than empty, has a valid default, which helps scripts.
    """
    if session["status"] != "open":
        return _page(session, path, {}, {}, "")
    means, errors = _read(unit, form)
    if errors:
        return _page(session, path, form, errors, "")
    try:
        intent = checkout.pay(unit, session, form.get("email", ""), form.get("name", ""), means)
    except CardError as decline_message:
        return _page(session, path, form, {}, str(decline_message))
    if intent["status"] == "requires_action":
        return redirect(intent["next_action"]["redirect_to_url"]["url"])
    return redirect(checkout.success_url(checkout.complete_session(unit, intent) or session))


def _read(unit: Unit, form: dict[str, str]) -> tuple[Object, dict[str, str]]:
    """Return the payment method data for the API, and the error messages by field."""
    errors: dict[str, str] = {}
    if "email" in form and not _EMAIL.fullmatch(form["email"].strip()):
        errors["email"] = "Enter an e-mail address, such as you@example.com."
    if form.get("means") == "bacs_debit":
        means = _read_account(form, errors)
    else:
        means = _read_card(datetime.fromtimestamp(unit.now, UTC), form, errors)
    if "name" in form and not form["name"].strip():
        errors["name"] = "Enter your name, as your bank knows it."
    return means, errors


def _read_account(form: dict[str, str], errors: dict[str, str]) -> Object:
    account = {name: form.get(name, "") for name in ("sort_code", "account_number")}
    try:
        cards.by_account(**account)
    except StripeError as error:
        errors["account_number"] = str(error)
    return {"type": "bacs_debit", "bacs_debit": account}


def _read_card(today: datetime, form: dict[str, str], errors: dict[str, str]) -> Object:
    number = form.get("number", "4242424242424242")
    length = 3
    try:
        length = 4 if cards.by_number(number).brand == "amex" else 3
    except CardError as error:
        errors["number"] = str(error) if number.strip() else "Enter the card's number."
    month, year = 12, today.year + 3
    if "exp" in form:
        found = _EXPIRY.fullmatch(form["exp"].strip())
        month, year = (int(found[1]), 2000 + int(found[2])) if found else (0, 0)
        if not 1 <= month <= 12:
            errors["exp"] = "Enter the expiry as month and year, such as 12 / 40."
        elif (year, month) < (today.year, today.month):
            errors["exp"] = "This card has expired."
        elif year > today.year + 50:
            errors["exp"] = "Enter a year that is less than 50 years away."
    cvc = form.get("cvc", "123").strip()
    if not re.fullmatch(rf"\d{{{length}}}", cvc):
        errors["cvc"] = f"Enter the {length} digits of the security code."
    return {
        "type": "card",
        "card": {"number": number, "exp_month": month, "exp_year": year, "cvc": cvc},
    }


def _page(
    session: Object, path: str, values: dict[str, str], errors: dict[str, str], decline_message: str
) -> Page:
    if session["status"] == "complete":
        return redirect(checkout.success_url(session))
    back_link = ""
    if session["cancel_url"]:
        back_link = f'<p><a href="{html.escape(session["cancel_url"])}">Back to the shop</a></p>'
    if session["status"] == "expired":
        return document(
            410, "Checkout expired", f"<p>This checkout has expired. Nothing was charged.</p>{back_link}"
        )
    total = money.format_amount(session["amount_total"], session["currency"])
    verb = _BUTTON_LABELS[session["submit_type"] or "auto"]
    debits = _takes_debits(session)
    hints = _TEST_CARDS + (_TEST_ACCOUNTS if debits else ())
    options = "".join(f'<option value="{number}">{what}</option>' for number, what in _TEST_CARDS)
    return document(
        402 if decline_message else 400 if errors else 200,
        f"{verb} {total}",
        _lines(session, total)
        + _alert(errors, decline_message)
        + f'<form method="post" action="{html.escape(path)}" novalidate>'
        + _fields(values, errors, "number" if decline_message else next(iter(errors), ""), debits=debits)
        + f'<datalist id="cards">{options}</datalist><button>{verb} {total}</button></form>{back_link}'
        "<details><summary>Test cards and accounts</summary><ul>"
        + "".join(f"<li><code>{number}</code> {what}</li>" for number, what in hints)
        + "</ul><small>Use any future expiry and any security code. Other numbers are declined."
        "</small></details>",
    )


def _takes_debits(session: Object) -> bool:
    held = session["_intent_data"].get("capture_method") == "manual"
    return session["currency"] == "gbp" and not held


def _lines(session: Object, total: str) -> str:
    rows = "".join(
        f"<tr><td>{line['quantity']} × {html.escape(line['description'])}</td>"
        f"<td>{money.format_amount(line['amount_total'], line['currency'])}</td></tr>"
        for line in session["_line_items"]
    )
    return (
        "<table><thead><tr><th scope=col>Item</th><th scope=col>Price</th></tr></thead>"
        f"<tbody>{rows}</tbody><tfoot><tr><th scope=row>Total</th><td>{total}</td></tr></tfoot></table>"
    )


def _alert(errors: dict[str, str], decline_message: str) -> str:
    if not errors and not decline_message:
        return ""
    message = html.escape(decline_message) or "Nothing was charged yet. Please check:"
    links = "".join(f'<li><a href="#{name}">{_FIELDS[name][0]}</a></li>' for name in errors)
    return f'<div class="alert" role="alert">{message}{f"<ul>{links}</ul>" if links else ""}</div>'


def _fields(values: dict[str, str], errors: dict[str, str], focus: str, *, debits: bool) -> str:
    """Return the form's fields, with a choice of card or account if debits are possible."""
    fields = {name: _field(name, values, errors, focus) for name in _FIELDS}
    card = f'<div class="card">{fields["number"]}<div class="row">{fields["exp"]}{fields["cvc"]}</div></div>'
    if not debits:
        return fields["email"] + card + fields["name"]
    account = f'<div class="account row">{fields["sort_code"]}{fields["account_number"]}</div>'
    by_account = values.get("means") == "bacs_debit"
    choice = "".join(
        f'<label><input type="radio" name="means" value="{value}"{chosen}> {label}</label>'
        for value, label, chosen in (
            ("card", "Card", "" if by_account else " checked"),
            ("bacs_debit", "Bank account (Bacs Direct Debit)", " checked" if by_account else ""),
        )
    )
    return (
        f"{fields['email']}<fieldset><legend>How to pay</legend>{choice}</fieldset>"
        f"{card}{account}{fields['name']}"
    )


def _field(name: str, values: dict[str, str], errors: dict[str, str], focus: str) -> str:
    """Return label, input and error. A security code is never shown again."""
    label, kind = _FIELDS[name]
    value = "" if name == "cvc" else html.escape(values.get(name, ""))
    error = attributes = ""
    if name in errors:
        error = f'<p class="error" id="{name}-error">{html.escape(errors[name])}</p>'
        attributes = f' aria-invalid="true" aria-describedby="{name}-error"'
    attributes += " autofocus" if name == focus else ""
    return (
        f'<div><label for="{name}">{label}</label>'
        f'<input id="{name}" name="{name}" value="{value}" required {kind}{attributes}>{error}</div>'
    )
